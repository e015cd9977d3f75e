// The outbox as files: what survives which end, what is dropped at which limit, and what a disk
// that fails or lies does to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/router/report/outbox.h"
#include "services/router/report/segment.h"
#include "tests/router/report/outbox_world.h"
#include "tests/testing/namespaces.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

using namespace router;  // NOLINT: the room under test
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using Batch = OutboxWorld::Batch;

constexpr char kFirst[] = "segment-0000000001";
constexpr char kSecond[] = "segment-0000000002";

// Small outboxes: eight segments of this size.
constexpr int64_t kSegment = 1000;
constexpr int64_t kSmall = 8 * kSegment;

// A record that takes up `bytes` of a segment.
std::string OfSize(absl::string_view name, int64_t bytes) {
  return Padded(name, static_cast<size_t>(bytes) - kRecordHeadBytes);
}

// A far end that keeps nothing, for what is to stay in the outbox.
void Refuse(OutboxWorld& world) {
  world.answer = [](const Batch&) { return TryLater(absl::Minutes(5)); };
}
void Accept(OutboxWorld& world) {
  world.answer = nullptr;
  world.batches.clear();
}

// A limit of this process, for a while.
class Limited {
 public:
  Limited(__rlimit_resource resource, rlim_t limit) : resource_(resource) {
    Require(getrlimit(resource, &old_) == 0, "a limit");
    const rlimit lower = {.rlim_cur = limit, .rlim_max = old_.rlim_max};
    Require(setrlimit(resource, &lower) == 0, "a lower limit");
  }
  ~Limited() { setrlimit(resource_, &old_); }
  Limited(const Limited&) = delete;
  Limited& operator=(const Limited&) = delete;

 private:
  const __rlimit_resource resource_;
  rlimit old_ = {};
};

TEST(OutboxDisk, ItsFilesAreForItselfAlone) {
  OutboxWorld world;
  world.Append({"a"});
  for (const char* name : {"lock", "cursor", kFirst}) {
    struct stat file = {};
    ASSERT_EQ(stat(world.path(name).c_str(), &file), 0) << name;
    EXPECT_EQ(file.st_mode & 07777, 0600u) << name;
  }
}

TEST(OutboxDisk, KeepsWhatWasAppendedThroughAnyEnd) {
  OutboxWorld world;
  world.Append({"a", "b"});
  world.Append({"c"});
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.stats().events, 3);
  EXPECT_THAT(world.segments(), ElementsAre(Pair(kFirst, 3 * (kRecordHeadBytes + 1))));
  EXPECT_EQ(world.stats().bytes, 3 * (kRecordHeadBytes + 1));
  world.Append({"d"});
  world.Run();
  EXPECT_THAT(world.received(), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(world.segments(), SizeIs(1)) << "open, for what may come";
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.stats().events, 0);
  EXPECT_THAT(world.segments(), IsEmpty());
  world.Run();
  EXPECT_THAT(world.batches, SizeIs(2)) << "nothing was sent again";
}

TEST(OutboxDisk, GoesOnWhereItWas) {
  OutboxWorld world;
  world.answer = [&](const Batch&) { return world.batches.size() == 2 ? Accepted() : TryLater(); };
  world.Append({"a", "b", "c", "d"});
  world.Run(3);  // four failed, then two went through
  ASSERT_THAT(world.batches, ElementsAre(SizeIs(4), SizeIs(2)));
  Accept(world);
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.stats().events, 2);
  world.Run();
  EXPECT_THAT(world.received(), ElementsAre("c", "d"));
}

TEST(OutboxDisk, NeverUsesANumberAgain) {
  OutboxWorld world;
  world.Append({"a"});
  world.Run();
  ASSERT_TRUE(world.Open().ok());  // and removes the segment
  ASSERT_THAT(world.segments(), IsEmpty());
  ASSERT_TRUE(world.Open().ok());
  world.Append({"b"});
  EXPECT_EQ(world.segments().count(kFirst), 0u) << "the cursor still speaks of it";
  ASSERT_TRUE(world.Open().ok());
  world.Run();
  EXPECT_THAT(world.received(), ElementsAre("a", "b"));
}

