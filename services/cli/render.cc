#include "services/cli/render.h"

#include <google/protobuf/util/json_util.h>
#include <understudy/router/v1/router_service.pb.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/twilio/charset.h"
#include "common/twilio/error_codes.h"

namespace understudy::cli {
namespace {

namespace v1 = router::v1;

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";
constexpr absl::string_view kIndent = "     ";

// The time of an attempt falls into these, in order.
enum Segment : size_t { kDns, kConnect, kTls, kFirstByte, kRest, kSegments };

struct SegmentLook {
  const char* name;
  char letter;
  Color color;
};
constexpr std::array<SegmentLook, kSegments> kSegmentLooks = {{{"dns", 'd', Color::kCyan},
                                                               {"connect", 'c', Color::kYellow},
                                                               {"tls", 't', Color::kCyan},
                                                               {"first byte", 'f', Color::kGreen},
                                                               {"rest", 'r', Color::kDim}}};
using Segments = std::array<absl::Duration, kSegments>;

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

// Where the time went that no finished phase accounts for: into the one it failed in.
Segment UnfinishedSegment(v1::Phase phase) {
  switch (phase) {
    case v1::PHASE_DNS:
      return kDns;
    case v1::PHASE_CONNECT:
      return kConnect;
    case v1::PHASE_TLS:
      return kTls;
    case v1::PHASE_SEND:
    case v1::PHASE_HEADERS:
      return kFirstByte;
    default:
      return kRest;
  }
}

Segments SegmentsOf(const v1::Attempt& attempt) {
  Segments segments = {FromProto(attempt.dns()),
                       FromProto(attempt.connect()),
                       FromProto(attempt.tls()),
                       FromProto(attempt.first_byte()),
                       {}};
  absl::Duration rest = FromProto(attempt.total());
  for (const absl::Duration part : segments) rest -= part;
  segments[UnfinishedSegment(attempt.phase())] += std::max(rest, absl::ZeroDuration());
  return segments;
}

// Letters of the phases, `scale` filling kBarWidth. Ends are rounded rather than lengths, so that
// the bar as a whole is as long as the whole.
std::string Bar(const Segments& segments, absl::Duration scale, const Style& style) {
  std::string bar;
  absl::Duration end;
  int drawn = 0;
  for (size_t i = 0; i < kSegments; ++i) {
    end += segments[i];
    const int to = static_cast<int>(std::lround(absl::FDivDuration(end, scale) * kBarWidth));
    if (to <= drawn) continue;
    const auto length = static_cast<size_t>(to - drawn);
    absl::StrAppend(
        &bar, Paint(style, kSegmentLooks[i].color, std::string(length, kSegmentLooks[i].letter)));
    drawn = to;
  }
  bar.append(static_cast<size_t>(std::max(kBarWidth - drawn, 0)), ' ');
  return bar;
}

std::string SegmentTimes(const Segments& segments) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < kSegments; ++i) {
    if (segments[i] < absl::Microseconds(50)) continue;  // less than is shown
    parts.push_back(absl::StrCat(kSegmentLooks[i].name, " ", TimeText(segments[i])));
  }
  return absl::StrJoin(parts, ", ");
}

const char* MethodName(v1::Method method) {
  return method == v1::METHOD_GET ? "GET" : "POST";
}

// Where the request failed, to follow its code.
const char* PhaseText(v1::Phase phase) {
  switch (phase) {
    case v1::PHASE_POLICY:
      return "not dialled";
    case v1::PHASE_DNS:
      return "at the name look-up";
    case v1::PHASE_CONNECT:
      return "while connecting";
    case v1::PHASE_TLS:
      return "in TLS";
    case v1::PHASE_SEND:
      return "while sending the request";
    case v1::PHASE_HEADERS:
      return "before an answer";
    case v1::PHASE_BODY:
      return "in the body";
    case v1::PHASE_PROTOCOL:
      return "in HTTP";
    case v1::PHASE_STATUS:
      return "by the status";
    case v1::PHASE_REDIRECT:
      return "in a redirect";
    case v1::PHASE_CONTENT:
      return "by the content";
    case v1::PHASE_PARSE:
      return "in the document";
    default:
      return "";
  }
}

