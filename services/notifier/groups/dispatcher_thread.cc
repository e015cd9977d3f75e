#include "services/notifier/groups/dispatcher_thread.h"

#include <algorithm>

#include "absl/time/clock.h"

namespace understudy::notifier {

DispatcherThread::DispatcherThread(Dispatcher& dispatcher)
    : dispatcher_(dispatcher), thread_([this] { Run(); }) {}

DispatcherThread::~DispatcherThread() {
  Stop(absl::InfinitePast());
  thread_.join();
}

void DispatcherThread::Wake() {
  {
    MutexLock lock(mutex_);
    if (is_awake_) return;
    is_awake_ = true;
  }
  changed_.NotifyAll();
}

bool DispatcherThread::Stop(absl::Time give_up_at) {
  const absl::Duration left = std::max(give_up_at - absl::Now(), absl::ZeroDuration());
  MutexLock lock(mutex_);
  is_stopping_ = true;
  changed_.NotifyAll();
  return changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(left),
                          [&]() REQUIRES(mutex_) { return has_ended_; });
}

void DispatcherThread::Run() {
  while (true) {
    const absl::Time next = dispatcher_.Pump(absl::Now());
    const absl::Duration sleep =
        std::clamp(next - absl::Now(), kMinDispatcherSleep, kMaxDispatcherSleep);
    const absl::Time earliest = absl::Now() + kMinDispatcherSleep;
    MutexLock lock(mutex_);
    is_awake_ = false;
    changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(sleep),
                     [&]() REQUIRES(mutex_) { return is_awake_ || is_stopping_; });
    if (!is_stopping_ && absl::Now() < earliest) {  // woken at once: gather a little
      changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(earliest - absl::Now()),
                       [&]() REQUIRES(mutex_) { return is_stopping_; });
    }
    if (is_stopping_) break;
  }
  // What became of the last mail must be known to the next process.
  static_cast<void>(dispatcher_.Finish(absl::Now()));
  MutexLock lock(mutex_);
  has_ended_ = true;
  changed_.NotifyAll();
}

}  // namespace understudy::notifier
