// Callers who wait for TwiML while the store is well, fails, or does not answer.
#include "services/notifier/ingest/caller_intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/sim/flaky_store.h"
#include "tests/sim/sim_store.h"
#include "tests/testing/wait.h"

namespace understudy::notifier {
namespace {

using ::testing::ElementsAre;
using testing::FlakyStore;
using ::testing::IsEmpty;
using testing::SimStore;
using ::testing::SizeIs;
using testing::WaitFor;

constexpr absl::Duration kSoon = absl::Seconds(20);
constexpr absl::Duration kEternity = absl::Hours(1);

Event EventOf(const std::string& id) {
  return {.event_id = id,
          .account_sid = "AC00000000000000000000000000000001",
          .error_code = 11200,
          .error_url = "https://www.example.com/voice"};
}

// A store whose Append waits while it is shut; then it is the other's.
class GatedStore : public FlakyStore {
 public:
  using FlakyStore::FlakyStore;

  absl::StatusOr<std::vector<Appended>> Append(std::vector<Event> events) override {
    {
      MutexLock lock(mutex_);
      sizes_.push_back(events.size());
      changed_.NotifyAll();
      changed_.Wait(mutex_, [this]() REQUIRES(mutex_) { return is_open_; });
    }
    return FlakyStore::Append(std::move(events));
  }
  void SetOpen(bool is_open) {
    MutexLock lock(mutex_);
    is_open_ = is_open;
    changed_.NotifyAll();
  }
  std::vector<size_t> sizes() const {
    MutexLock lock(mutex_);
    return sizes_;
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  bool is_open_ GUARDED_BY(mutex_) = true;
  std::vector<size_t> sizes_ GUARDED_BY(mutex_);
};

class CallerIntakeTest : public ::testing::Test {
 protected:
  // `waits`: how long a caller and a retry wait.
  CallerIntake& Start(CallerWaits waits) {
    return callers_.emplace(
        ingest_,
        CallerIntake::Hooks{
            .on_degraded =
                [this](const Event& e) { Note(&CallerIntakeTest::degraded_, e.event_id); },
            .on_lost = [this](const Event& e) { Note(&CallerIntakeTest::lost_, e.event_id); }},
        waits);
  }
  void Note(std::vector<std::string> CallerIntakeTest::*list, const std::string& what) {
    MutexLock lock(mutex_);
    (this->*list).push_back(what);
  }
  std::vector<std::string> degraded() {
    MutexLock lock(mutex_);
    return degraded_;
  }
  std::vector<std::string> lost() {
    MutexLock lock(mutex_);
    return lost_;
  }
  // Those stored, oldest first.
  std::vector<std::string> Stored() {
    std::vector<std::string> ids;
    const std::vector<StoredEvent> events = *sim_.ListEvents({}, 0, 10000);
    for (const StoredEvent& stored : events) {
      ids.insert(ids.begin(), stored.event.event_id);
    }
    return ids;
  }

