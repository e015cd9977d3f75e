#include "services/cli/time_options.h"

#include <gtest/gtest.h>

namespace understudy::cli {
namespace {

TEST(ParseAgeTest, TakesOneNumberOfOneUnit) {
  const struct {
    const char* text;
    absl::Duration age;  // zero: refused
  } kCases[] = {{"1s", absl::Seconds(1)},
                {"90s", absl::Seconds(90)},
                {"15m", absl::Minutes(15)},
                {"2h", absl::Hours(2)},
                {"007d", absl::Hours(168)},
                {"999999999s", absl::Seconds(999999999)},
                {"9999999999s", {}},
                {"0s", {}},
                {"", {}},
                {"5", {}},
                {"h", {}},
                {"-1h", {}},
                {"+1h", {}},
                {" 1h", {}},
                {"1.5h", {}},
                {"1h30m", {}},
                {"1ms", {}},
                {"1w", {}}};
  for (const auto& c : kCases) {
    EXPECT_EQ(ParseAge(c.text).value_or(absl::ZeroDuration()), c.age) << c.text;
  }
}

TEST(ParseTimeTest, TakesDatesAndTimesInUtcOrWithAZone) {
  const absl::Time day = absl::FromUnixSeconds(1795478400);  // 2026-11-24
  const absl::Time half_past = day + absl::Hours(13) + absl::Minutes(30);
  const struct {
    const char* text;
    absl::Time time;
  } kCases[] = {{"2026-11-24", day},
                {"2026-11-24 13:30", half_past},
                {"2026-11-24T13:30", half_past},
                {"2026-11-24T13:30Z", half_past},
                {"2026-11-24 13:30:05", half_past + absl::Seconds(5)},
                {"2026-11-24T13:30:05.25Z", half_past + absl::Milliseconds(5250)},
                {"2026-11-24T14:30:00+01:00", half_past}};
  for (const auto& c : kCases) {
    EXPECT_EQ(ParseTime(c.text), c.time) << c.text;
  }
  for (const char* text : {"", " 2026-11-24", "2026-11-24 ", "2026-13-01", "2026-11-31", "13:30",
                           "infinite-past", "infinite-future", "2026-11-24 25:00", "1764000000",
                           "2026-11-24T13:30:00 +01:00", "yesterday"}) {
    EXPECT_EQ(ParseTime(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace understudy::cli
