// The thread that mails: pumps a dispatcher whenever it has something to do.
#ifndef SERVICES_NOTIFIER_GROUPS_DISPATCHER_THREAD_H_
#define SERVICES_NOTIFIER_GROUPS_DISPATCHER_THREAD_H_

#include <thread>

#include "common/mutex.h"
#include "services/notifier/groups/dispatcher.h"

namespace understudy::notifier {

// The longest the thread sleeps, whatever the dispatcher says: the clock may be set.
inline constexpr absl::Duration kMaxDispatcherSleep = absl::Seconds(30);
// The shortest: so many events a second as may come, groups are looked at this often at most.
inline constexpr absl::Duration kMinDispatcherSleep = absl::Milliseconds(20);

class DispatcherThread {
 public:
  // `dispatcher` must outlive it.
  explicit DispatcherThread(Dispatcher& dispatcher);
  // Waits for the mail being sent.
  ~DispatcherThread();
  DispatcherThread(const DispatcherThread&) = delete;
  DispatcherThread& operator=(const DispatcherThread&) = delete;

  // There may be something to do. From any thread; cheap.
  void Wake();
  // Waits for the mail being sent, and keeps what became of it; false if that is not done by
  // `give_up_at`. Twice is harmless.
  bool Stop(absl::Time give_up_at);

 private:
  void Run();

  Dispatcher& dispatcher_;
  Mutex mutex_;
  CondVar changed_;
  bool is_awake_ GUARDED_BY(mutex_) = true;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  bool has_ended_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_GROUPS_DISPATCHER_THREAD_H_
