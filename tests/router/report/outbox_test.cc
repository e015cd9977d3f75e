// The outbox as a queue: what is sent when, how failures are answered, what is counted.
#include "services/router/report/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/router/report/outbox_world.h"

namespace understudy::testing {
namespace {

using namespace router;  // NOLINT: the room under test
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Batch = OutboxWorld::Batch;

Batch Numbered(int count) {
  Batch records;
  for (int i = 0; i < count; ++i) records.push_back(absl::StrCat("event ", i));
  return records;
}

TEST(Outbox, SendsWhatWasAppendedInOrderAndOnce) {
  OutboxWorld world;
  world.Append({"a", "b"});
  world.Append({"c"});
  world.Run();
  EXPECT_THAT(world.batches, ElementsAre(ElementsAre("a", "b", "c")));
  EXPECT_EQ(world.stats().sent, 3);
  EXPECT_EQ(world.stats().events, 0);
  world.Append({"d"});
  world.Run();
  EXPECT_THAT(world.received(), ElementsAre("a", "b", "c", "d"));
}

TEST(Outbox, WakesItsSenderOnlyFromIdleness) {
  OutboxWorld world;
  EXPECT_FALSE(world.outbox().Append(Batch{"before the first pump"}, world.now));
  world.Run();
  EXPECT_TRUE(world.outbox().Append(Batch{"a"}, world.now));
  EXPECT_FALSE(world.outbox().Append(Batch{"b"}, world.now));
  EXPECT_EQ(world.outbox().Pump(world.now), world.now + kGatherTime);
  EXPECT_FALSE(world.outbox().Append(Batch{"c"}, world.now));
  EXPECT_FALSE(world.outbox().Append(Batch{}, world.now));
  world.Run();
  EXPECT_FALSE(world.outbox().Append(Batch{}, world.now));
  EXPECT_TRUE(world.outbox().Append(Batch{"d"}, world.now));
}

TEST(Outbox, LetsEventsGatherButNotForLong) {
  OutboxWorld world;
  const absl::Time first = world.now;
  world.Append({"a"});
  EXPECT_EQ(world.outbox().Pump(world.now), first + kGatherTime);
  world.now += kGatherTime - absl::Milliseconds(1);
  world.Append({"b"});
  EXPECT_EQ(world.outbox().Pump(world.now), first + kGatherTime);
  EXPECT_THAT(world.batches, IsEmpty());
  world.now = first + kGatherTime;
  EXPECT_EQ(world.outbox().Pump(world.now), absl::InfiniteFuture());
  EXPECT_THAT(world.batches, ElementsAre(ElementsAre("a", "b")));
}

TEST(Outbox, EventsThatComeDuringASendGatherAgain) {
  OutboxWorld world;
  world.send_takes = absl::Milliseconds(10);
  world.answer = [&](const Batch& records) {
    if (records[0] == "a") world.Append({"b"});
    return Accepted();
  };
  world.Append({"a"});
  world.Run();
  EXPECT_THAT(world.batches, ElementsAre(ElementsAre("a"), ElementsAre("b")));
  EXPECT_GE(world.sent_at[1] - world.sent_at[0], kGatherTime);
  EXPECT_LE(world.sent_at[1] - world.sent_at[0], kGatherTime + world.send_takes);
}

TEST(Outbox, ABatchHasSoManyEventsAtMost) {
  for (const int over : {0, 1}) {
    OutboxWorld world;
    world.Append(Numbered(static_cast<int>(kMaxBatchEvents) + over));
    world.Run();
    ASSERT_THAT(world.batches, SizeIs(over + 1));
    EXPECT_THAT(world.batches[0], SizeIs(kMaxBatchEvents));
    EXPECT_EQ(world.received(), Numbered(static_cast<int>(kMaxBatchEvents) + over));
    // The rest does not wait.
    EXPECT_EQ(world.sent_at.back(), world.sent_at.front());
  }
}

TEST(Outbox, ABatchHasSoManyBytesAtMost) {
  constexpr size_t kWhole = kMaxBatchBytes / kMaxRecordBytes;  // records in a batch
  for (const int over : {0, 1}) {
    // Segments would be the narrower limit; what waits in memory is not in one.
    OutboxWorld world;
    world.Append({Padded("first", kMaxRecordBytes - 1 + static_cast<size_t>(over))});
    for (size_t i = 1; i < kWhole; ++i) world.Append({Padded("more", kMaxRecordBytes)});
    world.Append({"x"});
    world.Run();
    size_t bytes = 0;
    for (const std::string& record : world.batches[0]) bytes += record.size();
    EXPECT_LE(bytes, kMaxBatchBytes);
    EXPECT_THAT(world.received(), SizeIs(kWhole + 1));
  }
}

TEST(Outbox, RecordsHaveASizeAtWhichTheyAreKeptAndOneAtWhichTheyAreNot) {
  OutboxWorld world;
  world.Append({"", Padded("whole", kMaxRecordBytes), Padded("too much", kMaxRecordBytes + 1)});
  world.Run();
  EXPECT_THAT(world.received(), ElementsAre(Padded("whole", kMaxRecordBytes)));
  EXPECT_EQ(world.stats().dropped, 2);
  EXPECT_EQ(world.stats().events, 0);
}

TEST(Outbox, BacksOffFromAMomentToHalfAMinute) {
  OutboxWorld world;
  world.answer = [](const Batch&) { return TryLater(); };
  world.Append({"a"});
  world.Run(13);
  std::vector<absl::Duration> waits;
  for (size_t i = 1; i < world.sent_at.size(); ++i) {
    waits.push_back(world.sent_at[i] - world.sent_at[i - 1]);
  }
  EXPECT_THAT(waits, ElementsAre(absl::Milliseconds(100), absl::Milliseconds(200),
                                 absl::Milliseconds(400), absl::Milliseconds(800),
                                 absl::Milliseconds(1600), absl::Milliseconds(3200),
                                 absl::Milliseconds(6400), absl::Milliseconds(12800),
                                 absl::Milliseconds(25600), kMaxBackoff, kMaxBackoff));
  EXPECT_EQ(world.stats().send_failures, 12);
  // One success and it begins anew.
  world.answer = nullptr;
  world.Run();
  EXPECT_EQ(world.stats().sent, 1);
  world.answer = [](const Batch&) { return TryLater(); };
  world.Append({"b"});
  world.sent_at.clear();
  world.Run(3);
  EXPECT_EQ(world.sent_at[1] - world.sent_at[0], kFirstBackoff);
}

TEST(Outbox, ChanceShortensABackoffByUpToAHalf) {
  for (const auto& [random, wait] :
       {std::make_pair(0.0, kFirstBackoff), std::make_pair(0.5, kFirstBackoff * 0.75),
        std::make_pair(1.0, kFirstBackoff * 0.5)}) {
    OutboxWorld world;
    world.random = random;
    world.answer = [](const Batch&) { return TryLater(); };
    world.Append({"a"});
    world.Run(3);
    EXPECT_EQ(world.sent_at[1] - world.sent_at[0], wait) << random;
  }
}

TEST(Outbox, O2_StaysAwayForAsLongAsItIsAskedTo) {
  const struct {
    absl::Duration asked;
    absl::Duration waits;
  } kRows[] = {
      {absl::Milliseconds(99), kFirstBackoff},
      {absl::Seconds(7), absl::Seconds(7)},
      {kMaxRetryAfter, kMaxRetryAfter},
      {kMaxRetryAfter + absl::Seconds(1), kMaxRetryAfter},
      {absl::InfiniteDuration(), kMaxRetryAfter},
      {-absl::Seconds(1), kFirstBackoff},
  };
  for (const auto& row : kRows) {
    OutboxWorld world;
    world.send_takes = absl::Seconds(3);  // and counts from the answer on
    world.answer = [&](const Batch&) { return TryLater(row.asked); };
    world.Append({"a"});
    world.Run(3);
    EXPECT_EQ(world.sent_at[1] - world.sent_at[0], world.send_takes + row.waits) << row.asked;
  }
}

TEST(Outbox, NewEventsDoNotHurryABackoff) {
  OutboxWorld world;
  world.answer = [](const Batch&) { return TryLater(absl::Seconds(5)); };
  world.Append({"a"});
  world.Run(2);
  ASSERT_THAT(world.batches, SizeIs(1));
  const absl::Time again_at = world.sent_at[0] + absl::Seconds(5);
  world.now = again_at - absl::Milliseconds(1);
  EXPECT_FALSE(world.outbox().Append(Batch{"b"}, world.now));
  EXPECT_EQ(world.outbox().Pump(world.now), again_at);
  EXPECT_THAT(world.batches, SizeIs(1));
}

TEST(Outbox, AfterAFailureItAsksForHalfAsMuchAndAfterASuccessForTwice) {
  OutboxWorld world;
  std::vector<size_t> sizes;
  world.answer = [&](const Batch& records) {
    sizes.push_back(records.size());
    return sizes.size() <= 3 ? TryLater() : Accepted();
  };
  world.Append(Numbered(1000));
  world.Run();
  EXPECT_THAT(sizes, ElementsAre(500, 250, 125, 62, 124, 248, 496, 70));
  std::vector<std::string> accepted;
  for (size_t i = 3; i < world.batches.size(); ++i) {
    accepted.insert(accepted.end(), world.batches[i].begin(), world.batches[i].end());
  }
  EXPECT_EQ(accepted, Numbered(1000));
}

TEST(Outbox, O3_ARefusedBatchIsSplitUntilTheCulpritIsFound) {
  constexpr int kEvents = static_cast<int>(kMaxBatchEvents);
  for (const int culprit : {0, 1, kEvents / 2 - 1, kEvents / 2, kEvents - 1}) {
    OutboxWorld world;
    std::vector<std::string> taken;
    world.answer = [&](const Batch& records) {
      const std::string name = absl::StrCat("event ", culprit);
      if (std::find(records.begin(), records.end(), name) != records.end()) return Refused();
      taken.insert(taken.end(), records.begin(), records.end());
      return Accepted();
    };
    world.Append(Numbered(kEvents));
    const absl::Time begun_at = world.now;
    world.Run();
    Batch others = Numbered(kEvents);
    others.erase(others.begin() + culprit);
    EXPECT_EQ(taken, others);
    EXPECT_EQ(world.stats().rejected, 1);
    EXPECT_EQ(world.stats().sent, kEvents - 1);
    EXPECT_EQ(world.stats().events, 0);
    EXPECT_EQ(world.stats().send_failures, 0);
    EXPECT_LE(world.batches.size(), 60u);
    EXPECT_EQ(world.now, begun_at + kGatherTime) << "it does not back off";
  }
}

TEST(Outbox, WhatTheNotifierRejectsIsCountedAndGone) {
  OutboxWorld world;
  world.answer = [](const Batch&) { return Accepted(2); };
  world.Append({"a", "b", "c"});
  world.Run();
  EXPECT_EQ(world.stats().sent, 1);
  EXPECT_EQ(world.stats().rejected, 2);
  EXPECT_EQ(world.stats().events, 0);
}

TEST(Outbox, ANotifierThatCannotCountDoesNotConfuseIt) {
  OutboxWorld world;
  int64_t rejected = 5;
  world.answer = [&](const Batch&) { return Accepted(rejected); };
  world.Append({"a", "b", "c"});
  world.Run();
  EXPECT_EQ(world.stats().rejected, 3);
  rejected = -1;
  world.Append({"d"});
  world.Run();
  EXPECT_EQ(world.stats().rejected, 3);
  EXPECT_EQ(world.stats().sent, 1);
}

TEST(Outbox, DrainingWaitsForNothingButTheNotifier) {
  OutboxWorld world;
  world.answer = [](const Batch&) { return TryLater(absl::Seconds(20)); };
  world.Append({"a"});
  world.Run(3);
  ASSERT_THAT(world.batches, SizeIs(2));
  ASSERT_GT(world.outbox().Pump(world.now), world.now);

  world.answer = [](const Batch&) { return TryLater(); };
  world.outbox().BeginDrain(world.now);
  const absl::Time begun_at = world.now;
  world.sent_at.clear();
  world.Run(12);
  EXPECT_EQ(world.sent_at[0], begun_at) << "a backoff is cut short";
  EXPECT_EQ(world.sent_at.back() - world.sent_at[world.sent_at.size() - 2], kMaxDrainBackoff);

  world.answer = nullptr;
  world.Run();
  world.Append({"b"});
  EXPECT_EQ(world.outbox().Pump(world.now), absl::InfiniteFuture()) << "nothing gathers";
  EXPECT_EQ(world.stats().sent, 2);
}

TEST(Outbox, KnowsHowLongTheOldestHasWaited) {
  OutboxWorld world;
  EXPECT_EQ(world.stats().oldest, absl::ZeroDuration());
  world.answer = [](const Batch&) { return TryLater(absl::Minutes(1)); };
  world.Append({"a"});
  world.RunFor(absl::Seconds(30));
  world.Append({"b"});
  EXPECT_EQ(world.stats().oldest, absl::Seconds(30));

  // Across a restart it is the date that counts, also when the monotonic clock begins anew.
  world.date += absl::Minutes(10);
  world.now = absl::UnixEpoch() + absl::Seconds(1);
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.stats().oldest, absl::Minutes(10));
  world.date -= absl::Hours(1);  // set back
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.stats().oldest, absl::ZeroDuration());

  world.answer = nullptr;
  world.Run();
  EXPECT_EQ(world.stats().oldest, absl::ZeroDuration());
}

TEST(Outbox, O1_ALostAnswerSendsAgainTheSameBytes) {
  OutboxWorld world;
  world.answer = [&](const Batch&) { return world.batches.size() == 1 ? TryLater() : Accepted(); };
  world.Append({"a", "b"});
  world.Run();
  // Half as many at a time.
  EXPECT_THAT(world.batches,
              ElementsAre(ElementsAre("a", "b"), ElementsAre("a"), ElementsAre("b")));
  EXPECT_EQ(world.stats().sent, 2);
}

}  // namespace
}  // namespace understudy::testing
