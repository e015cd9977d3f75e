// The one way in, for every door: checks events, keeps them, says what became of each.
#ifndef SERVICES_NOTIFIER_INGEST_INGEST_H_
#define SERVICES_NOTIFIER_INGEST_INGEST_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/notifier/ingest/event.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

inline constexpr size_t kMaxBatchEvents = 500;
// How long a sender that is told to come back later should wait.
inline constexpr absl::Duration kRetryDelay = absl::Seconds(1);

// By which door an event came; a label.
enum class Door : uint8_t { kGrpc, kEvents, kFallback, kDebugger, kStream };
inline constexpr int kDoors = 5;
// "grpc", "events", "fallback", "debugger", "stream".
const char* DoorName(Door door);

struct RejectedEvent {
  size_t index = 0;  // in what was given to Take
  std::string event_id = {};
  Refusal refusal = {};
};

struct Intake {
  int stored = 0;
  int duplicates = 0;  // were there already
  std::vector<RejectedEvent> rejected = {};
};

// Called by the thread that takes events in, when the fact is durable.
struct IngestHooks {
  std::function<void(const Event&, Door)> on_stored = {};
  std::function<void(Door)> on_duplicate = {};
  std::function<void(const RejectedEvent&, Door)> on_rejected = {};
  // An event that is none to keep: it tells of no error.
  std::function<void(Door)> on_skipped = {};
  // Something new is kept: whoever sends mail may have something to do.
  std::function<void()> wake = {};
};

class Ingest {
 public:
  // `store` must outlive it; all hooks are set.
  Ingest(Store& store, IngestHooks hooks) : store_(store), hooks_(std::move(hooks)) {}

  // Bad events are rejected by name; the others are durable when it returns OK. An error is the
  // store's: nothing is known to be stored, and sending again does no harm. `now` is the date. From
  // any thread.
  absl::StatusOr<Intake> Take(std::vector<Event> events, Door door, absl::Time now);
  // Of what a door could not even make an event of: counted like those that Take rejects.
  void Reject(const RejectedEvent& event, Door door) { hooks_.on_rejected(event, door); }
  // Of what a door leaves because it tells of no error.
  void Skip(Door door) { hooks_.on_skipped(door); }
  // As Reject for a whole batch whose sender is told that the store failed with `status`.
  void TurnAway(const absl::Status& status, Door door);

 private:
  Store& store_;
  const IngestHooks hooks_;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_INGEST_INGEST_H_
