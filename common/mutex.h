// std::mutex with clang's lock annotations. Not absl::Mutex: ThreadSanitizer cannot see into the
// prebuilt Abseil and reports its mutex as none (docs/decisions).
#ifndef COMMON_MUTEX_H_
#define COMMON_MUTEX_H_

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define UNDERSTUDY_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define UNDERSTUDY_THREAD_ANNOTATION(x)
#endif

// Some of Abseil's headers define the same names with the same meaning.
#ifndef GUARDED_BY
#define GUARDED_BY(x) UNDERSTUDY_THREAD_ANNOTATION(guarded_by(x))
#endif
#ifndef REQUIRES
#define REQUIRES(x) UNDERSTUDY_THREAD_ANNOTATION(requires_capability(x))
#endif
#ifndef EXCLUDES
#define EXCLUDES(x) UNDERSTUDY_THREAD_ANNOTATION(locks_excluded(x))
#endif

namespace understudy {

class UNDERSTUDY_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void Lock() UNDERSTUDY_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void Unlock() UNDERSTUDY_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds a mutex for a scope.
class UNDERSTUDY_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) UNDERSTUDY_THREAD_ANNOTATION(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() UNDERSTUDY_THREAD_ANNOTATION(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class CondVar {
 public:
  // Waits until `ready()`, which is called with the mutex held.
  template <typename Ready>
  void Wait(Mutex& mutex, Ready ready) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock, ready);
    lock.release();
  }

  // Waits until `ready()` or for `timeout`; returns what `ready()` said last.
  template <typename Ready, typename ChronoDuration>
  bool WaitFor(Mutex& mutex, ChronoDuration timeout, Ready ready) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool is_ready = condition_.wait_for(lock, timeout, ready);
    lock.release();
    return is_ready;
  }

  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace understudy

#endif  // COMMON_MUTEX_H_