TEST(OutboxDisk, O7_ASecondProcessIsRefusedInWords) {
  OutboxWorld world;
  OutboxWorld other(world.path(""), kDefaultOutboxBytes);
  const absl::Status status = other.Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("belongs to a process that is running; each router needs its own"));
  world.Kill();
  EXPECT_TRUE(other.Open().ok());
}

TEST(OutboxDisk, ADirectoryThatCannotBeUsedIsRefusedInWords) {
  const TempDir dir;
  const std::string file = dir.Write("file", "");
  for (const std::string& directory : {file, file + "/outbox", std::string("/proc/outbox")}) {
    OutboxWorld world(directory, kDefaultOutboxBytes);
    const absl::Status status = world.Open();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << directory;
    EXPECT_THAT(std::string(status.message()), HasSubstr(directory));
  }
}

TEST(OutboxDisk, OtherFilesAreNoneOfItsBusiness) {
  OutboxWorld world;
  const std::string record = [] {
    std::string bytes;
    AppendRecord("x", absl::UnixEpoch(), bytes);
    return bytes;
  }();
  const Batch names = {"segment-1",           "segment-00000000001", "segment-0000000000",
                       "segment-000000000a",  "segment-+000000001",  "segment- 000000001",
                       "segment-0000000001~", "Segment-0000000001",  "notes"};
  for (const std::string& name : names) world.Write(name, record);
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.stats().events, 0);
  for (const std::string& name : names) EXPECT_EQ(world.Read(name), record) << name;
  // Ten digits are the least, not the most.
  world.Write("segment-12345678901", record);
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.stats().events, 1);
}

TEST(OutboxDisk, ASegmentIsFullAtAnEighthOfTheOutbox) {
  OutboxWorld world(kSmall);
  world.Append({OfSize("a", kSegment - 100)});
  world.Append({OfSize("b", 100)});
  EXPECT_THAT(world.segments(), ElementsAre(Pair(kFirst, kSegment)));
  world.Append({OfSize("c", 100)});
  EXPECT_THAT(world.segments(), ElementsAre(Pair(kFirst, kSegment), Pair(kSecond, 100)));
  world.Run();
  EXPECT_EQ(world.stats().sent, 3);
  EXPECT_THAT(world.segments(), ElementsAre(Pair(kSecond, 100)));
}

TEST(OutboxDisk, ASegmentHasAMebibyteAtMost) {
  OutboxWorld world(kMaxOutboxBytes);
  Refuse(world);
  const auto whole = static_cast<int64_t>(kMaxRecordBytes + kRecordHeadBytes);
  const int64_t count = kMaxSegmentBytes / whole;
  for (int64_t i = 0; i < count; ++i) world.Append({OfSize("a", whole)});
  world.Append({OfSize("b", kMaxSegmentBytes - count * whole)});
  EXPECT_THAT(world.segments(), ElementsAre(Pair(kFirst, kMaxSegmentBytes)));
  world.Append({"c"});
  EXPECT_THAT(world.segments(), SizeIs(2));
}

TEST(OutboxDisk, O4_OverItsLimitTheOldestSegmentIsDropped) {
  OutboxWorld world(kSmall);
  for (int i = 0; i < 8; ++i) world.Append({OfSize("a", kSegment / 2), OfSize("b", kSegment / 2)});
  EXPECT_EQ(world.stats().bytes, kSmall) << "filled to the brim";
  EXPECT_EQ(world.stats().dropped, 0);
  world.Append({OfSize("the last", 50)});
  EXPECT_EQ(world.stats().dropped, 2);
  EXPECT_EQ(world.stats().events, 15);
  EXPECT_EQ(world.stats().bytes, 7 * kSegment + 50);
  EXPECT_THAT(world.segments(), SizeIs(8));
  EXPECT_EQ(world.segments().count(kFirst), 0u);
  world.Run();
  EXPECT_EQ(world.stats().sent, 15);
  EXPECT_EQ(world.received().back(), OfSize("the last", 50));
}

