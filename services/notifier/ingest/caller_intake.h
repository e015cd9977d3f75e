// Events of callers who wait for TwiML: taken in behind a bounded wait, and kept in memory for a
// while when the store cannot take them.
//
// As a Fallback URL the notifier owes its caller a document at once, also when its disk is broken.
// Such an event is written to the log in full, and is tried again until it is stored, or until
// newer ones need its place.
#ifndef SERVICES_NOTIFIER_INGEST_CALLER_INTAKE_H_
#define SERVICES_NOTIFIER_INGEST_CALLER_INTAKE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "services/notifier/ingest/ingest.h"

namespace understudy::notifier {

// Events that wait for the store; the oldest makes room for a new one, and is lost but for the log.
inline constexpr size_t kMaxWaitingEvents = 1000;
// How long a caller waits for the store.
inline constexpr absl::Duration kMaxCallerWait = absl::Milliseconds(500);
// How long after a failure the store is tried again.
inline constexpr absl::Duration kCallerRetry = absl::Seconds(1);

class CallerIntake {
 public:
  struct Hooks {
    // The event could not be stored while its caller waited.
    std::function<void(const Event&)> on_degraded = {};
    // An event that was never stored made room for another.
    std::function<void(const Event&)> on_lost = {};
  };

  // `ingest` must outlive it. All hooks are set; they are called from any thread.
  CallerIntake(Ingest& ingest, Hooks hooks);
  // Tries once more to store what waits.
  ~CallerIntake();
  CallerIntake(const CallerIntake&) = delete;
  CallerIntake& operator=(const CallerIntake&) = delete;

  // Returns when the event is stored, or rejected, or after kMaxCallerWait.
  void Take(Event event, Door door);

  // Those that are not stored yet. From any thread.
  size_t waiting() const;

 private:
  struct Waiting {
    Event event = {};
    Door door = Door::kFallback;
    uint64_t number = 0;
  };

  void Run();
  // Stores the events that wait, as one batch for each door; false if the store could not.
  bool StoreAll();

  Ingest& ingest_;
  const Hooks hooks_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Waiting> waiting_ GUARDED_BY(mutex_);
  uint64_t last_number_ GUARDED_BY(mutex_) = 0;
  uint64_t stored_up_to_ GUARDED_BY(mutex_) = 0;  // every number up to it is settled
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_INGEST_CALLER_INTAKE_H_
