// Charts as inline SVG: shapes alone, whose colours are the style sheet's and whose words stand
// beside them, so that they are read without seeing them. Pure.
#ifndef SERVICES_NOTIFIER_PAGE_CHART_H_
#define SERVICES_NOTIFIER_PAGE_CHART_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/notifier/ingest/event.h"
#include "services/notifier/store/store.h"
#include "services/notifier/words/html_writer.h"

namespace understudy::notifier {

// Codes that have a colour of their own in a chart; the others share one.
inline constexpr size_t kMaxCodesShown = 5;

// Events of some hours before a moment, in columns of some minutes each.
struct EventColumns {
  absl::Time begin = {};
  absl::Duration width = {};  // of a column
  size_t columns = 0;
  struct Code {
    int code = 0;  // kOtherCodes for all that are not shown by themselves
    int64_t total = 0;
    std::vector<int64_t> by_column = {};
  };
  std::vector<Code> codes = {};  // most events first, the others at the end
  Counts counts = {};            // of all of them
  int64_t most = 0;              // in a column, of all codes
};

// `minutes` as from CountsByMinute. REQUIRES: hours is one of kOfferedHours.
EventColumns ColumnsOf(const std::vector<MinuteCounts>& minutes, int hours, absl::Time now);

// Where the first of its columns begins: what to ask CountsByMinute for.
absl::Time BeginOfColumns(int hours, absl::Time now);

void PutColumns(const EventColumns& columns, HtmlWriter& html);

// The hours of a group, the oldest first: the last `kSparklineHours`, the present one included.
inline constexpr int kSparklineHours = 24;
absl::Time BeginOfSparkline(absl::Time now);
std::vector<int64_t> SparklineOf(const std::vector<HourCount>& hours, int64_t group_id,
                                 absl::Time now);
void PutSparkline(const std::vector<int64_t>& hours, HtmlWriter& html);

// How many were answered by whom, as one bar.
void PutShares(const Counts& counts, HtmlWriter& html);

// Attempts one after the other in time, each with its phases.
void PutAttempts(const std::vector<Attempt>& attempts, HtmlWriter& html);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_PAGE_CHART_H_
