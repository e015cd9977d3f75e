#include "services/notifier/ingest/recoveries.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "services/notifier/ingest/twilio_events.h"

namespace understudy::notifier {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1764000000);

TEST(RecoveriesTest, ACallIsSentBackSoOftenAndNoMore) {
  for (const int max : {1, 2, 10}) {
    Recoveries recoveries;
    for (int i = 0; i < max; ++i) EXPECT_TRUE(recoveries.MayRecover("CA1", "", max, kNow)) << max;
    EXPECT_FALSE(recoveries.MayRecover("CA1", "", max, kNow));
    EXPECT_FALSE(recoveries.MayRecover("CA1", "", max, kNow));
    EXPECT_TRUE(recoveries.MayRecover("CA2", "", max, kNow));
  }
}

TEST(RecoveriesTest, NeverWithoutASidNorWhenSwitchedOff) {
  Recoveries recoveries;
  EXPECT_FALSE(recoveries.MayRecover("", "", 1, kNow));
  EXPECT_FALSE(recoveries.MayRecover("CA1", "", 0, kNow));
  EXPECT_TRUE(recoveries.MayRecover("CA1", "", 1, kNow));
}

TEST(RecoveriesTest, TheSameRequestGetsTheSameAnswer) {
  Recoveries recoveries;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(recoveries.MayRecover("CA1", "t1", 1, kNow));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(recoveries.MayRecover("CA1", "t2", 1, kNow));
  // A token is its call's own.
  EXPECT_TRUE(recoveries.MayRecover("CA2", "t2", 1, kNow));
  // A sender that uses one token for all it sends does not send a call in circles for ever.
  EXPECT_TRUE(recoveries.MayRecover("CA2", "t2", 1, kNow + kSameRequestTime));
  EXPECT_FALSE(
      recoveries.MayRecover("CA2", "t2", 1, kNow + kSameRequestTime + absl::Nanoseconds(1)));
}

TEST(RecoveriesTest, ACallIsForgottenAfterTheLongestCall) {
  Recoveries recoveries;
  EXPECT_TRUE(recoveries.MayRecover("CA1", "", 1, kNow));
  EXPECT_FALSE(recoveries.MayRecover("CA1", "", 1, kNow + kRecoveryMemory));
  // It was heard of meanwhile.
  EXPECT_FALSE(recoveries.MayRecover("CA1", "", 1, kNow + 2 * kRecoveryMemory));
  EXPECT_TRUE(
      recoveries.MayRecover("CA1", "", 1, kNow + 3 * kRecoveryMemory + absl::Nanoseconds(1)));
}

TEST(RecoveriesTest, TheCallHeardOfLongestAgoMakesRoom) {
  Recoveries recoveries;
  const auto may = [&](size_t call) {
    return recoveries.MayRecover(absl::StrCat("CA", call), "", 1, kNow);
  };
  for (size_t i = 0; i < kMaxRecoveringCalls; ++i) EXPECT_TRUE(may(i));
  EXPECT_FALSE(may(0));                   // heard of again, so 1 is the oldest
  EXPECT_TRUE(may(kMaxRecoveringCalls));  // one too many
  EXPECT_FALSE(may(0));
  EXPECT_FALSE(may(2));
  EXPECT_TRUE(may(1));
}

}  // namespace
}  // namespace understudy::notifier
