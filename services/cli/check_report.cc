#include "services/cli/check_report.h"

#include <understudy/cli/v1/check_report.pb.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"

namespace understudy::cli {
namespace {

using twilio::Finding;
using twilio::Level;

std::string Counted(int count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

}  // namespace

int CountOf(const std::vector<CheckedDocument>& documents, Level level) {
  int count = 0;
  for (const CheckedDocument& document : documents) {
    count += static_cast<int>(
        std::count_if(document.findings.begin(), document.findings.end(),
                      [level](const Finding& finding) { return finding.level == level; }));
  }
  return count;
}

std::string RenderDocument(const CheckedDocument& document, const Style& style) {
  std::string out = document.requests;
  if (!out.empty() && !document.findings.empty()) absl::StrAppend(&out, "\n");
  for (const Finding& finding : document.findings) {
    const bool has_place = finding.line != 0;
    std::string place = absl::StrCat(Printable(document.name), ":");
    if (has_place) absl::StrAppend(&place, finding.line, ":", finding.column, ":");
    const bool is_error = finding.level == Level::kError;
    absl::StrAppend(
        &out, Paint(style, Color::kBold, place), " ",
        Paint(style, is_error ? Color::kRed : Color::kYellow, is_error ? "error:" : "warning:"),
        " ", Printable(finding.message));
    if (finding.code != 0) absl::StrAppend(&out, " [", finding.code, "]");
    absl::StrAppend(&out, "\n");
    if (has_place) {
      absl::StrAppend(&out, RenderPlace(document.text, finding.line, finding.column, style));
    }
  }
  return out;
}

std::string RenderCount(const std::vector<CheckedDocument>& documents, const Style& style) {
  std::set<int> codes;
  for (const CheckedDocument& document : documents) {
    for (const Finding& finding : document.findings) codes.insert(finding.code);
  }
  codes.erase(0);
  std::string out = codes.empty() ? "" : "\n";
  for (const int code : codes) {
    absl::StrAppend(&out, CodeText(code), ": ",
                    Paint(style, Color::kDim, twilio::ErrorCodePage(code)), "\n");
  }
  if (!codes.empty()) absl::StrAppend(&out, "\n");

  if (documents.size() > 1) absl::StrAppend(&out, documents.size(), " documents: ");
  const int errors = CountOf(documents, Level::kError);
  const int warnings = CountOf(documents, Level::kWarning);
  if (errors == 0 && warnings == 0) absl::StrAppend(&out, Paint(style, Color::kGreen, "good"));
  if (errors > 0) absl::StrAppend(&out, Paint(style, Color::kRed, Counted(errors, "error")));
  if (errors > 0 && warnings > 0) absl::StrAppend(&out, ", ");
  if (warnings > 0) {
    absl::StrAppend(&out, Paint(style, Color::kYellow, Counted(warnings, "warning")));
  }
  absl::StrAppend(&out, "\n");
  return out;
}

std::string RenderJson(const std::vector<CheckedDocument>& documents) {
  v1::CheckReport report;
  for (const CheckedDocument& document : documents) {
    v1::CheckedDocument& out = *report.add_documents();
    out.set_name(Printable(document.name));
    for (const Finding& finding : document.findings) {
      v1::Finding& found = *out.add_findings();
      found.set_level(finding.level == Level::kError ? v1::LEVEL_ERROR : v1::LEVEL_WARNING);
      found.set_code(finding.code);
      found.set_message(Printable(finding.message));
      found.set_line(finding.line);
      found.set_column(finding.column);
      found.set_page(twilio::ErrorCodePage(finding.code));
    }
    if (document.response.has_value()) *out.mutable_response() = *document.response;
  }
  report.set_errors(CountOf(documents, Level::kError));
  report.set_warnings(CountOf(documents, Level::kWarning));
  return RenderJson(report);
}

}  // namespace understudy::cli
