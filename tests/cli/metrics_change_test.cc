#include "services/cli/metrics_change.h"

#include <gtest/gtest.h>

namespace understudy::cli {
namespace {

TEST(MetricsChangeTest, ReadsCountersAndNothingElse) {
  const Metrics counters = ReadCounters(
      "# HELP a_total Things.\n"
      "# TYPE a_total counter\n"
      "a_total{kind=\"voice call\",source=\"primary\"} 3\n"
      "b_total 1e3\n"
      "c_seconds_bucket{le=\"0.1\"} 4\n"
      "in_flight 5\n"
      "d_total nonsense\n"
      "e_total\n"
      "\n");
  EXPECT_EQ(counters,
            (Metrics{{"a_total{kind=\"voice call\",source=\"primary\"}", 3}, {"b_total", 1000}}));
}

TEST(MetricsChangeTest, TellsWhatMoved) {
  EXPECT_EQ(
      ChangeOf({{"same", 1}, {"more", 1}, {"gone", 2}}, {{"same", 1}, {"more", 4}, {"new", 2}}),
      (Metrics{{"more", 3}, {"new", 2}}));
}

}  // namespace
}  // namespace understudy::cli
