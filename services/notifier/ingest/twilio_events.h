// Error events as Twilio itself tells them: a request to a Fallback URL, the debugger webhook, and
// event streams. Pure.
// Source: Twilio, "Availability and Reliability", "Debugging Events Webhook", "Event Streams: Error
// Logs".
#ifndef SERVICES_NOTIFIER_INGEST_TWILIO_EVENTS_H_
#define SERVICES_NOTIFIER_INGEST_TWILIO_EVENTS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/twilio/form.h"
#include "services/notifier/ingest/event.h"

namespace understudy::notifier {

// Requests of the same content within this time are one, where none of them has a token.
inline constexpr absl::Duration kSameRequestTime = absl::Seconds(60);

// What the event_id of an event that has a sid at Twilio begins with, before the sid.
inline constexpr char kTwilioEventPrefix[] = "debugger-";

// Of events in one batch of an event stream.
inline constexpr size_t kMaxStreamEvents = 500;

// What a call or message is by its parameters: MessageSid or SmsSid say message, CallSid call.
std::optional<Kind> KindOf(const twilio::Form& parameters);

// The event of a fallback request; nullopt if it is none, because ErrorCode or ErrorUrl is missing
// or empty (a delivery status callback has an ErrorCode of its own). A code that is no number is 0,
// unknown. Known again by `idempotency_token`, or, without one, by its content within
// kSameRequestTime.
std::optional<Event> FallbackEvent(const twilio::Form& parameters, Kind kind,
                                   absl::string_view idempotency_token, absl::Time now);

// The event of a debugger webhook request, or why there is none in it. Known again by its Sid.
std::variant<Event, Refusal> DebuggerEvent(const twilio::Form& parameters);

// One of an event stream's batch.
struct StreamItem {
  Event event = {};
  std::string master_account_sid = {};  // of a subaccount; else empty
  std::optional<Refusal> refusal = {};  // why `event` is none; its event_id may be set all the same
  bool is_info = false;                 // it tells of no error
};
// A batch of CloudEvents as JSON: an array of them, or one. A refusal: it is none. An event is
// known again by its sid, also where the debugger webhook tells it.
std::variant<std::vector<StreamItem>, Refusal> StreamEvents(const std::string& body);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_INGEST_TWILIO_EVENTS_H_
