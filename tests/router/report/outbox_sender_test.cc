// The outbox with its thread: real time, many who append, and an end that is bounded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/serving/monotonic_clock.h"
#include "services/router/report/outbox.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using router::Outbox;
using router::OutboxOptions;
using router::OutboxSender;
using router::SendResult;
using serving::MonotonicNow;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr absl::Duration kSoon = absl::Seconds(30);

// A notifier in this process.
class FarEnd {
 public:
  SendResult Take(const std::vector<std::string>& records) {
    MutexLock lock(mutex_);
    ++sends_;
    changed_.NotifyAll();
    changed_.Wait(mutex_, [this]() REQUIRES(mutex_) { return !is_hanging_ || is_cancelled_; });
    SendResult result = {.finished_at = MonotonicNow()};
    if (is_cancelled_) return result;
    received_.insert(received_.end(), records.begin(), records.end());
    result.state = SendResult::State::kAccepted;
    return result;
  }
  void Cancel() {
    MutexLock lock(mutex_);
    is_cancelled_ = true;
    changed_.NotifyAll();
  }
  void Hang(bool hangs) {
    MutexLock lock(mutex_);
    is_hanging_ = hangs;
    changed_.NotifyAll();
  }
  std::vector<std::string> received() const {
    MutexLock lock(mutex_);
    return received_;
  }
  int sends() const {
    MutexLock lock(mutex_);
    return sends_;
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  bool is_hanging_ GUARDED_BY(mutex_) = false;
  bool is_cancelled_ GUARDED_BY(mutex_) = false;
  int sends_ GUARDED_BY(mutex_) = 0;
  std::vector<std::string> received_ GUARDED_BY(mutex_);
};

std::unique_ptr<Outbox> OpenFor(FarEnd& far, const std::string& directory) {
  OutboxOptions options = {.directory = directory};
  options.random = [] { return 0.5; };
  options.send = [&far](const std::vector<std::string>& records) { return far.Take(records); };
  auto outbox = Outbox::Open(std::move(options), MonotonicNow(), absl::Now());
  Require(outbox.ok(), std::string(outbox.status().message()));
  return *std::move(outbox);
}

std::unique_ptr<OutboxSender> StartFor(FarEnd& far, const std::string& directory) {
  return std::make_unique<OutboxSender>(OpenFor(far, directory), [&far] { far.Cancel(); });
}

TEST(OutboxSender, WakesUpForEachNewEvent) {
  const TempDir dir;
  FarEnd far;
  const auto sender = StartFor(far, dir.path());
  for (size_t i = 1; i <= 5; ++i) {
    sender->Append(std::vector<std::string>{"event"});
    ASSERT_TRUE(WaitFor([&] { return far.received().size() == i; }, kSoon)) << i;
  }
}

TEST(OutboxSender, ManyMayAppendAndEachEventArrivesOnce) {
  constexpr int kThreads = 4;
  constexpr int kAppends = 2000;
  const TempDir dir;
  FarEnd far;
  const auto sender = StartFor(far, dir.path());
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kAppends; ++i) {
        sender->Append(std::vector<std::string>{absl::StrCat(thread, " ", i)});
      }
    });
  }
  std::thread scraper([&] {
    for (int i = 0; i < 200; ++i) EXPECT_GE(sender->stats().events, 0);
  });
  for (std::thread& thread : threads) thread.join();
  scraper.join();
  sender->Stop(kSoon);
  EXPECT_EQ(sender->stats().sent, kThreads * kAppends);
  EXPECT_EQ(sender->stats().dropped, 0);
  std::map<std::string, int> next;  // of each thread: its events in their order
  for (const std::string& event : far.received()) {
    const std::vector<std::string> words = absl::StrSplit(event, ' ');
    EXPECT_EQ(words[1], absl::StrCat(next[words[0]]++));
  }
  EXPECT_THAT(far.received(), SizeIs(kThreads * kAppends));
}

TEST(OutboxSender, StopSendsWhatWaits) {
  const TempDir dir;
  FarEnd far;
  far.Hang(true);
  const auto sender = StartFor(far, dir.path());
  sender->Append(std::vector<std::string>{"a"});
  ASSERT_TRUE(WaitFor([&] { return far.sends() == 1; }, kSoon));
  sender->Append(std::vector<std::string>{"b"});
  std::thread stop([&] { sender->Stop(kSoon); });
  far.Hang(false);
  stop.join();
  EXPECT_THAT(far.received(), ElementsAre("a", "b"));
}

TEST(OutboxSender, StopDoesNotWaitLongerThanItsGraceAndNothingIsLost) {
  const TempDir dir;
  FarEnd far;
  far.Hang(true);
  {
    const auto sender = StartFor(far, dir.path());
    sender->Append(std::vector<std::string>{"a"});
    ASSERT_TRUE(WaitFor([&] { return far.sends() == 1; }, kSoon));
    sender->Append(std::vector<std::string>{"b"});
    const absl::Time begun_at = MonotonicNow();
    sender->Stop(absl::Milliseconds(20));
    EXPECT_GE(MonotonicNow() - begun_at, absl::Milliseconds(20));
    sender->Stop(kSoon);  // is over already
    EXPECT_EQ(sender->stats().events, 2);
  }
  FarEnd next;
  const auto sender = StartFor(next, dir.path());
  EXPECT_TRUE(WaitFor([&] { return next.received().size() == 2; }, kSoon));
  EXPECT_THAT(next.received(), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace understudy::testing
