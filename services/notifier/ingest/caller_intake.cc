#include "services/notifier/ingest/caller_intake.h"

#include <array>
#include <utility>
#include <vector>

#include "absl/time/clock.h"

namespace understudy::notifier {

CallerIntake::CallerIntake(Ingest& ingest, Hooks hooks)
    : ingest_(ingest), hooks_(std::move(hooks)), thread_([this] { Run(); }) {}

CallerIntake::~CallerIntake() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void CallerIntake::Take(Event event, Door door) {
  Event lost;
  bool has_lost = false;
  bool is_stored = false;
  const Event copy = event;
  {
    MutexLock lock(mutex_);
    if (waiting_.size() == kMaxWaitingEvents) {
      lost = std::move(waiting_.front().event);
      has_lost = true;
      stored_up_to_ = waiting_.front().number;
      waiting_.pop_front();
    }
    const uint64_t number = ++last_number_;
    waiting_.push_back({.event = std::move(event), .door = door, .number = number});
    changed_.NotifyAll();
    is_stored = changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(kMaxCallerWait),
                                 [&]() REQUIRES(mutex_) { return stored_up_to_ >= number; });
  }
  if (has_lost) hooks_.on_lost(lost);
  if (!is_stored) hooks_.on_degraded(copy);
}

size_t CallerIntake::waiting() const {
  MutexLock lock(mutex_);
  return waiting_.size();
}

void CallerIntake::Run() {
  bool is_good = true;
  while (true) {
    {
      MutexLock lock(mutex_);
      if (is_good) {
        changed_.Wait(mutex_, [&]() REQUIRES(mutex_) { return stopping_ || !waiting_.empty(); });
      } else {
        changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(kCallerRetry),
                         [&]() REQUIRES(mutex_) { return stopping_; });
      }
      if (stopping_ && waiting_.empty()) return;
    }
    is_good = StoreAll();
    MutexLock lock(mutex_);
    if (stopping_) return;
  }
}

bool CallerIntake::StoreAll() {
  std::array<std::vector<Event>, kDoors> events;
  uint64_t newest = 0;
  {
    MutexLock lock(mutex_);
    for (const Waiting& waiting : waiting_) {
      events[static_cast<size_t>(waiting.door)].push_back(waiting.event);
      newest = waiting.number;
    }
  }
  const absl::Time now = absl::Now();
  for (size_t door = 0; door < events.size(); ++door) {
    if (events[door].empty()) continue;
    if (!ingest_.Take(std::move(events[door]), static_cast<Door>(door), now).ok()) return false;
  }
  {
    MutexLock lock(mutex_);
    while (!waiting_.empty() && waiting_.front().number <= newest) waiting_.pop_front();
    stored_up_to_ = std::max(stored_up_to_, newest);
  }
  changed_.NotifyAll();
  return true;
}

}  // namespace understudy::notifier