TEST(OutboxDisk, AnAppendThatIsLargerThanASegmentIsOneOfItsOwn) {
  OutboxWorld world(kSmall);
  world.Append({"before"});
  world.Append({OfSize("a", kSegment), OfSize("b", kSegment)});
  world.Append({"after"});
  EXPECT_THAT(world.segments(),
              ElementsAre(Key(kFirst), Pair(kSecond, 2 * kSegment), Key("segment-0000000003")));
  world.Run();
  EXPECT_EQ(world.stats().sent, 4);
}

TEST(OutboxDisk, ALimitThatWasLoweredHoldsFromTheNextStart) {
  OutboxWorld large(2 * kSmall);
  Refuse(large);
  for (int i = 0; i < 12; ++i) large.Append({OfSize(absl::StrCat(i), kSegment)});
  const std::string directory = large.path("");
  large.Kill();
  OutboxWorld small(directory, kSmall);
  ASSERT_TRUE(small.Open().ok());
  EXPECT_EQ(small.stats().events, 8);
  EXPECT_EQ(small.stats().dropped, 4);
  EXPECT_EQ(small.stats().bytes, kSmall);
  small.Run();
  EXPECT_EQ(small.received().front(), OfSize("4", kSegment));
}

TEST(OutboxDisk, ManyStartsDoNotMakeAnyNumberOfFiles) {
  OutboxWorld world;
  Refuse(world);
  for (size_t i = 1; i < kMaxSegments; ++i) {  // as if each were of a start
    std::string record;
    AppendRecord(absl::StrCat("event ", i), world.date, record);
    world.Write(absl::StrFormat("segment-%010d", i), record);
  }
  ASSERT_TRUE(world.Open().ok());
  world.Append({"the last that fits"});
  EXPECT_THAT(world.segments(), SizeIs(kMaxSegments));
  EXPECT_EQ(world.stats().dropped, 0);
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.stats().dropped, 0);
  world.Append({"one more"});
  EXPECT_THAT(world.segments(), SizeIs(kMaxSegments));
  EXPECT_EQ(world.stats().dropped, 1);
  Accept(world);
  world.Run();
  EXPECT_EQ(world.stats().sent, static_cast<int64_t>(kMaxSegments));
  EXPECT_EQ(world.received().front(), "event 2");
}

// What is on its way when its segment is dropped is counted once, by how that ends.
TEST(OutboxDisk, EventsDroppedWhileTheyAreSentAreCountedOnce) {
  for (const bool arrives : {true, false}) {
    OutboxWorld world(kSmall);
    world.Append({OfSize("a", kSegment)});
    world.answer = [&](const Batch& records) {
      if (records[0][0] != 'a') return Accepted();
      for (int i = 0; i < 8; ++i) world.Append({OfSize("b", kSegment)});
      EXPECT_EQ(world.stats().dropped, 0);
      EXPECT_EQ(world.stats().events, 9);
      return arrives ? Accepted() : TryLater();
    };
    world.Run();
    EXPECT_EQ(world.stats().sent, arrives ? 9 : 8);
    EXPECT_EQ(world.stats().dropped, arrives ? 0 : 1);
    EXPECT_EQ(world.stats().events, 0);
    ASSERT_TRUE(world.Open().ok());
    EXPECT_EQ(world.stats().events, 0);
  }
}

TEST(OutboxDisk, OfASegmentDroppedWhileAPartIsSentTheRestIsLost) {
  OutboxWorld world(kSmall);
  world.answer = [&](const Batch&) { return TryLater(); };
  world.Append({OfSize("a", 250), OfSize("b", 250), OfSize("c", 250), OfSize("d", 250)});
  world.Run(2);  // four failed; now it tries two
  world.answer = [&](const Batch& records) {
    if (records[0][0] == 'a') {
      for (int i = 0; i < 8; ++i) world.Append({OfSize("x", kSegment)});
    }
    return Accepted();
  };
  world.Run();
  EXPECT_EQ(world.stats().dropped, 2);
  EXPECT_EQ(world.stats().sent, 10);
  EXPECT_EQ(world.stats().events, 0);
}

