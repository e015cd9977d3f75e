// Any bytes as an answer: the first chooses the kind and the charset in its header, the rest is the
// body.
#include <algorithm>
#include <initializer_list>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "common/twilio/charset.h"
#include "common/twilio/documents.h"
#include "common/twilio/error_codes.h"
#include "common/twilio/twiml.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using absl::string_view;
using understudy::testing::Require;
using understudy::twilio::CheckTwiml;
using understudy::twilio::Finding;
using understudy::twilio::Kind;
using understudy::twilio::Level;
using understudy::twilio::TwimlReport;

// Characters in each line of `text`, as a reader counts them.
std::vector<int> LineLengths(string_view text) {
  std::vector<int> lengths = {0};
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' || text[i] == '\r') {
      if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
      lengths.push_back(0);
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      ++lengths.back();
    }
  }
  return lengths;
}

void RequirePlace(const Finding& finding, const std::vector<int>& line_lengths) {
  Require(finding.line >= 1 && static_cast<size_t>(finding.line) <= line_lengths.size(),
          "lines are within the document");
  Require(finding.column >= 1 &&
              finding.column <= line_lengths[static_cast<size_t>(finding.line - 1)] + 1,
          "columns are within their line");
}

// Whether the document runs, and all that is said about it has one of the codes.
bool HasOnly(std::initializer_list<int> codes, const std::string& document, Kind kind) {
  const TwimlReport report = CheckTwiml(document, kind);
  return !report.fatal &&
         std::all_of(report.warnings.begin(), report.warnings.end(),
                     [&codes](const Finding& warning) {
                       return std::find(codes.begin(), codes.end(), warning.code) != codes.end();
                     });
}

bool IsSame(const TwimlReport& a, const TwimlReport& b) {
  const auto same = [](const Finding& x, const Finding& y) {
    return x.code == y.code && x.level == y.level && x.message == y.message && x.line == y.line &&
           x.column == y.column;
  };
  return a.fatal.has_value() == b.fatal.has_value() && (!a.fatal || same(*a.fatal, *b.fatal)) &&
         std::equal(a.warnings.begin(), a.warnings.end(), b.warnings.begin(), b.warnings.end(),
                    same);
}

void RequireFinding(const Finding& finding) {
  const understudy::twilio::ErrorCode* const code = understudy::twilio::FindErrorCode(finding.code);
  Require(code != nullptr && code->level == finding.level, "levels are the dictionary's");
  Require(!finding.message.empty() && finding.message.size() < 2048, "messages are bounded");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr string_view kCharsets[] = {"",         "utf-8",      "utf-16",   "utf-16le",
                                       "utf-16be", "iso-8859-1", "us-ascii", "other"};
  const Kind kind = (data[0] & 1) == 0 ? Kind::kVoice : Kind::kMessaging;
  const string_view charset = kCharsets[(data[0] >> 1) & 7];
  const string_view body(reinterpret_cast<const char*>(data + 1), size - 1);

  const absl::StatusOr<std::string> text = understudy::twilio::ToUtf8(body, charset);
  if (text.ok()) {
    Require(understudy::twilio::ValidUtf8Prefix(*text) == text->size(), "ToUtf8 gives UTF-8");
    Require(text->size() <= 2 * body.size(), "ToUtf8 at most doubles");
    if (!absl::StartsWith(*text, "\xEF\xBB\xBF")) {
      const absl::StatusOr<std::string> again = understudy::twilio::ToUtf8(*text, "utf-8");
      Require(again.ok() && *again == *text, "what is UTF-8 stays as it is");
    }
  }

  // Bytes that are no UTF-8 must do no harm either.
  const std::string document = text.ok() ? *text : std::string(body);
  const TwimlReport report = CheckTwiml(document, kind);
  if (report.fatal) {
    Require(report.warnings.empty(), "a fatal finding stands alone");
    Require(report.fatal->level == Level::kError, "a fatal finding is an error");
  }
  Require(report.warnings.size() <= understudy::twilio::kTwimlWarningsMax, "warnings are bounded");
  if (text.ok()) {
    const std::vector<int> line_lengths = LineLengths(document);
    if (report.fatal) RequirePlace(*report.fatal, line_lengths);
    for (const Finding& warning : report.warnings) {
      RequirePlace(warning, line_lengths);
      Require(understudy::twilio::ValidUtf8Prefix(warning.message) == warning.message.size(),
              "messages are UTF-8");
    }
  }
  if (report.fatal) RequireFinding(*report.fatal);
  for (const Finding& warning : report.warnings) RequireFinding(warning);
  Require(std::is_sorted(report.warnings.begin(), report.warnings.end(),
                         [](const Finding& a, const Finding& b) {
                           return std::tie(a.line, a.column) < std::tie(b.line, b.column);
                         }),
          "warnings are in document order");

  // But for being too little, too much or no URL.
  Require(HasOnly({13520, 13521}, understudy::twilio::SayDocument(body), Kind::kVoice),
          "any text can be said");
  Require(HasOnly({12200, 11100}, understudy::twilio::PlayDocument(body), Kind::kVoice),
          "any text can be a file to play");
  Require(HasOnly({14103}, understudy::twilio::MessageDocument(body), Kind::kMessaging),
          "any text can be sent");
  Require(IsSame(CheckTwiml(document, kind), report), "no document leaves anything behind");
  return 0;
}
