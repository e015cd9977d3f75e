// Numbers of the database, as a caller of a whole router finds them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/twilio/bin_template.h"
#include "tests/e2e/router_world.h"
#include "tests/router/routes/numbers_world.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using router::Bin;
using router::RouterConfig;
using ::testing::HasSubstr;

constexpr absl::Duration kBound = absl::Seconds(10);

std::shared_ptr<const Bin> BinOf(const std::string& name) {
  return std::make_shared<const Bin>(Bin{.name = name,
                                         .text = *twilio::BinTemplate::Parse(absl::StrCat(
                                             "<Response><Say>", name, "</Say></Response>"))});
}

class StoredNumbersTest : public ::testing::Test {
 protected:
  RouterConfig Config() const {
    RouterConfig config = LoopbackConfig();
    config.numbers_database = folder_.path() + "/numbers.db";
    config.bins = {BinOf("one"), BinOf("two")};
    return config;
  }

  static Answer Call(RouterWorld& world, const std::string& number) {
    auto request = VoiceRequest();
    request.set_phone_number(number);
    return world.Resolve(request);
  }
  // Waits until a call of the number is answered with a document that says so.
  static bool Says(RouterWorld& world, const std::string& number, const std::string& text) {
    return WaitFor(
        [&] {
          const Answer answer = Call(world, number);
          return answer.status.ok() && answer.response.twiml().find(text) != std::string::npos;
        },
        kBound);
  }

  const TempDir folder_{TempMedium::kMemory};
};

TEST_F(StoredNumbersTest, ACallGoesByWhatAnotherProcessHasSet) {
  RouterWorld world(Config());
  const auto store = OpenStore(Config().numbers_database);
  EXPECT_EQ(Call(world, NumberOf(1)).status.error_code(), grpc::StatusCode::NOT_FOUND);
  const auto number = Make(*store, 1, {{"VoiceUrl", "bin:one"}});
  EXPECT_TRUE(Says(world, NumberOf(1), "one"));
  const auto application =
      Good(store->CreateApplication(kOwner, {{"VoiceUrl", "bin:two"}}, kToday));
  Good(store->UpdateNumber(kOwner, number.sid, {{"VoiceApplicationSid", application.sid}}, kToday));
  EXPECT_TRUE(Says(world, NumberOf(1), "two"));
  Good(store->UpdateApplication(kOwner, application.sid, {{"VoiceUrl", "bin:one"}}, kToday));
  EXPECT_TRUE(Says(world, NumberOf(1), "one"));
  Good(store->UpdateNumber(kOwner, number.sid, {{"TrunkSid", "TK000000000000000000000000000000a1"}},
                           kToday));
  EXPECT_TRUE(WaitFor([&] { return !Call(world, NumberOf(1)).status.ok(); }, kBound));
  const grpc::Status trunk = Call(world, NumberOf(1)).status;
  EXPECT_EQ(trunk.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(trunk.error_message(), HasSubstr("TK000000000000000000000000000000a1"));
  Good(store->DeleteNumber(kOwner, number.sid, kToday));
  EXPECT_TRUE(WaitFor(
      [&] {
        return Call(world, NumberOf(1)).status.error_message().find("not configured") !=
               std::string::npos;
      },
      kBound));
}

TEST_F(StoredNumbersTest, AReloadKeepsThemAndTheFileComesFirst) {
  {
    const auto store = OpenStore(Config().numbers_database);
    Make(*store, 1, {{"VoiceUrl", "bin:one"}});
    Make(*store, 2, {{"VoiceUrl", "bin:one"}, {"VoiceFallbackUrl", "bin:two"}});
  }
  RouterWorld world(Config());
  EXPECT_THAT(Call(world, NumberOf(1)).response.twiml(), HasSubstr("one"));
  // The file names a number now that the database has, and the bin "one" is gone.
  RouterConfig config = Config();
  config.bins = {BinOf("two")};
  config.numbers = {
      {.phone_number = NumberOf(1),
       .account_sid = kAccountSid,
       .voice = router::Handler{.primary = {.url = "bin:two", .bin = config.bins[0]}}}};
  world.router().Reload(config);
  EXPECT_THAT(Call(world, NumberOf(1)).response.twiml(), HasSubstr("two"));
  const Answer vanished = Call(world, NumberOf(2));
  EXPECT_TRUE(vanished.status.ok());
  EXPECT_THAT(vanished.response.twiml(), HasSubstr("two"));
  EXPECT_EQ(vanished.response.source(), router::v1::SOURCE_FALLBACK);
  EXPECT_EQ(vanished.response.error_code(), 11100);
  EXPECT_EQ(vanished.response.error_url(), "bin:one");
  world.router().Reload(Config());
  EXPECT_THAT(Call(world, NumberOf(1)).response.twiml(), HasSubstr("one"));
  EXPECT_THAT(Call(world, NumberOf(2)).response.twiml(), HasSubstr("one"));
}

TEST_F(StoredNumbersTest, AFileThatIsNoneOfOursIsNoStart) {
  folder_.Write("numbers.db", std::string(4096, 'x'));
  const auto started = router::Router::Start(Config());
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(std::string(started.status().message()), HasSubstr("numbers_database"));
  EXPECT_THAT(std::string(started.status().message()), HasSubstr("numbers.db"));
}

}  // namespace
}  // namespace understudy::testing