TEST(OutboxDisk, O6_ATornTailIsSkippedWhereverItTears) {
  OutboxWorld world;
  Refuse(world);
  world.Append({"first"});
  world.Append({"second"});
  const std::string whole = world.Read(kFirst);
  const size_t first = kRecordHeadBytes + 5;
  for (size_t size = 0; size <= whole.size(); ++size) {
    OutboxWorld after;
    after.Write(kFirst, whole.substr(0, size));
    ASSERT_TRUE(after.Open().ok());
    const bool has_first = size >= first;
    const bool has_second = size == whole.size();
    const size_t good = has_second ? size : has_first ? first : 0;
    EXPECT_EQ(after.stats().events, int{has_first} + int{has_second}) << size;
    EXPECT_EQ(after.stats().damaged_bytes, static_cast<int64_t>(size - good)) << size;
    after.Append({"third"});
    after.Run();
    EXPECT_EQ(after.stats().sent, int{has_first} + int{has_second} + 1) << size;
    EXPECT_EQ(after.received().back(), "third") << size;
    EXPECT_THAT(after.segments(), SizeIs(1)) << size;
  }
}

TEST(OutboxDisk, O6_GarbageInTheMiddleCostsOnlyItself) {
  OutboxWorld world;
  Refuse(world);
  world.Append({"first"});
  const size_t first = world.Read(kFirst).size();
  world.Append({"second"});
  std::string bytes = world.Read(kFirst);
  bytes.insert(first, std::string(4096, '\0'));  // as a machine that lost power may leave it
  world.Kill();
  world.Write(kFirst, bytes);
  Accept(world);
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.stats().damaged_bytes, 4096);
  world.Run();
  EXPECT_THAT(world.received(), ElementsAre("first", "second"));
  EXPECT_EQ(world.stats().dropped, 0);
}

TEST(OutboxDisk, AFileFarTooLargeIsReadInPartAndRemoved) {
  OutboxWorld world;
  Refuse(world);
  world.Append({"first"});
  const std::string record = world.Read(kFirst);
  world.Kill();
  ASSERT_EQ(truncate(world.path(kFirst).c_str(), off_t{64} << 20), 0);
  Accept(world);
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.stats().events, 1);
  EXPECT_EQ(world.stats().damaged_bytes,
            4 * kMaxSegmentBytes - static_cast<int64_t>(record.size()));
  world.Run();
  EXPECT_THAT(world.received(), ElementsAre("first"));
  EXPECT_THAT(world.segments(), IsEmpty());
}

TEST(OutboxDisk, DamageWhileItRunsIsCounted) {
  OutboxWorld world;
  world.Append({"first", "second", "third"});
  std::string bytes = world.Read(kFirst);
  bytes[kRecordHeadBytes + 5 + kRecordHeadBytes] ^= 1;
  world.Write(kFirst, bytes);
  world.Run();
  EXPECT_THAT(world.received(), ElementsAre("first", "third"));
  EXPECT_EQ(world.stats().dropped, 1);
  EXPECT_EQ(world.stats().sent, 2);
  EXPECT_EQ(world.stats().events, 0);
  // A segment of nothing but damage is passed over without a send.
  world.Append({"fourth"});
  world.Write(kFirst, std::string(bytes.size() + kRecordHeadBytes + 6, 'x'));
  world.batches.clear();
  world.Run();
  EXPECT_THAT(world.batches, IsEmpty());
  EXPECT_EQ(world.stats().dropped, 2);
  EXPECT_EQ(world.stats().events, 0);
}

