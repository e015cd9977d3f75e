#include "services/notifier/ingest/caller_intake.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/time/clock.h"

namespace understudy::notifier {

CallerIntake::CallerIntake(Ingest& ingest, Hooks hooks, CallerWaits waits)
    : ingest_(ingest), hooks_(std::move(hooks)), waits_(waits), thread_([this] { Run(); }) {}

CallerIntake::~CallerIntake() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

bool CallerIntake::Stop(absl::Time give_up_at) {
  const absl::Duration left = std::max(give_up_at - absl::Now(), absl::ZeroDuration());
  MutexLock lock(mutex_);
  stopping_ = true;
  changed_.NotifyAll();
  return changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(left),
                          [&]() REQUIRES(mutex_) { return has_ended_; });
}

void CallerIntake::Take(Event event) {
  const auto own = std::make_shared<Waiting>(std::move(event));
  std::shared_ptr<Waiting> lost;
  bool is_stored = false;
  {
    MutexLock lock(mutex_);
    if (waiting_.size() == kMaxWaitingEvents) {
      lost = std::move(waiting_.front());
      lost->is_lost = true;
      waiting_.pop_front();
    }
    waiting_.push_back(own);
    changed_.NotifyAll();
  }
  if (lost != nullptr) hooks_.on_lost(lost->event);
  {
    MutexLock lock(mutex_);
    changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(waits_.store),
                     [&]() REQUIRES(mutex_) { return own->is_stored || own->is_lost; });
    is_stored = own->is_stored;
  }
  if (!is_stored) hooks_.on_degraded(own->event);
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
      } else if (!stopping_) {
        changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(waits_.retry),
                         [&]() REQUIRES(mutex_) { return stopping_; });
      }
      if (stopping_ && waiting_.empty()) break;
    }
    is_good = StoreSome();
    MutexLock lock(mutex_);
    if (stopping_ && !is_good) break;
  }
  MutexLock lock(mutex_);
  has_ended_ = true;
  changed_.NotifyAll();
}

bool CallerIntake::StoreSome() {
  std::vector<std::shared_ptr<Waiting>> batch;
  {
    MutexLock lock(mutex_);
    const size_t count = std::min(waiting_.size(), kMaxBatchEvents);
    batch.assign(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  std::vector<Event> events;
  events.reserve(batch.size());
  for (const auto& waiting : batch) events.push_back(waiting->event);
  if (!ingest_.Take(std::move(events), Door::kFallback, absl::Now()).ok()) return false;
  {
    MutexLock lock(mutex_);
    for (const auto& stored : batch) stored->is_stored = true;
    while (!waiting_.empty() && waiting_.front()->is_stored) waiting_.pop_front();
  }
  changed_.NotifyAll();
  return true;
}

}  // namespace understudy::notifier
