#include "services/notifier/ingest/ingest.h"

#include <optional>
#include <utility>

namespace understudy::notifier {

namespace {

// An account may have both a debugger webhook and an event stream: they tell of an event by the
// same sid, in other words.
bool IsToldInTwoWays(Door door) {
  return door == Door::kDebugger || door == Door::kStream;
}

}  // namespace

const char* DoorName(Door door) {
  switch (door) {
    case Door::kGrpc:
      break;
    case Door::kEvents:
      return "events";
    case Door::kFallback:
      return "fallback";
    case Door::kDebugger:
      return "debugger";
    case Door::kStream:
      return "stream";
  }
  return "grpc";
}

absl::StatusOr<Intake> Ingest::Take(std::vector<Event> events, Door door, absl::Time now) {
  Intake intake;
  std::vector<Event> good;
  std::vector<size_t> places;  // of the good ones
  good.reserve(events.size());
  places.reserve(events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    if (std::optional<Refusal> refusal = Normalize(events[i], now)) {
      intake.rejected.push_back({.index = i,
                                 .event_id = events[i].event_id.substr(0, kMaxEventIdBytes),
                                 .refusal = *std::move(refusal)});
      continue;
    }
    places.push_back(i);
    good.push_back(std::move(events[i]));
  }
  if (!good.empty()) {
    const absl::StatusOr<std::vector<Appended>> appended = store_.Append(good);
    if (!appended.ok()) return appended.status();
    for (size_t i = 0; i < good.size(); ++i) {
      switch ((*appended)[i]) {
        case Appended::kStored:
          ++intake.stored;
          hooks_.on_stored(good[i], door);
          break;
        case Appended::kDuplicate:
          ++intake.duplicates;
          hooks_.on_duplicate(door);
          break;
        case Appended::kConflict:
          if (IsToldInTwoWays(door)) {
            ++intake.duplicates;
            hooks_.on_duplicate(door);
            break;
          }
          intake.rejected.push_back(
              {.index = places[i],
               .event_id = good[i].event_id,
               .refusal = {.reason = "EVENT_ID_CONFLICT",
                           .field = "event_id",
                           .message = "another event of that event_id was reported before"}});
          break;
      }
    }
  }
  for (const RejectedEvent& rejected : intake.rejected) hooks_.on_rejected(rejected, door);
  if (intake.stored > 0) hooks_.wake();
  return intake;
}

void Ingest::TurnAway(const absl::Status& status, Door door) {
  const bool is_full = status.code() == absl::StatusCode::kResourceExhausted;
  Reject({.refusal = {.reason = is_full ? "STORE_FULL" : "STORE_UNAVAILABLE",
                      .message = std::string(status.message())}},
         door);
}

}  // namespace understudy::notifier