TEST(OutboxDisk, ACursorThatMakesNoSenseSendsAgain) {
  const std::string far = EncodeCursor({.segment = 1, .offset = 1 << 30});
  const std::string negative = EncodeCursor({.segment = 1, .offset = -5});
  const std::string inside = EncodeCursor({.segment = 1, .offset = 3});
  const std::string other = EncodeCursor({.segment = 9, .offset = 3});
  const struct {
    std::string cursor;
    Batch sent;
  } kRows[] = {
      {"", {"first", "second"}},
      {"junk", {"first", "second"}},
      {std::string(100000, 'x'), {"first", "second"}},
      {negative, {"first", "second"}},
      {other, {"first", "second"}},
      {inside, {"second"}},
      {far, {}},
  };
  for (const auto& row : kRows) {
    OutboxWorld world;
    Refuse(world);
    world.Append({"first", "second"});
    world.Kill();
    world.Write("cursor", row.cursor);
    Accept(world);
    ASSERT_TRUE(world.Open().ok());
    world.Run();
    EXPECT_EQ(world.received(), row.sent) << absl::CHexEscape(row.cursor.substr(0, 24));
  }
}

TEST(OutboxDisk, ACursorThatMakesNoSenseIsReplaced) {
  OutboxWorld world;
  Refuse(world);
  world.Append({"a", "b", "c", "d"});
  world.Kill();
  world.Write("cursor", std::string(100000, 'x'));
  ASSERT_TRUE(world.Open().ok());
  world.answer = [&](const Batch& records) {
    return records.size() == 4 ? TryLater() : Accepted();
  };
  world.Run(3);  // four failed, two went through
  ASSERT_EQ(world.stats().events, 2);
  Accept(world);
  ASSERT_TRUE(world.Open().ok());
  world.Run();
  EXPECT_THAT(world.received(), ElementsAre("c", "d"));
}

TEST(OutboxDisk, ANameThatIsTakenIsPassedOver) {
  OutboxWorld world;
  ASSERT_EQ(mkdir(world.path(kFirst).c_str(), 0700), 0);
  world.Append({"a"});
  EXPECT_EQ(world.stats().write_failures, 1);
  Refuse(world);
  world.RunFor(kDiskRetry);
  EXPECT_EQ(world.stats().write_failures, 1);
  EXPECT_THAT(world.segments(), SizeIs(1));
}

TEST(OutboxDisk, ASegmentThatCannotBeReadIsLeftAlone) {
  OutboxWorld world;
  world.Kill();
  ASSERT_EQ(mkdir(world.path(kFirst).c_str(), 0700), 0);  // as one that gives an error
  ASSERT_TRUE(world.Open().ok());
  world.Append({"a"});
  world.Run();
  EXPECT_THAT(world.received(), ElementsAre("a"));
  EXPECT_THAT(world.segments(), ElementsAre(Key(kSecond)));
  struct stat file = {};
  EXPECT_EQ(stat(world.path(kFirst).c_str(), &file), 0);
}

TEST(OutboxDisk, ASegmentThatIsGoneIsGivenUpAfterSomeTries) {
  OutboxWorld world(kSmall);
  world.Append({OfSize("a", kSegment)});
  world.Append({"b"});
  const absl::Time begun_at = world.now;
  ASSERT_EQ(unlink(world.path(kFirst).c_str()), 0);
  world.Run();
  EXPECT_THAT(world.received(), ElementsAre("b"));
  EXPECT_EQ(world.now - begun_at, kGatherTime + kReadTries * kDiskRetry);
  EXPECT_EQ(world.stats().dropped, 1);
  EXPECT_EQ(world.stats().events, 0);
  EXPECT_EQ(world.stats().bytes, static_cast<int64_t>(kRecordHeadBytes) + 1);
}

TEST(OutboxDisk, WhatIsBeingWrittenIsReadHoweverLittleIsLeftOfIt) {
  OutboxWorld world;
  world.Run();
  world.Append({"a"});
  ASSERT_EQ(unlink(world.path(kFirst).c_str()), 0);
  const Limited descriptors(RLIMIT_NOFILE, 0);
  world.Append({"b"});
  world.Run();
  EXPECT_THAT(world.received(), ElementsAre("a", "b"));
}