void AppendAttempt(const v1::Attempt& attempt, int number, absl::Duration scale, const Style& style,
                   std::string* out) {
  absl::StrAppendFormat(out, "  %d  %s  %s %s\n", number,
                        Paint(style, Color::kBold, absl::StrFormat("%-8s", TargetName(attempt))),
                        MethodName(attempt.method()), Printable(attempt.url()));

  const Segments segments = SegmentsOf(attempt);
  const absl::Duration total = FromProto(attempt.total());
  const std::string times = SegmentTimes(segments);
  if (scale > absl::ZeroDuration()) {
    absl::StrAppend(out, kIndent, "|", Bar(segments, scale, style), "| ", TimeText(total),
                    times.empty() ? "" : absl::StrCat(": ", times), "\n");
  }
  const bool good = attempt.http_status() / 100 == 2;
  absl::StrAppend(out, kIndent,
                  Paint(style, good ? Color::kGreen : Color::kRed, AttemptEnd(attempt)));
  if (!attempt.remote_address().empty()) {
    absl::StrAppend(out, " from ", Printable(attempt.remote_address()));
  }
  absl::StrAppend(out, "\n");
  if (attempt.error_code() != 0) {
    absl::StrAppend(out, kIndent, Paint(style, Color::kRed, CodeText(attempt.error_code())));
    if (*PhaseText(attempt.phase()) != '\0') {
      absl::StrAppend(out, ", ", PhaseText(attempt.phase()));
    }
    absl::StrAppend(out, "\n");
  }
  if (!attempt.detail().empty()) {
    absl::StrAppend(out, kIndent, Printable(attempt.detail()), "\n");
  }
}

// The address of Twilio's page on every code there is in the answer.
void AppendPages(const v1::ResolveTwiMLResponse& response, const Style& style, std::string* out) {
  std::set<int> codes = {response.error_code()};
  for (const v1::Attempt& attempt : response.attempts()) codes.insert(attempt.error_code());
  for (const v1::Warning& warning : response.warnings()) codes.insert(warning.code());
  codes.erase(0);
  if (codes.empty()) return;
  absl::StrAppend(out, "\n");
  for (const int code : codes) {
    absl::StrAppend(out, Paint(style, Color::kDim, twilio::ErrorCodePage(code)), "\n");
  }
}

bool IsLayout(absl::string_view text, size_t i) {
  return text[i] == '\n' || text[i] == '\t' || text.substr(i, 2) == "\r\n";
}

std::string WithoutControls(absl::string_view text, bool keeps_layout) {
  std::string safe;
  while (true) {
    const size_t valid = twilio::ValidUtf8Prefix(text);
    for (size_t i = 0; i < valid; ++i) {
      // U+0080 to U+009F are control characters too, and some terminals obey them.
      const bool c1 = text[i] == '\xC2' && text[i + 1] <= '\x9F';
      const bool c0 = absl::ascii_iscntrl(static_cast<unsigned char>(text[i]));
      if (c1) ++i;
      if (c1 || (c0 && !(keeps_layout && IsLayout(text, i)))) {
        absl::StrAppendFormat(&safe, "\\x%02x", static_cast<unsigned char>(text[i]));
      } else {
        safe.push_back(text[i]);
      }
    }
    if (valid == text.size()) return safe;
    absl::StrAppend(&safe, kReplacement);
    text.remove_prefix(valid + 1);
  }
}

std::string Json(const google::protobuf::Message& message, bool has_lines) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = has_lines;
  options.always_print_primitive_fields = true;
  std::string json;
  // Cannot fail: there is no value that JSON does not have.
  google::protobuf::util::MessageToJsonString(message, &json, options);
  return json;
}

// The line `number` of `document` without its end; CR, LF and CRLF each end a line.
bool FindLine(absl::string_view document, int number, absl::string_view& line) {
  for (int at = 1;; ++at) {
    const size_t end = document.find_first_of("\r\n");
    line = document.substr(0, end);
    if (at == number) return true;
    if (end == absl::string_view::npos) return false;
    const bool crlf = document.substr(end, 2) == "\r\n";
    document.remove_prefix(end + (crlf ? 2 : 1));
  }
}

// The characters of `line`, each in one column: tabs are blanks, control characters U+FFFD.
std::vector<std::string> Columns(absl::string_view line) {
  std::vector<std::string> columns;
  for (size_t i = 0; i < line.size();) {
    size_t length = 1;
    while (i + length < line.size() && (line[i + length] & '\xC0') == '\x80') ++length;
    const absl::string_view character = line.substr(i, length);
    if (character == "\t") {
      columns.emplace_back(" ");
    } else if (Printable(character) == character) {
      columns.emplace_back(character);
    } else {
      columns.emplace_back(kReplacement);
    }
    i += length;
  }
  return columns;
}

}  // namespace

std::string Paint(const Style& style, Color color, absl::string_view text) {
  if (!style.color || text.empty()) return std::string(text);
  constexpr std::array<const char*, 6> kCodes = {"1", "2", "31", "32", "33", "36"};
  return absl::StrCat("\x1b[", kCodes[static_cast<size_t>(color)], "m", text, "\x1b[0m");
}

std::string Printable(absl::string_view text) {
  return WithoutControls(text, false);
}
std::string PrintableLines(absl::string_view text) {
  return WithoutControls(text, true);
}

