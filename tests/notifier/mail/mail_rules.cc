#include "tests/notifier/mail/mail_rules.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace understudy::testing {
namespace {

using absl::string_view;

constexpr size_t kLineBytesMax = 998;
constexpr size_t kPartLineBytesMax = 76;
constexpr string_view kHeaders[] = {
    "From",         "To",          "Subject", "Date",           "Message-ID",
    "In-Reply-To",  "References",  "List-Id", "Auto-Submitted", "X-Auto-Response-Suppress",
    "MIME-Version", "Content-Type"};
constexpr string_view kOptional[] = {"In-Reply-To", "References", "List-Id"};
constexpr string_view kBoundaryLine = " boundary=\"";

bool IsIn(string_view name, const string_view* begin, const string_view* end) {
  return std::find(begin, end, name) != end;
}

std::string BrokenByteRule(string_view mail) {
  if (!absl::EndsWith(mail, "\r\n")) return "does not end with a line end";
  for (size_t i = 0; i < mail.size(); ++i) {
    const char c = mail[i];
    const bool is_end = c == '\r' ? absl::StartsWith(mail.substr(i), "\r\n")
                                  : c == '\n' && i > 0 && mail[i - 1] == '\r';
    if (!is_end && (c < ' ' || c > '~') && c != '\t') {
      return absl::StrCat("byte ", i, " is ", static_cast<int>(c));
    }
  }
  return "";
}

std::string BrokenHeaderRule(const std::vector<string_view>& lines) {
  const string_view* expected = std::begin(kHeaders);
  for (const string_view line : lines) {
    if (line.size() > kLineBytesMax) return absl::StrCat("a header line is too long: ", line);
    if (absl::StartsWith(line, " ")) {
      if (absl::StripAsciiWhitespace(line).empty()) return "a header line is blank";
      continue;
    }
    const string_view name = line.substr(0, line.find(':'));
    while (expected != std::end(kHeaders) && *expected != name &&
           IsIn(*expected, std::begin(kOptional), std::end(kOptional))) {
      ++expected;
    }
    if (expected == std::end(kHeaders) || *expected != name) {
      return absl::StrCat("a header out of place: ", line);
    }
    ++expected;
  }
  return expected == std::end(kHeaders) ? "" : absl::StrCat("no header ", *expected);
}

}  // namespace

std::string BrokenMailRule(string_view mail) {
  if (std::string broken = BrokenByteRule(mail); !broken.empty()) return broken;
  std::vector<string_view> lines = absl::StrSplit(absl::StripSuffix(mail, "\r\n"), "\r\n");
  const auto head_end = std::find(lines.begin(), lines.end(), "");
  if (std::string broken = BrokenHeaderRule({lines.begin(), head_end}); !broken.empty()) {
    return broken;
  }
  string_view boundary = *(head_end - 1);
  if (!absl::ConsumePrefix(&boundary, kBoundaryLine) || !absl::ConsumeSuffix(&boundary, "\"")) {
    return "no boundary at the end of the head";
  }
  std::vector<std::string> marks;
  for (auto line = head_end; line != lines.end(); ++line) {
    if (absl::StrContains(*line, boundary)) {
      marks.emplace_back(*line);
    } else if (line->size() > kPartLineBytesMax) {
      return absl::StrCat("a line of a part is too long: ", *line);
    } else if (absl::StartsWith(*line, ".")) {
      return "a line begins with a dot";
    }
  }
  const std::string mark = absl::StrCat("--", boundary);
  if (marks != std::vector<std::string>{mark, mark, mark + "--"}) {
    return absl::StrCat("the boundary stands ", marks.size(), " times, or elsewhere");
  }
  return lines.back() == mark + "--" ? "" : "something follows the last boundary";
}

}  // namespace understudy::testing