  SimStore sim_;
  GatedStore store_{sim_};
  Mutex mutex_;
  std::vector<std::string> degraded_ GUARDED_BY(mutex_);
  std::vector<std::string> lost_ GUARDED_BY(mutex_);
  std::vector<std::string> rejected_ GUARDED_BY(mutex_);
  Ingest ingest_{
      store_,
      {.on_stored = [](const Event&, Door) {},
       .on_duplicate = [](Door) {},
       .on_rejected = [this](const RejectedEvent& e,
                             Door) { Note(&CallerIntakeTest::rejected_, e.refusal.reason); },
       .on_skipped = [](Door) {},
       .wake = [] {}}};
  std::optional<CallerIntake> callers_;
};

TEST_F(CallerIntakeTest, AGoodEventIsStoredWhenItsCallerIsAnswered) {
  CallerIntake& callers = Start({.store = kEternity});
  callers.Take(EventOf("1"));
  EXPECT_THAT(Stored(), ElementsAre("1"));
  callers.Take(EventOf("2"));
  EXPECT_THAT(Stored(), ElementsAre("1", "2"));
  EXPECT_THAT(degraded(), IsEmpty());
  EXPECT_EQ(callers.waiting(), 0u);
}

TEST_F(CallerIntakeTest, ARejectedEventKeepsNobodyWaiting) {
  CallerIntake& callers = Start({.store = kEternity});
  Event event = EventOf("1");
  event.account_sid = "nobody";
  callers.Take(event);
  EXPECT_THAT(Stored(), IsEmpty());
  EXPECT_THAT(degraded(), IsEmpty());
  EXPECT_EQ(callers.waiting(), 0u);
  MutexLock lock(mutex_);
  EXPECT_THAT(rejected_, ElementsAre("ACCOUNT_SID_INVALID"));
}

TEST_F(CallerIntakeTest, N15_AStoreThatFailsCostsItsWaitAndIsTriedAgain) {
  store_.FailAlways(absl::UnavailableError("the disk is full"));
  CallerIntake& callers = Start({.store = absl::Milliseconds(20), .retry = absl::Milliseconds(5)});
  const absl::Time begin = absl::Now();
  callers.Take(EventOf("1"));
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(20));
  EXPECT_THAT(degraded(), ElementsAre("1"));
  EXPECT_EQ(callers.waiting(), 1u);
  callers.Take(EventOf("2"));
  store_.Heal();
  ASSERT_TRUE(WaitFor([&] { return callers.waiting() == 0; }, kSoon));
  EXPECT_THAT(Stored(), ElementsAre("1", "2"));
  EXPECT_THAT(lost(), IsEmpty());
}

TEST_F(CallerIntakeTest, N15_ACallerWaitsForAtMostHalfASecond) {
  store_.SetOpen(false);
  CallerIntake& callers = Start({});
  const absl::Time begin = absl::Now();
  callers.Take(EventOf("1"));
  const absl::Duration took = absl::Now() - begin;
  EXPECT_GE(took, kMaxCallerWait);
  EXPECT_LT(took, absl::Seconds(5)) << "a loaded machine's lateness included";
  EXPECT_THAT(degraded(), ElementsAre("1"));
  store_.SetOpen(true);
}

TEST_F(CallerIntakeTest, WhatWasStoredAfterAllIsStoredOnce) {
  store_.FaultAt(1, testing::StoreFault::kFailAfter);
  CallerIntake& callers = Start({.store = kEternity, .retry = absl::Milliseconds(1)});
  callers.Take(EventOf("1"));
  EXPECT_THAT(Stored(), ElementsAre("1"));
}

TEST_F(CallerIntakeTest, TheOldestMakesRoomAndIsToldAsLost) {
  store_.FailAlways(absl::UnavailableError("the disk is full"));
  CallerIntake& callers = Start({.store = absl::ZeroDuration(), .retry = kEternity});
  for (size_t i = 0; i < kMaxWaitingEvents; ++i) callers.Take(EventOf(absl::StrCat(i)));
  EXPECT_EQ(callers.waiting(), kMaxWaitingEvents);
  EXPECT_THAT(lost(), IsEmpty());
  EXPECT_THAT(degraded(), SizeIs(kMaxWaitingEvents));
  callers.Take(EventOf("one too many"));
  EXPECT_EQ(callers.waiting(), kMaxWaitingEvents);
  EXPECT_THAT(lost(), ElementsAre("0"));
  // The store is well again at the end: the others are stored, in batches of allowed size.
  store_.Heal();
  const size_t before = store_.sizes().size();
  EXPECT_TRUE(callers.Stop(absl::Now() + kSoon));
  EXPECT_THAT(Stored(), SizeIs(kMaxWaitingEvents));
  const std::vector<size_t> sizes = store_.sizes();
  EXPECT_THAT(std::vector<size_t>(sizes.begin() + static_cast<std::ptrdiff_t>(before), sizes.end()),
              ElementsAre(kMaxBatchEvents, kMaxBatchEvents));
}

// A caller whose event makes room while it still waits must not think it stored.
TEST_F(CallerIntakeTest, ALostEventOfAWaitingCallerIsLoggedInFull) {
  store_.FailAlways(absl::UnavailableError("the disk is full"));
  CallerIntake& patient = Start({.store = kEternity, .retry = kEternity});
  std::vector<std::thread> others;
  for (size_t i = 0; i < kMaxWaitingEvents; ++i) {
    others.emplace_back([&, i] { patient.Take(EventOf(absl::StrCat("e", i))); });
  }
  ASSERT_TRUE(WaitFor([&] { return patient.waiting() == kMaxWaitingEvents; }, kSoon));
  others.emplace_back([&] { patient.Take(EventOf("last")); });
  ASSERT_TRUE(WaitFor([&] { return degraded().size() == 1 && lost().size() == 1; }, kSoon));
  EXPECT_EQ(lost(), degraded());
  store_.Heal();
  EXPECT_TRUE(patient.Stop(absl::Now() + kSoon));
  for (std::thread& other : others) other.join();
  EXPECT_THAT(degraded(), SizeIs(1));
  EXPECT_THAT(Stored(), SizeIs(kMaxWaitingEvents));
}

TEST_F(CallerIntakeTest, StopDoesNotWaitForADiskThatHangs) {
  store_.SetOpen(false);
  CallerIntake& callers = Start({.store = absl::ZeroDuration(), .retry = absl::ZeroDuration()});
  callers.Take(EventOf("1"));
  ASSERT_TRUE(WaitFor([&] { return store_.sizes().size() == 1; }, kSoon));
  EXPECT_FALSE(callers.Stop(absl::Now()));
  store_.SetOpen(true);
  EXPECT_TRUE(callers.Stop(absl::Now() + kSoon));
  EXPECT_THAT(Stored(), ElementsAre("1"));
}

TEST_F(CallerIntakeTest, StopTriesOnceWhereTheStoreFails) {
  store_.FailAlways(absl::UnavailableError("the disk is full"));
  CallerIntake& callers = Start({.store = absl::ZeroDuration(), .retry = kEternity});
  callers.Take(EventOf("1"));
  EXPECT_TRUE(callers.Stop(absl::Now() + kSoon));
  EXPECT_EQ(callers.waiting(), 1u);
}

}  // namespace
}  // namespace understudy::notifier