std::string TimeText(absl::Duration duration) {
  const double ms = absl::ToDoubleMilliseconds(duration);
  if (ms < 0.05) return "<0.1 ms";
  if (ms < 9.95) return absl::StrFormat("%.1f ms", ms);
  if (ms < 999.5) return absl::StrFormat("%.0f ms", ms);
  return absl::StrFormat("%.1f s", ms / 1000);
}

std::string CodeText(int code) {
  const twilio::ErrorCode* known = twilio::FindErrorCode(code);
  return absl::StrCat(code, " ", known == nullptr ? "(unknown)" : known->name);
}

std::string WhoAnswered(const v1::ResolveTwiMLResponse& response) {
  switch (response.source()) {
    case v1::SOURCE_PRIMARY:
      return "primary answered";
    case v1::SOURCE_FALLBACK:
      return "fallback answered";
    default:
      return "default document answered";
  }
}

std::string AttemptEnd(const v1::Attempt& attempt) {
  return attempt.http_status() == 0 ? "no answer" : absl::StrCat("HTTP ", attempt.http_status());
}

const char* TargetName(const v1::Attempt& attempt) {
  return attempt.target() == v1::TARGET_FALLBACK ? "fallback" : "primary";
}

absl::Duration TotalTime(const v1::Attempt& attempt) {
  return FromProto(attempt.total());
}

absl::Duration TotalTime(const v1::ResolveTwiMLResponse& response) {
  absl::Duration total;
  for (const v1::Attempt& attempt : response.attempts()) total += TotalTime(attempt);
  return total;
}

std::string RenderAttempts(const v1::ResolveTwiMLResponse& response, const Style& style) {
  absl::Duration longest;
  for (const v1::Attempt& attempt : response.attempts()) {
    longest = std::max(longest, FromProto(attempt.total()));
  }
  std::string out;
  int number = 0;
  for (const v1::Attempt& attempt : response.attempts()) {
    AppendAttempt(attempt, ++number, longest, style, &out);
  }
  return out;
}

std::string RenderAnswer(const v1::ResolveTwiMLResponse& response, const Style& style) {
  const Color verdict = response.source() == v1::SOURCE_PRIMARY    ? Color::kGreen
                        : response.source() == v1::SOURCE_FALLBACK ? Color::kYellow
                                                                   : Color::kRed;
  std::string out = absl::StrCat(Paint(style, verdict, WhoAnswered(response)), " in ",
                                 TimeText(TotalTime(response)));
  if (!response.document_url().empty()) {
    absl::StrAppend(&out, ", ", Printable(response.document_url()));
  }
  absl::StrAppend(&out, "\n");
  if (response.error_code() != 0) {
    absl::StrAppend(&out, "because of ", CodeText(response.error_code()), " at ",
                    Printable(response.error_url()), "\n");
  }
  if (!response.attempts().empty()) {
    absl::StrAppend(&out, "\n", RenderAttempts(response, style));
  }
  if (!response.warnings().empty()) absl::StrAppend(&out, "\n");
  for (const v1::Warning& warning : response.warnings()) {
    absl::StrAppend(&out, Paint(style, Color::kYellow, "warning"), "  line ", warning.line(),
                    ", column ", warning.column(), ": ", CodeText(warning.code()), ": ",
                    Printable(warning.message()), "\n");
  }
  AppendPages(response, style, &out);
  absl::StrAppend(&out, "\n", PrintableLines(response.twiml()), "\n");
  return out;
}

std::string RenderJson(const google::protobuf::Message& message) {
  return Json(message, /*has_lines=*/true);
}
std::string RenderJsonLine(const google::protobuf::Message& message) {
  return absl::StrCat(Json(message, /*has_lines=*/false), "\n");
}

std::string RenderPlace(absl::string_view document, int line, int column, const Style& style) {
  absl::string_view text;
  if (line < 1 || column < 1 || !FindLine(document, line, text)) return {};
  const std::vector<std::string> columns = Columns(text);
  const int size = static_cast<int>(columns.size());
  const int from = std::max(0, std::min(column - 1 - kPlaceWidth / 2, size - kPlaceWidth));
  const int to = std::min(size, from + kPlaceWidth);
  std::string shown = from > 0 ? "..." : "";
  const int caret = std::min(column - 1, size) - from + static_cast<int>(shown.size());
  for (int i = from; i < to; ++i) shown += columns[static_cast<size_t>(i)];
  if (to < size) shown += "...";
  return absl::StrFormat("%6d | %s\n%6s | %s%s\n", line, shown, "",
                         std::string(static_cast<size_t>(caret), ' '),
                         Paint(style, Color::kRed, "^"));
}

}  // namespace understudy::cli
