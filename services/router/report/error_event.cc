#include "services/router/report/error_event.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "common/twilio/form.h"
#include "common/twilio/kept_form.h"

namespace understudy::router {
namespace {

EventOutcome OutcomeOf(const Outcome& outcome) {
  if (outcome.cancelled) return EventOutcome::kUnknown;
  return outcome.source == Source::kFallback ? EventOutcome::kFallbackAnswered
                                             : EventOutcome::kDefaultAnswered;
}

twilio::Form KeptHeaders(const Headers& headers) {
  twilio::Form form;
  form.reserve(headers.size());
  for (const Header& header : headers) form.push_back({header.name, header.value});
  return twilio::KeptHeaders(form);
}

void AddRequest(const Evidence& evidence, const std::vector<Attempt>& attempts, ErrorEvent& event) {
  std::copy_if(attempts.begin(), attempts.end(), std::back_inserter(event.attempts),
               [&](const Attempt& attempt) { return attempt.target == event.target; });
  event.parameters = twilio::KeptParameters(evidence.parameters);
  event.request_headers = KeptHeaders(evidence.request_headers);
  event.response_headers = KeptHeaders(evidence.response_headers);
}

}  // namespace

const char* EventOutcomeName(EventOutcome outcome) {
  switch (outcome) {
    case EventOutcome::kFallbackAnswered:
      return "OUTCOME_FALLBACK_ANSWERED";
    case EventOutcome::kDefaultAnswered:
      return "OUTCOME_DEFAULT_ANSWERED";
    case EventOutcome::kWarning:
      return "OUTCOME_WARNING";
    case EventOutcome::kUnknown:
      break;
  }
  return "OUTCOME_UNKNOWN";
}

const char* PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kNone:
      break;
    case Phase::kPolicy:
      return "PHASE_POLICY";
    case Phase::kDns:
      return "PHASE_DNS";
    case Phase::kConnect:
      return "PHASE_CONNECT";
    case Phase::kTls:
      return "PHASE_TLS";
    case Phase::kSend:
      return "PHASE_SEND";
    case Phase::kHeaders:
      return "PHASE_HEADERS";
    case Phase::kBody:
      return "PHASE_BODY";
    case Phase::kProtocol:
      return "PHASE_PROTOCOL";
    case Phase::kStatus:
      return "PHASE_STATUS";
    case Phase::kRedirect:
      return "PHASE_REDIRECT";
    case Phase::kContent:
      return "PHASE_CONTENT";
    case Phase::kParse:
      return "PHASE_PARSE";
  }
  return "PHASE_UNSPECIFIED";
}

std::vector<ErrorEvent> EventsOf(const Call& call, const std::string& phone_number,
                                 const Outcome& outcome, absl::Time date) {
  if (outcome.faults.empty() && outcome.warnings.empty()) return {};
  const std::string* sid =
      twilio::FindParameter(call.parameters, call.kind == Kind::kVoice ? "CallSid" : "MessageSid");
  const ErrorEvent about_call{.occurred_at = date,
                              .account_sid = call.account_sid,
                              .kind = call.kind,
                              .phone_number = phone_number,
                              .resource_sid = sid == nullptr ? std::string() : *sid,
                              .resolution_id = call.id};
  std::vector<ErrorEvent> events;
  for (const Fault& fault : outcome.faults) {
    ErrorEvent& event = events.emplace_back(about_call);
    event.error_code = fault.code;
    event.error_url = fault.url;
    event.target = fault.target;
    event.outcome = OutcomeOf(outcome);
    event.phase = fault.phase;
    event.http_status = fault.http_status;
    event.detail = fault.detail;
    event.elapsed = fault.elapsed;
    event.attempt_count = fault.attempts;
    event.response_excerpt = fault.response_excerpt;
    AddRequest(fault.evidence, outcome.attempts, event);
  }
  if (!outcome.warnings.empty()) {
    // The first of the worst: one event is about the document, not about each finding.
    const auto error =
        std::find_if(outcome.warnings.begin(), outcome.warnings.end(),
                     [](const Warning& w) { return w.level == twilio::Level::kError; });
    const Warning& worst = error == outcome.warnings.end() ? outcome.warnings.front() : *error;
    ErrorEvent& event = events.emplace_back(about_call);
    event.level = worst.level;
    event.error_code = worst.code;
    event.error_url = outcome.document_url;
    event.target = outcome.source == Source::kPrimary ? Target::kPrimary : Target::kFallback;
    event.outcome = EventOutcome::kWarning;
    event.phase = Phase::kParse;
    event.detail =
        absl::StrCat("line ", worst.line, ", column ", worst.column, ": ", worst.message);
    if (outcome.warnings.size() > 1) {
      absl::StrAppend(&event.detail, " (and ", outcome.warnings.size() - 1, " more)");
    }
    AddRequest(outcome.evidence, outcome.attempts, event);
  }
  for (size_t i = 0; i < events.size(); ++i) {
    events[i].event_id = absl::StrCat(call.id, "-", i + 1);
  }
  return events;
}

}  // namespace understudy::router
