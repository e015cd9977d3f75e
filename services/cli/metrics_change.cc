#include "services/cli/metrics_change.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace understudy::cli {

Metrics ReadCounters(absl::string_view page) {
  Metrics counters;
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    if (absl::StartsWith(line, "#")) continue;
    const size_t blank = line.rfind(' ');
    if (blank == absl::string_view::npos) continue;
    const absl::string_view series = line.substr(0, blank);
    const absl::string_view name = series.substr(0, series.find('{'));
    double value = 0;
    if (absl::EndsWith(name, "_total") && absl::SimpleAtod(line.substr(blank + 1), &value)) {
      counters[std::string(series)] = value;
    }
  }
  return counters;
}

Metrics ChangeOf(const Metrics& before, const Metrics& after) {
  Metrics change;
  for (const auto& [series, value] : after) {
    const auto old = before.find(series);
    const double moved = value - (old == before.end() ? 0 : old->second);
    if (moved != 0) change[series] = moved;
  }
  return change;
}

}  // namespace understudy::cli
