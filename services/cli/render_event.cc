#include "services/cli/render_event.h"

#include <understudy/notifier/v1/notifier_service.pb.h>
#include <understudy/router/v1/router_service.pb.h>

#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/twilio/error_codes.h"
#include "common/twilio/explanation.h"

namespace understudy::cli {
namespace {

namespace v1 = notifier::v1;

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string SecondText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", TimeOf(time), absl::UTCTimeZone());
}

// "3 minutes": the largest unit alone.
std::string AgeText(absl::Duration age) {
  const struct {
    absl::Duration unit;
    const char* name;
  } kUnits[] = {{absl::Hours(24), "day"}, {absl::Hours(1), "hour"}, {absl::Minutes(1), "minute"}};
  for (const auto& unit : kUnits) {
    const int64_t count = age / unit.unit;
    if (count > 0) return absl::StrCat(count, " ", unit.name, count == 1 ? "" : "s");
  }
  return "less than a minute";
}

Color LevelColor(const v1::ErrorEvent& event) {
  return event.level() == v1::LEVEL_WARNING ? Color::kYellow : Color::kRed;
}

struct OutcomeLook {
  const char* word;
  const char* sentence;
  std::optional<Color> color;
};
OutcomeLook LookOf(v1::Outcome outcome) {
  switch (outcome) {
    case v1::OUTCOME_FALLBACK_ANSWERED:
      return {"fallback", "the fallback answered", Color::kYellow};
    case v1::OUTCOME_DEFAULT_ANSWERED:
      return {"default", "the default document answered: no web server did", Color::kRed};
    case v1::OUTCOME_WARNING:
      return {"warning", "the document was used, but for parts of it", Color::kYellow};
    default:
      return {"unknown", "nobody has told", std::nullopt};
  }
}

const char* PhaseWord(v1::Phase phase) {
  constexpr const char* kWords[] = {"",         "policy",  "dns",  "connect",  "tls",
                                    "send",     "headers", "body", "protocol", "status",
                                    "redirect", "content", "parse"};
  return phase >= 0 && phase <= v1::PHASE_PARSE ? kWords[phase] : "";
}

const char* MethodWord(v1::Method method) {
  return method == v1::METHOD_GET ? "GET" : method == v1::METHOD_POST ? "POST" : "";
}

// The router's attempts and the notifier's have the same fields.
router::v1::ResolveTwiMLResponse AttemptsOf(const v1::ErrorEvent& event) {
  router::v1::ResolveTwiMLResponse response;
  for (const v1::Attempt& from : event.attempts()) {
    router::v1::Attempt& to = *response.add_attempts();
    to.set_target(event.target() == v1::TARGET_FALLBACK ? router::v1::TARGET_FALLBACK
                                                        : router::v1::TARGET_PRIMARY);
    to.set_url(from.url());
    to.set_method(from.method() == v1::METHOD_GET ? router::v1::METHOD_GET
                                                  : router::v1::METHOD_POST);
    to.set_remote_address(from.remote_address());
    to.set_http_status(from.http_status());
    to.set_error_code(from.error_code());
    to.set_phase(static_cast<router::v1::Phase>(from.phase()));
    to.set_detail(from.detail());
    *to.mutable_dns() = from.dns();
    *to.mutable_connect() = from.connect();
    *to.mutable_tls() = from.tls();
    *to.mutable_first_byte() = from.first_byte();
    *to.mutable_total() = from.total();
  }
  return response;
}

class Facts {
 public:
  void Add(absl::string_view name, absl::string_view value) {
    if (value.empty()) return;
    absl::StrAppendFormat(&text_, "  %-11s %s\n", name, Printable(value));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string Heading(absl::string_view text, const Style& style) {
  return absl::StrCat("\n", Paint(style, Color::kBold, text), "\n");
}

void AppendPairs(absl::string_view heading,
                 const google::protobuf::Map<std::string, std::string>& pairs, const Style& style,
                 std::string* out) {
  if (pairs.empty()) return;
  size_t width = 0;
  const std::map<std::string, std::string> sorted(pairs.begin(), pairs.end());
  for (const auto& [name, value] : sorted) width = std::max(width, Characters(Printable(name)));
  absl::StrAppend(out, Heading(heading, style));
  for (const auto& [name, value] : sorted) {
    const std::string shown = Printable(name);
    absl::StrAppend(out, "  ", shown, std::string(width - Characters(shown) + 2, ' '),
                    Printable(value), "\n");
  }
}

std::string FailureText(const v1::ErrorEvent& event) {
  std::string text =
      *PhaseWord(event.phase()) == '\0' ? "" : absl::StrCat("in phase ", PhaseWord(event.phase()));
  if (event.http_status() != 0) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", "HTTP ", event.http_status());
  }
  return text;
}

std::string ElapsedText(const v1::ErrorEvent& event) {
  const absl::Duration elapsed =
      absl::Seconds(event.elapsed().seconds()) + absl::Nanoseconds(event.elapsed().nanos());
  if (event.attempt_count() == 0) return "";
  return absl::StrCat(TimeText(elapsed), " in ", event.attempt_count(),
                      event.attempt_count() == 1 ? " request" : " requests");
}

std::string GroupText(const v1::ErrorGroup& group) {
  return absl::StrCat(group.group_id(), " (",
                      group.state() == v1::GROUP_STATE_OPEN ? "open" : "recovered", ", ",
                      group.event_count(), group.event_count() == 1 ? " event" : " events",
                      ", the last at ", SecondText(group.last_event_at()), ")");
}

}  // namespace

std::vector<Column> EventColumns() {
  return {{.name = "TIME (UTC)"}, {.name = "CODE", .is_number = true},
          {.name = "ANSWERED"},   {.name = "NUMBER"},
          {.name = "ID"},         {.name = "URL"}};
}

std::vector<Cell> EventCells(const v1::ErrorEvent& event) {
  const OutcomeLook outcome = LookOf(event.outcome());
  return {{SecondText(event.occurred_at())},
          {absl::StrCat(event.error_code()), LevelColor(event)},
          {outcome.word, outcome.color},
          {event.phone_number()},
          {event.event_id()},
          {event.error_url()}};
}

std::vector<Column> GroupColumns() {
  return {{.name = "LAST (UTC)"},
          {.name = "STATE"},
          {.name = "CODE", .is_number = true},
          {.name = "EVENTS", .is_number = true},
          {.name = "FALLBACK", .is_number = true},
          {.name = "DEFAULT", .is_number = true},
          {.name = "GROUP", .is_number = true},
          {.name = "HOST"},
          {.name = "WHAT"}};
}

std::vector<Cell> GroupCells(const v1::ErrorGroup& group) {
  const bool open = group.state() == v1::GROUP_STATE_OPEN;
  const twilio::ErrorCode* code = twilio::FindErrorCode(group.error_code());
  return {{SecondText(group.last_event_at())},
          {open ? "open" : "recovered", open ? Color::kRed : Color::kGreen},
          {absl::StrCat(group.error_code())},
          {absl::StrCat(group.event_count())},
          {absl::StrCat(group.fallback_answered_count())},
          {absl::StrCat(group.default_answered_count())},
          {group.group_id()},
          {group.host()},
          {code == nullptr ? "" : std::string(code->name)}};
}

std::string RenderEvent(const v1::ErrorEvent& event, const v1::ErrorGroup* group, absl::Time now,
                        const Style& style) {
  const twilio::Explanation explanation = twilio::Explain(event.error_code());
  const bool is_message = event.kind() == v1::KIND_MESSAGING;
  std::string out = absl::StrCat(Paint(style, LevelColor(event), CodeText(event.error_code())),
                                 "\n", explanation.meaning, "\n");
  absl::StrAppend(&out, Heading("What to check", style));
  for (const absl::string_view check : explanation.checks) {
    if (!check.empty()) absl::StrAppend(&out, "  - ", check, "\n");
  }
  const std::string page = twilio::ErrorCodePage(event.error_code());
  if (!page.empty()) absl::StrAppend(&out, "  ", Paint(style, Color::kDim, page), "\n");
  absl::StrAppend(&out, "\n");
  Facts facts;
  const absl::Time at = TimeOf(event.occurred_at());
  facts.Add("time",
            absl::StrCat(absl::FormatTime("%Y-%m-%d %H:%M:%E3S UTC", at, absl::UTCTimeZone()),
                         now > at ? absl::StrCat(", ", AgeText(now - at), " ago") : ""));
  facts.Add("answered", LookOf(event.outcome()).sentence);
  facts.Add("url", absl::StrCat(MethodWord(event.request_method()),
                                *MethodWord(event.request_method()) == '\0' ? "" : " ",
                                event.error_url()));
  facts.Add("target", event.target() == v1::TARGET_FALLBACK  ? "fallback"
                      : event.target() == v1::TARGET_PRIMARY ? "primary"
                                                             : "");
  facts.Add("failed", FailureText(event));
  facts.Add("detail", event.detail());
  facts.Add("elapsed", ElapsedText(event));
  facts.Add(is_message ? "message" : "call", event.resource_sid());
  facts.Add("number", event.phone_number());
  facts.Add("account", event.account_sid());
  facts.Add("resolution", event.resolution_id());
  facts.Add("event", event.event_id());
  if (group != nullptr) facts.Add("group", GroupText(*group));
  absl::StrAppend(&out, facts.text());

  if (event.attempts_size() > 0) {
    absl::StrAppend(&out, Heading("Requests", style), RenderAttempts(AttemptsOf(event), style));
  }
  AppendPairs("Parameters", event.parameters(), style, &out);
  AppendPairs("Headers of the request", event.request_headers(), style, &out);
  AppendPairs("Headers of the response", event.response_headers(), style, &out);
  if (!event.response_excerpt().empty()) {
    absl::StrAppend(&out, Heading("Response", style));
    for (const absl::string_view line :
         absl::StrSplit(absl::StripSuffix(event.response_excerpt(), "\n"), '\n')) {
      absl::StrAppend(&out, "  ", PrintableLines(line), "\n");
    }
  }
  return out;
}

}  // namespace understudy::cli
