#include "services/router/routes/route_table.h"

#include <gtest/gtest.h>

namespace understudy::router {
namespace {

const Handler kVoice = {
    .primary = {.url = "https://www.example.com/voice"},
    .fallback = Endpoint{.url = "https://b.example.com/", .method = Method::kGet}};
const Handler kMessaging = {.primary = {.url = "https://www.example.com/message"}};

RouteTable MakeTable() {
  return RouteTable(
      {{.sid = "AC1", .auth_token = Secret("one")}, {.sid = "AC2"}},
      {{.phone_number = "+14155550101",
        .account_sid = "AC1",
        .voice = kVoice,
        .messaging = kMessaging},
       {.phone_number = "+14155550102", .account_sid = "AC2", .messaging = kMessaging},
       {.phone_number = "+14155550103", .account_sid = "AC3", .voice = kVoice}});
}

TEST(RouteTableTest, FindsANumberWithItsAccountsToken) {
  const RouteTable table = MakeTable();
  const NumberRoute* const both = table.FindNumber("+14155550101");
  ASSERT_NE(both, nullptr);
  EXPECT_EQ(both->account_sid, "AC1");
  EXPECT_EQ(both->auth_token.Reveal(), "one");
  EXPECT_EQ(both->handler(Kind::kVoice), kVoice);
  EXPECT_EQ(both->handler(Kind::kMessaging), kMessaging);

  const NumberRoute* const one = table.FindNumber("+14155550102");
  ASSERT_NE(one, nullptr);
  EXPECT_TRUE(one->auth_token.empty());
  EXPECT_EQ(one->handler(Kind::kVoice), std::nullopt);
  EXPECT_EQ(one->handler(Kind::kMessaging), kMessaging);
}

TEST(RouteTableTest, KnowsOnlyWhatIsWritten) {
  const RouteTable table = MakeTable();
  for (const char* number : {"", "+1415555010", "+141555501011", "14155550101", " +14155550101",
                             "+14155550101 ", "+14155550199"}) {
    EXPECT_EQ(table.FindNumber(number), nullptr) << number;
  }
  EXPECT_EQ(RouteTable({}, {}).FindNumber("+14155550101"), nullptr);
}

TEST(RouteTableTest, FindsAccounts) {
  const RouteTable table = MakeTable();
  ASSERT_NE(table.FindAccount("AC1"), nullptr);
  EXPECT_EQ(table.FindAccount("AC1")->auth_token.Reveal(), "one");
  ASSERT_NE(table.FindAccount("AC2"), nullptr);
  EXPECT_EQ(table.FindAccount("AC3"), nullptr);
  EXPECT_EQ(table.FindAccount(""), nullptr);
}

TEST(RouteTableTest, ANumberWithoutAnAccountIsUnsigned) {
  const RouteTable table = MakeTable();
  const NumberRoute* const route = table.FindNumber("+14155550103");
  ASSERT_NE(route, nullptr);
  EXPECT_EQ(route->account_sid, "AC3");
  EXPECT_TRUE(route->auth_token.empty());
}

TEST(RouteTableTest, TheFirstOfTwoCounts) {
  const RouteTable table({{.sid = "AC1", .auth_token = Secret("first")},
                          {.sid = "AC1", .auth_token = Secret("second")}},
                         {{.phone_number = "+14155550101", .account_sid = "AC1", .voice = kVoice},
                          {.phone_number = "+14155550101", .account_sid = "AC2"}});
  EXPECT_EQ(table.FindAccount("AC1")->auth_token.Reveal(), "first");
  EXPECT_EQ(table.FindNumber("+14155550101")->account_sid, "AC1");
  EXPECT_EQ(table.FindNumber("+14155550101")->voice, kVoice);
}

}  // namespace
}  // namespace understudy::router
