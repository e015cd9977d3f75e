// What is said of events, in mails and on the page alike. Pure.
#ifndef SERVICES_NOTIFIER_WORDS_EVENT_WORDS_H_
#define SERVICES_NOTIFIER_WORDS_EVENT_WORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/notifier/groups/grouping.h"
#include "services/notifier/ingest/event.h"

namespace understudy::notifier {

// What is counted: "1 call", "37 messages".
enum class Noun : uint8_t { kCall, kMessage, kEvent };
Noun NounOf(Kind kind);
std::string Counted(int64_t count, Noun noun, absl::string_view adjective = "");

// Of those who called: "answered by the fallback".
const char* OutcomeText(Outcome outcome, Noun noun);
// Those that there are, the worst first.
std::vector<Outcome> OutcomesIn(const Counts& counts);
// "all answered by the fallback"; "3 heard the default message, 34 answered by the fallback".
std::string OutcomesText(const Counts& counts, Noun noun);

std::string CodeName(int code);
// "11200 HTTP retrieval failure".
std::string CodeText(int code);

// Without what only a broken URL has behind its host: queries hold secrets.
std::string ShownHost(absl::string_view host);

// "HTTP 500 from the primary, phase status". An event from elsewhere may not say how it failed.
std::string FailureText(const Event& event);
// "status"; empty for none.
std::string PhaseText(Phase phase);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_WORDS_EVENT_WORDS_H_
