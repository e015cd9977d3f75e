#include "services/cli/call_options.h"

#include <gtest/gtest.h>

namespace understudy::cli {
namespace {

TEST(CallOptionsTest, TimeoutHasBorders) {
  const struct {
    const char* text;
    absl::Duration expected;  // zero: refused
  } kCases[] = {{"10s", absl::Seconds(10)},    {"1m30s", absl::Seconds(90)},
                {"100ms", kMinTimeout},        {"99ms", absl::ZeroDuration()},
                {"10m", kMaxTimeout},          {"10m1ms", absl::ZeroDuration()},
                {"10", absl::ZeroDuration()},  {"-1s", absl::ZeroDuration()},
                {"inf", absl::ZeroDuration()}, {"", absl::ZeroDuration()}};
  for (const auto& c : kCases) {
    absl::Duration timeout;
    const bool taken = TimeoutOption(timeout).set(c.text).ok();
    EXPECT_EQ(taken, c.expected != absl::ZeroDuration()) << c.text;
    if (taken) {
      EXPECT_EQ(timeout, c.expected) << c.text;
    }
  }
}

TEST(CallOptionsTest, ParametersAreNameAndValue) {
  twilio::Form form;
  const Option option = ParameterOption(form);
  EXPECT_TRUE(option.set("From=+1").ok());
  EXPECT_TRUE(option.set("Body=").ok());
  EXPECT_TRUE(option.set("Text=a=b").ok());
  EXPECT_EQ(form, (twilio::Form{{"From", "+1"}, {"Body", ""}, {"Text", "a=b"}}));
  for (const char* refused : {"From=again", "=x", "x", ""}) {
    EXPECT_FALSE(option.set(refused).ok()) << refused;
  }
}

TEST(CallOptionsTest, RefusesWordsThatDoNotExist) {
  twilio::Kind kind = twilio::Kind::kVoice;
  EXPECT_TRUE(KindOption(kind).set("messaging").ok());
  EXPECT_EQ(kind, twilio::Kind::kMessaging);
  EXPECT_FALSE(KindOption(kind).set("sms").ok());

  router::Method method = router::Method::kPost;
  EXPECT_TRUE(MethodOption("--method", method).set("get").ok());
  EXPECT_EQ(method, router::Method::kGet);
  EXPECT_FALSE(MethodOption("--method", method).set("PUT").ok());

  std::vector<router::Cidr> allow;
  EXPECT_TRUE(AllowOption(allow).set("127.0.0.0/8").ok());
  EXPECT_FALSE(AllowOption(allow).set("localhost").ok());
  EXPECT_EQ(allow.size(), 1u);
}

TEST(CallOptionsTest, SamplesLookLikeTheRealThing) {
  const twilio::Form call = SampleParameters(twilio::Kind::kVoice, "+14155550123");
  EXPECT_EQ(*twilio::FindParameter(call, "To"), "+14155550123");
  EXPECT_EQ(twilio::FindParameter(call, "CallSid")->size(), 34u);
  const twilio::Form message = SampleParameters(twilio::Kind::kMessaging, kCalledNumber);
  EXPECT_EQ(*twilio::FindParameter(message, "To"), kCalledNumber);
  EXPECT_EQ(twilio::FindParameter(message, "MessageSid")->size(), 34u);
  EXPECT_EQ(twilio::FindParameter(message, "CallSid"), nullptr);
}

}  // namespace
}  // namespace understudy::cli
