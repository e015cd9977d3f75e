// The demo's paper: prints what came, and compares it with what should have.
#ifndef SERVICES_CLI_DEMO_SHOW_H_
#define SERVICES_CLI_DEMO_SHOW_H_

#include <cstdio>

#include "absl/strings/string_view.h"
#include "services/cli/metrics_change.h"
#include "services/cli/render.h"

namespace understudy::cli {

class Show {
 public:
  Show(const Style& style, std::FILE* out) : style_(style), out_(out) {}

  bool all_good() const { return mistakes_ == 0; }
  const Style& style() const { return style_; }

  void Line(absl::string_view text);
  void Title(absl::string_view text);
  // Indented: a name, if it is not empty, and what stands under it.
  void Fact(absl::string_view name, absl::string_view text);

  void Expect(absl::string_view what, absl::string_view expected, absl::string_view came);
  void Expect(absl::string_view what, int expected, int came);
  // Prints the counters that moved. Others than `expected`, and by other amounts, are mistakes.
  void ExpectChange(const Metrics& expected, const Metrics& change);
  void Fail(absl::string_view what);

 private:
  const Style style_;
  std::FILE* const out_;
  int mistakes_ = 0;
};

}  // namespace understudy::cli

#endif  // SERVICES_CLI_DEMO_SHOW_H_
