// Any bytes as a bin: the first chooses the kind, the first line is a form, the rest is the
// template.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/twilio/bin_template.h"
#include "common/twilio/charset.h"
#include "common/twilio/form.h"
#include "common/twilio/twiml.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using absl::string_view;
using understudy::testing::Require;
using understudy::twilio::BinTemplate;
using understudy::twilio::CheckBin;
using understudy::twilio::CheckTwiml;
using understudy::twilio::DecodeForm;
using understudy::twilio::Finding;
using understudy::twilio::Form;
using understudy::twilio::Kind;
using understudy::twilio::TwimlReport;

void RequireSound(const Finding& finding, string_view text) {
  const auto lines =
      1 + std::count_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; });
  Require(finding.line >= 1 && finding.line <= lines, "lines are within the template");
  Require(finding.column >= 1 && static_cast<size_t>(finding.column) <= text.size() + 1,
          "columns are within the template");
  Require(understudy::twilio::ValidUtf8Prefix(finding.message) == finding.message.size(),
          "messages are UTF-8");
  Require(!finding.message.empty() && finding.message.size() < 2048, "messages are bounded");
}

// The names between the braces of `text`, or what there is in their place.
std::vector<string_view> NamesIn(string_view text) {
  std::vector<string_view> names;
  for (size_t at = text.find("{{"); at != string_view::npos; at = text.find("{{", at + 1)) {
    const size_t begin = text.find_first_not_of("{#^/ ", at);
    if (begin == string_view::npos) break;
    names.push_back(text.substr(begin, text.find_first_of("} ", begin) - begin));
  }
  return names;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Kind kind = (data[0] & 1) == 0 ? Kind::kVoice : Kind::kMessaging;
  const string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  const string_view line = rest.substr(0, rest.find('\n'));
  const string_view text = rest.substr(std::min(line.size() + 1, rest.size()));

  const absl::StatusOr<BinTemplate> bin = BinTemplate::Parse(text);
  const TwimlReport report = CheckBin(text, kind);
  if (report.fatal.has_value()) {
    Require(report.warnings.empty(), "a fatal finding stands alone");
    RequireSound(*report.fatal, text);
  }
  Require(report.warnings.size() <= understudy::twilio::kTwimlWarningsMax, "warnings are bounded");
  for (const Finding& warning : report.warnings) RequireSound(warning, text);
  if (!bin.ok()) {
    Require(report.fatal.has_value(), "what cannot be parsed is a broken bin");
    Require(absl::StartsWith(bin.status().message(), "line "), "its mistake has a place");
    return 0;
  }

  // As it came, and with every name of the template there: alone, as a list, and every other one.
  constexpr string_view kValues[] = {"]]", "--><x a='\" &", "+15125551212\x01\xFF"};
  std::vector<Form> forms = {DecodeForm(line), {}, {}, {}, {}};
  size_t turn = 0;
  for (const string_view name : NamesIn(text)) {
    const std::string value(kValues[turn++ % 3]);
    forms[1].push_back({std::string(name), value});
    forms[2].push_back({absl::StrCat(name, "[]"), value});
    forms[2].push_back({absl::StrCat(name, "[]"), "b"});
    forms[3 + turn % 2].push_back({std::string(name), value});
  }
  for (const Form& form : forms) {
    const absl::StatusOr<std::string> document = bin->Render(form);
    if (!document.ok()) {
      Require(document.status().code() == absl::StatusCode::kResourceExhausted,
              "only a limit stops a rendering");
      continue;
    }
    Require(document->size() <= understudy::twilio::kTwimlBytesMax, "documents are bounded");
    if (report.fatal.has_value()) continue;
    Require(!CheckTwiml(*document, kind).fatal.has_value(),
            "what a good bin renders to can be executed");
  }
  return 0;
}