TEST(OutboxDisk, WithoutDescriptorsNothingIsGivenUp) {
  OutboxWorld world(kSmall);
  for (const char* name : {"a", "b"}) world.Append({OfSize(name, kSegment)});
  {
    const Limited descriptors(RLIMIT_NOFILE, 0);
    world.RunFor(10 * kReadTries * kDiskRetry);
    world.Append({"c"});  // would be another segment
  }
  EXPECT_THAT(world.batches, IsEmpty());
  EXPECT_EQ(world.stats().dropped, 0);
  EXPECT_EQ(world.stats().events, 3);
  EXPECT_EQ(world.stats().write_failures, 1);
  world.Run();
  EXPECT_EQ(world.stats().sent, 3);
}

TEST(OutboxDisk, TheNextSegmentIsMadeAhead) {
  OutboxWorld world(kSmall);
  world.Run();
  const Limited descriptors(RLIMIT_NOFILE, 0);  // so none is made when it is needed
  EXPECT_TRUE(world.outbox().Append(Batch{OfSize("a", kSegment)}, world.now));
  EXPECT_EQ(world.stats().write_failures, 0);
  EXPECT_FALSE(world.outbox().Append(Batch{"b"}, world.now)) << "one call for each that is used";
  EXPECT_EQ(world.stats().write_failures, 1);
}

// Files may not grow beyond so many bytes: a disk that takes a part of a write and fails.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) : limited_(RLIMIT_FSIZE, bytes) { signal(SIGXFSZ, SIG_IGN); }

 private:
  Limited limited_;
};

TEST(OutboxDisk, O5_WhenTheDiskFailsEventsWaitInMemoryAndAreSentFromThere) {
  OutboxWorld world;
  world.Append({"a"});
  {
    const SmallFiles limit(2 * kRecordHeadBytes);
    world.Append({"b"});
    world.Append({"c"});  // the disk is left alone for a while
    EXPECT_EQ(world.stats().write_failures, 1);
    EXPECT_EQ(world.stats().events, 3);
    EXPECT_THAT(world.segments(), ElementsAre(Pair(kFirst, kRecordHeadBytes + 1)))
        << "what was written of it is gone";
    world.Run();
  }
  EXPECT_THAT(world.batches, ElementsAre(ElementsAre("a"), ElementsAre("b", "c")));
  EXPECT_EQ(world.stats().sent, 3);
}

TEST(OutboxDisk, WhatWaitsInMemoryGoesToTheDiskWhenItIsBack) {
  OutboxWorld world;
  Refuse(world);
  world.Append({"a"});
  {
    const SmallFiles limit(2 * kRecordHeadBytes);
    world.Append({"b"});
    world.RunFor(10 * kDiskRetry);
    EXPECT_EQ(world.stats().write_failures, 11) << "tried once in a while";
    world.Append({"c"});
    EXPECT_EQ(world.stats().events, 3);
  }
  world.RunFor(kDiskRetry);
  EXPECT_THAT(world.segments(), ElementsAre(Pair(kFirst, 3 * (kRecordHeadBytes + 1))));
  EXPECT_EQ(world.stats().events, 3);
  EXPECT_EQ(world.stats().oldest, 11 * kDiskRetry);
  Accept(world);
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.stats().oldest, absl::ZeroDuration()) << "the date of the world stood still";
  world.Run();
  EXPECT_THAT(world.received(), UnorderedElementsAre("a", "b", "c"));
}

