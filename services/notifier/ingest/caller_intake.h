// Events of callers who wait for TwiML: taken in behind a bounded wait, and kept in memory for a
// while when the store cannot take them.
//
// As a Fallback URL the notifier owes its caller a document at once, also when its disk is broken.
// Such an event is written to the log, all but its parameters, and is tried again until it is
// stored, until newer ones need its place, or until the process ends.
#ifndef SERVICES_NOTIFIER_INGEST_CALLER_INTAKE_H_
#define SERVICES_NOTIFIER_INGEST_CALLER_INTAKE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

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

struct CallerWaits {
  absl::Duration store = kMaxCallerWait;
  absl::Duration retry = kCallerRetry;
};

class CallerIntake {
 public:
  struct Hooks {
    // The event could not be stored while its caller waited. Called for every event that is not
    // stored when Take returns, lost ones among them.
    std::function<void(const Event&)> on_degraded = {};
    // An event that is not known to be stored made room for another.
    std::function<void(const Event&)> on_lost = {};
  };

  // `ingest` must outlive it. All hooks are set; they are called from any thread.
  CallerIntake(Ingest& ingest, Hooks hooks, CallerWaits waits = {});
  // As Stop with all the time there is.
  ~CallerIntake();
  CallerIntake(const CallerIntake&) = delete;
  CallerIntake& operator=(const CallerIntake&) = delete;

  // Returns when the event is stored, or rejected, or after CallerWaits::store.
  void Take(Event event);

  // Tries once more to store what waits; false if the store has not answered by `give_up_at`.
  // Events taken after it wait in vain. Twice is harmless.
  bool Stop(absl::Time give_up_at);

  // Those that are not stored yet. From any thread.
  size_t waiting() const;

 private:
  struct Waiting {
    explicit Waiting(Event taken) : event(std::move(taken)) {}

    const Event event;
    bool is_stored = false;  // guarded by mutex_, as is the next one
    bool is_lost = false;
  };

  void Run();
  // Stores the oldest of those that wait, as one batch; false if the store could not.
  bool StoreSome();

  Ingest& ingest_;
  const Hooks hooks_;
  const CallerWaits waits_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<std::shared_ptr<Waiting>> waiting_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool has_ended_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_INGEST_CALLER_INTAKE_H_
