#include "services/notifier/words/event_words.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/twilio/error_codes.h"
#include "services/notifier/words/shown_text.h"

namespace understudy::notifier {

using absl::StrAppend;
using absl::StrCat;
using absl::string_view;

Noun NounOf(Kind kind) {
  return kind == Kind::kVoice ? Noun::kCall : Noun::kMessage;
}

std::string Counted(int64_t count, Noun noun, string_view adjective) {
  const char* const name = noun == Noun::kCall      ? " call"
                           : noun == Noun::kMessage ? " message"
                                                    : " event";
  return StrCat(NumberText(count), adjective, name, count == 1 ? "" : "s");
}

const char* OutcomeText(Outcome outcome, Noun noun) {
  switch (outcome) {
    case Outcome::kFallbackAnswered:
      return "answered by the fallback";
    case Outcome::kDefaultAnswered:
      return noun == Noun::kCall ? "heard the default message" : "got the default answer";
    case Outcome::kWarning:
      return "answered, parts of the document skipped";
    case Outcome::kUnknown:
      break;
  }
  return "with unknown outcome";
}

namespace {

// The worst first.
constexpr Outcome kOutcomesByWeight[] = {Outcome::kDefaultAnswered, Outcome::kUnknown,
                                         Outcome::kFallbackAnswered, Outcome::kWarning};

}  // namespace

std::vector<Outcome> OutcomesIn(const Counts& counts) {
  std::vector<Outcome> outcomes;
  for (const Outcome outcome : kOutcomesByWeight) {
    if (counts.of(outcome) > 0) outcomes.push_back(outcome);
  }
  return outcomes;
}

std::string OutcomesText(const Counts& counts, Noun noun) {
  const std::vector<Outcome> outcomes = OutcomesIn(counts);
  if (outcomes.size() == 1) {
    const char* const text = OutcomeText(outcomes.front(), noun);
    return counts.total() == 1 ? text : StrCat("all ", text);
  }
  return absl::StrJoin(outcomes, ", ", [&](std::string* out, Outcome outcome) {
    StrAppend(out, NumberText(counts.of(outcome)), " ", OutcomeText(outcome, noun));
  });
}

std::string CodeName(int code) {
  const twilio::ErrorCode* const known = twilio::FindErrorCode(code);
  return known == nullptr ? "unknown error" : std::string(known->name);
}

std::string CodeText(int code) {
  return code == 0 ? CodeName(code) : StrCat(code, " ", CodeName(code));
}

std::string ShownHost(string_view host) {
  return OneLine(host.substr(0, host.find_first_of("/?#")));
}

std::string FailureText(const Event& event) {
  const bool is_known = event.http_status != 0 || event.phase != Phase::kNone;
  std::string title = !is_known                ? std::string("Failure")
                      : event.http_status == 0 ? std::string("No response")
                                               : StrCat("HTTP ", event.http_status);
  if (event.target != Target::kUnspecified) {
    StrAppend(&title, is_known ? " from the " : " of the ",
              event.target == Target::kPrimary ? "primary" : "fallback");
  }
  if (event.phase != Phase::kNone) StrAppend(&title, ", phase ", PhaseText(event.phase));
  return title;
}

std::string PhaseText(Phase phase) {
  if (phase == Phase::kNone) return "";
  return absl::AsciiStrToLower(absl::StripPrefix(PhaseName(phase), "PHASE_"));
}

}  // namespace understudy::notifier