TEST(OutboxDisk, MemoryHasALimitToo) {
  OutboxWorld world;
  Refuse(world);
  const SmallFiles limit(0);
  constexpr size_t kWhole = kMaxQueuedBytes / kMaxRecordBytes;
  for (size_t i = 0; i < kWhole; ++i) world.Append({Padded(absl::StrCat(i), kMaxRecordBytes)});
  EXPECT_EQ(world.stats().dropped, 0);
  EXPECT_EQ(world.stats().events, static_cast<int64_t>(kWhole));
  world.Append({"x"});
  EXPECT_EQ(world.stats().dropped, 1);
  EXPECT_EQ(world.stats().events, static_cast<int64_t>(kWhole));
  Accept(world);
  world.Run();
  EXPECT_EQ(world.stats().sent, static_cast<int64_t>(kWhole));
  EXPECT_EQ(world.received().front(), Padded("1", kMaxRecordBytes));
  EXPECT_EQ(world.received().back(), "x");
}

TEST(OutboxDisk, WhatIsSentFromMemoryAndFailsWaitsOnInItsPlace) {
  OutboxWorld world;
  const SmallFiles limit(0);
  world.answer = [&](const Batch&) {
    if (world.batches.size() > 1) return Accepted();
    EXPECT_EQ(world.stats().events, 2);
    EXPECT_EQ(world.stats().oldest, kGatherTime);
    world.Append({"c"});
    return TryLater();
  };
  world.Append({"a", "b"});
  world.Run();
  EXPECT_THAT(world.batches,
              ElementsAre(ElementsAre("a", "b"), ElementsAre("a"), ElementsAre("b", "c")));
  EXPECT_EQ(world.stats().sent, 3);
}

TEST(OutboxDisk, TheLastCallWritesDownWhatWaitsInMemory) {
  OutboxWorld world;
  Refuse(world);
  {
    const SmallFiles limit(0);
    world.Append({"a"});
  }
  world.outbox().Close(world.now);
  EXPECT_EQ(world.stats().dropped, 0);
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.stats().events, 1);

  const SmallFiles limit(0);
  world.Append({"b"});
  world.outbox().Close(world.now);
  EXPECT_EQ(world.stats().dropped, 1) << "what could not be written is counted";
  EXPECT_EQ(world.stats().events, 1);
}

TEST(OutboxDisk, WithoutItsCursorItSendsAgainAfterARestart) {
  OutboxWorld world;
  world.Append({"a"});
  {
    const SmallFiles limit(0);
    world.Run();
  }
  EXPECT_EQ(world.stats().sent, 1);
  EXPECT_EQ(world.stats().write_failures, 1);
  ASSERT_TRUE(world.Open().ok());
  world.Run();
  EXPECT_THAT(world.received(), ElementsAre("a", "a"));
}

