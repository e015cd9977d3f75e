// What the notifier will hear of a call that went wrong: one event for each target that failed,
// and one for a document with warnings. Pure.
#ifndef SERVICES_ROUTER_REPORT_ERROR_EVENT_H_
#define SERVICES_ROUTER_REPORT_ERROR_EVENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/twilio/error_codes.h"
#include "services/router/resolve/call.h"

namespace understudy::router {

enum class EventOutcome : uint8_t {
  kFallbackAnswered,
  kDefaultAnswered,
  kWarning,
  kUnknown,  // the caller went away before there was one
};

// The names of the words above as they stand in the notifier's service.
const char* EventOutcomeName(EventOutcome outcome);
const char* PhaseName(Phase phase);

struct ErrorEvent {
  std::string event_id = {};    // the same for the same failure, however often it is sent
  absl::Time occurred_at = {};  // a date
  std::string account_sid = {};
  Kind kind = Kind::kVoice;
  std::string phone_number = {};
  std::string resource_sid = {};  // of the call or message
  twilio::Level level = twilio::Level::kError;
  int error_code = 0;
  std::string error_url = {};
  Target target = Target::kPrimary;
  EventOutcome outcome = EventOutcome::kUnknown;
  Phase phase = Phase::kNone;
  int http_status = 0;
  std::string detail = {};
  absl::Duration elapsed = {};
  int attempt_count = 0;
  std::string resolution_id = {};
  std::string response_excerpt = {};
  std::vector<Attempt> attempts = {};  // to the target, in order
  // What is kept of them: common/twilio/kept_form.h.
  twilio::Form parameters = {};
  twilio::Form request_headers = {};
  twilio::Form response_headers = {};
};

// `call.id` is the resolution's; `date` is when it ended. Order: as it happened.
std::vector<ErrorEvent> EventsOf(const Call& call, const std::string& phone_number,
                                 const Outcome& outcome, absl::Time date);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_REPORT_ERROR_EVENT_H_
