#include "services/router/routes/route_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  const std::optional<NumberRoute> voice = table.FindNumber("+14155550101", Kind::kVoice);
  ASSERT_TRUE(voice.has_value());
  EXPECT_EQ(voice->account_sid, "AC1");
  EXPECT_EQ(voice->auth_token.Reveal(), "one");
  EXPECT_EQ(voice->handler, kVoice);
  EXPECT_EQ(table.FindNumber("+14155550101", Kind::kMessaging)->handler, kMessaging);

  const std::optional<NumberRoute> one = table.FindNumber("+14155550102", Kind::kVoice);
  ASSERT_TRUE(one.has_value());
  EXPECT_TRUE(one->auth_token.empty());
  EXPECT_EQ(one->handler, std::nullopt);
  EXPECT_EQ(table.FindNumber("+14155550102", Kind::kMessaging)->handler, kMessaging);
}

TEST(RouteTableTest, KnowsOnlyWhatIsWritten) {
  const RouteTable table = MakeTable();
  for (const char* number : {"", "+1415555010", "+141555501011", "14155550101", " +14155550101",
                             "+14155550101 ", "+14155550199"}) {
    EXPECT_FALSE(table.FindNumber(number, Kind::kVoice).has_value()) << number;
  }
  EXPECT_FALSE(RouteTable({}, {}).FindNumber("+14155550101", Kind::kVoice).has_value());
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
  const std::optional<NumberRoute> route = table.FindNumber("+14155550103", Kind::kVoice);
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->account_sid, "AC3");
  EXPECT_TRUE(route->auth_token.empty());
}

TEST(RouteTableTest, TheFirstOfTwoCounts) {
  const RouteTable table({{.sid = "AC1", .auth_token = Secret("first")},
                          {.sid = "AC1", .auth_token = Secret("second")}},
                         {{.phone_number = "+14155550101", .account_sid = "AC1", .voice = kVoice},
                          {.phone_number = "+14155550101", .account_sid = "AC2"}});
  EXPECT_EQ(table.FindAccount("AC1")->auth_token.Reveal(), "first");
  EXPECT_EQ(table.FindNumber("+14155550101", Kind::kVoice)->account_sid, "AC1");
  EXPECT_EQ(table.FindNumber("+14155550101", Kind::kVoice)->handler, kVoice);
}

std::shared_ptr<const Bin> MakeBin(const std::string& name) {
  return std::make_shared<const Bin>(
      Bin{.name = name, .text = *twilio::BinTemplate::Parse("<Response/>")});
}

// A table with what is set by `fill` beside MakeTable's.
template <typename Fill>
RouteTable WithStored(Fill fill, const std::vector<std::shared_ptr<const Bin>>& bins = {}) {
  PackedTexts texts;
  NumberTableChange change({}, texts);
  fill(change);
  return RouteTable({{.sid = "AC1", .auth_token = Secret("one")}},
                    {{.phone_number = "+14155550101", .account_sid = "AC1", .voice = kVoice}}, bins)
      .WithStored(change.Finish());
}

constexpr absl::string_view kApplication = "AP000000000000000000000000000000a1";
constexpr HandlerText kStored = {.url = "https://s.example.com/",
                                 .method = Method::kGet,
                                 .fallback_url = "https://f.example.com/"};
const Handler kStoredHandler = {
    .primary = {.url = "https://s.example.com/", .method = Method::kGet},
    .fallback = Endpoint{.url = "https://f.example.com/"}};

TEST(RouteTableTest, AStoredNumberAnswersBesideThoseOfTheFile) {
  const RouteTable table = WithStored([](NumberTableChange& change) {
    change.SetNumber("+14155550199", {.account_sid = "AC1", .voice = kStored});
    change.SetNumber("+14155550101", {.account_sid = "AC2", .voice = kStored});
  });
  const auto stored = table.FindNumber("+14155550199", Kind::kVoice);
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->account_sid, "AC1");
  EXPECT_EQ(stored->auth_token.Reveal(), "one");
  EXPECT_EQ(stored->handler, kStoredHandler);
  EXPECT_EQ(table.FindNumber("+14155550199", Kind::kMessaging)->handler, std::nullopt);
  // The file's comes first, with all it says.
  EXPECT_EQ(table.FindNumber("+14155550101", Kind::kVoice)->account_sid, "AC1");
  EXPECT_EQ(table.FindNumber("+14155550101", Kind::kVoice)->handler, kVoice);
}

TEST(RouteTableTest, AnApplicationTakesThePlaceOfTheUrls) {
  const RouteTable table = WithStored([](NumberTableChange& change) {
    change.SetApplication(kApplication, {.voice = kStored});
    change.SetNumber("+14155550199", {.account_sid = "AC1",
                                      .voice = {.url = "https://ignored.example.com/"},
                                      .voice_application_sid = kApplication,
                                      .messaging = {.url = "https://m.example.com/"}});
    change.SetNumber("+14155550198", {.account_sid = "AC1",
                                      .messaging = {.url = "https://ignored.example.com/"},
                                      .messaging_application_sid = kApplication});
  });
  EXPECT_EQ(table.FindNumber("+14155550199", Kind::kVoice)->handler, kStoredHandler);
  EXPECT_EQ(table.FindNumber("+14155550199", Kind::kMessaging)->handler->primary.url,
            "https://m.example.com/");
  // It has nothing for messages; then neither has the number.
  EXPECT_EQ(table.FindNumber("+14155550198", Kind::kMessaging)->handler, std::nullopt);
}

TEST(RouteTableTest, ATrunkTakesTheCallsAndLeavesTheMessages) {
  const RouteTable table = WithStored([](NumberTableChange& change) {
    change.SetApplication(kApplication, {.voice = kStored});
    change.SetNumber("+14155550199", {.account_sid = "AC1",
                                      .voice = kStored,
                                      .voice_application_sid = kApplication,
                                      .trunk_sid = "TK1",
                                      .messaging = kStored});
  });
  const auto voice = table.FindNumber("+14155550199", Kind::kVoice);
  EXPECT_EQ(voice->handler, std::nullopt);
  EXPECT_EQ(voice->trunk_sid, "TK1");
  const auto messaging = table.FindNumber("+14155550199", Kind::kMessaging);
  EXPECT_EQ(messaging->handler, kStoredHandler);
  EXPECT_EQ(messaging->trunk_sid, "");
}

TEST(RouteTableTest, ABinIsTheConfigurationsAndMayBeGone) {
  const std::shared_ptr<const Bin> bin = MakeBin("apology");
  const auto fill = [](NumberTableChange& change) {
    change.SetNumber(
        "+14155550199",
        {.account_sid = "AC1", .voice = {.url = "bin:apology?x=1", .fallback_url = "bin:gone"}});
  };
  const RouteTable table = WithStored(fill, {bin});
  const auto route = table.FindNumber("+14155550199", Kind::kVoice);
  EXPECT_EQ(route->handler->primary.bin, bin);
  EXPECT_EQ(route->handler->primary.url, "bin:apology?x=1");
  EXPECT_EQ(route->handler->fallback->bin, nullptr);
  EXPECT_EQ(route->handler->fallback->url, "bin:gone");
  EXPECT_EQ(table.FindBin("apology"), bin);
  EXPECT_EQ(table.FindBin("gone"), nullptr);
}

}  // namespace
}  // namespace understudy::router