TEST(OutboxDisk, O5_AFullDiskCostsNoEventWhileThereIsMemory) {
  const TempDir dir;
  NeedNamespaces(CLONE_NEWNS);
  if (IsSkipped() || HasFatalFailure()) return;
  ASSERT_EQ(mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=128k"), 0) << std::strerror(errno);
  OutboxWorld world(dir.path() + "/outbox", kDefaultOutboxBytes);
  ASSERT_TRUE(world.Open().ok());
  Refuse(world);
  constexpr int kEvents = 300;  // of a kilobyte each
  for (int i = 0; i < kEvents; ++i) {
    world.Append({Padded(absl::StrCat("event ", i, " "), 1000)});
    world.RunFor(absl::Milliseconds(100));
  }
  EXPECT_EQ(world.stats().events, kEvents);
  EXPECT_EQ(world.stats().dropped, 0);
  EXPECT_GT(world.stats().write_failures, 5);
  EXPECT_LE(world.stats().bytes, 128 * 1024);
  // Killed now, what is on the disk is whole.
  const OutboxStats before = world.stats();
  ASSERT_TRUE(world.Open().ok());
  EXPECT_EQ(world.stats().bytes, before.bytes);
  EXPECT_EQ(world.stats().damaged_bytes, 0);
  const int64_t on_disk = world.stats().events;
  EXPECT_GT(on_disk, 100);
  // Sending makes room again.
  Accept(world);
  world.Run();
  EXPECT_EQ(world.stats().sent, on_disk);
  Refuse(world);
  world.Append({"more"});
  EXPECT_EQ(world.stats().write_failures, 0);
  umount(dir.path().c_str());
}

// Any order of appends, sends that end in any way, kills and torn tails. Whatever happens, an event
// is sent, counted as dropped, or still there; and it is sent twice only where an answer was lost.
class Walk {
 public:
  Walk(uint32_t seed, bool answers_get_lost)
      : random_(seed), answers_get_lost_(answers_get_lost), world_(kSmall) {
    world_.answer = [this](const Batch& records) { return Answer(records); };
  }

  void Go(int steps) {
    for (int i = 0; i < steps; ++i) Step();
    // Then all is well for a while.
    healthy_ = true;
    world_.Run();
    dropped_ += world_.stats().dropped;
    EXPECT_EQ(world_.stats().events, 0);
    const auto appended = static_cast<int64_t>(appended_.size());
    const auto taken = static_cast<int64_t>(taken_.size());
    EXPECT_LE(appended, taken + dropped_);
    if (!answers_get_lost_) {
      EXPECT_EQ(appended, taken + dropped_);
      EXPECT_EQ(doubles_, 0);
    }
    for (const std::string& event : taken_) EXPECT_EQ(appended_.count(event), 1u) << event;
    ASSERT_TRUE(world_.Open().ok());
    EXPECT_EQ(world_.stats().events, 0);
  }

 private:
  int Roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(random_); }

  void Step() {
    switch (Roll(10)) {
      case 0:
        Restart();
        break;
      case 1:
        world_.RunFor(absl::Milliseconds(Roll(3000)));
        break;
      case 2:
      case 3:
      case 4:
        world_.Run(1);
        break;
      default:
        Append();
    }
    const OutboxStats stats = world_.stats();
    EXPECT_LE(stats.bytes, kSmall);
    EXPECT_EQ(begun_with_ + appended_since_, stats.sent + stats.dropped + stats.events);
    int64_t bytes = 0;
    for (const auto& [name, size] : world_.segments()) bytes += size;
    EXPECT_EQ(stats.bytes, bytes);
  }

  void Append() {
    Batch records;
    for (int i = Roll(3); i >= 0; --i) {
      records.push_back(Padded(absl::StrCat("event ", appended_.size(), " "),
                               static_cast<size_t>(20 + Roll(300))));
      appended_.insert(records.back());
    }
    appended_since_ += static_cast<int64_t>(records.size());
    world_.Append(records);
  }

  void Restart() {
    dropped_ += world_.stats().dropped;
    world_.Kill();
    if (Roll(2) == 0) {  // killed in the middle of a write: the caller had no answer yet
      const auto segments = world_.segments();
      if (!segments.empty()) {
        const std::string last = segments.rbegin()->first;
        std::string torn;
        AppendRecord("torn", world_.date, torn);
        world_.Write(last, world_.Read(last) + torn.substr(0, static_cast<size_t>(1 + Roll(23))));
      }
    }
    ASSERT_TRUE(world_.Open().ok());
    begun_with_ = world_.stats().events + world_.stats().dropped;
    appended_since_ = 0;
  }

  SendResult Answer(const Batch& records) {
    const int roll = healthy_ ? 0 : Roll(6);
    if (roll >= 4) return TryLater(absl::Milliseconds(Roll(500)));
    for (const std::string& record : records) doubles_ += taken_.insert(record).second ? 0 : 1;
    if (roll == 2) Append();
    return roll == 3 && answers_get_lost_ ? TryLater() : Accepted();
  }

  std::mt19937 random_;
  const bool answers_get_lost_;
  OutboxWorld world_;
  bool healthy_ = false;
  std::set<std::string> appended_;
  std::set<std::string> taken_;
  int64_t doubles_ = 0;
  int64_t dropped_ = 0;
  int64_t begun_with_ = 0;
  int64_t appended_since_ = 0;
};

TEST(OutboxDisk, WhateverHappensNothingIsLostUncounted) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Walk(seed, /*answers_get_lost=*/seed % 2 == 0).Go(200);
    if (::testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace understudy::testing
