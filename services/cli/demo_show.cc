#include "services/cli/demo_show.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/cli/command.h"

namespace understudy::cli {

void Show::Line(absl::string_view text) {
  Print(out_, absl::StrCat(text, "\n"));
}

void Show::Title(absl::string_view text) {
  Line(absl::StrCat("\n", Paint(style_, Color::kBold, text)));
}

void Show::Fact(absl::string_view name, absl::string_view text) {
  Line(absl::StrFormat("   %-9s %s", name, text));
}

void Show::Expect(absl::string_view what, absl::string_view expected, absl::string_view came) {
  if (expected == came) return;
  Fail(absl::StrCat(what, ": expected ", expected, ", came ", came));
}

void Show::Expect(absl::string_view what, int expected, int came) {
  Expect(what, absl::StrCat(expected), absl::StrCat(came));
}

void Show::ExpectChange(const Metrics& expected, const Metrics& change) {
  for (const auto& [series, moved] : change) {
    Line(absl::StrFormat("   %+3g  %s", moved, series));
  }
  for (const auto& [series, should] : expected) {
    const auto moved = change.find(series);
    const double by = moved == change.end() ? 0 : moved->second;
    Expect(series, absl::StrFormat("%+g", should), absl::StrFormat("%+g", by));
  }
  for (const auto& [series, moved] : change) {
    if (expected.count(series) == 0) {
      Fail(absl::StrFormat("%s: expected not to move, came %+g", series, moved));
    }
  }
}

void Show::Fail(absl::string_view what) {
  ++mistakes_;
  Line(absl::StrCat("   ", Paint(style_, Color::kRed, "NOT AS EXPECTED"), "  ", what));
}

}  // namespace understudy::cli
