#include "services/notifier/page/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "services/notifier/page/page_query.h"

namespace understudy::notifier {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// 2026-11-24 06:15:30.
const absl::Time kNow = absl::FromUnixSeconds(1'795'500'930);

MinuteCounts At(absl::Duration ago, int code, int64_t events) {
  MinuteCounts counts = {.minute = kNow - absl::Seconds(30) - ago, .error_code = code};
  counts.counts.Add(Outcome::kFallbackAnswered, events);
  return counts;
}

TEST(ChartTest, ColumnsEndWithThePresentMinute) {
  for (const int hours : kOfferedHours) {
    const EventColumns columns = ColumnsOf({At(absl::ZeroDuration(), 11200, 3)}, hours, kNow);
    EXPECT_EQ(columns.begin, BeginOfColumns(hours, kNow));
    EXPECT_EQ(columns.width * static_cast<int64_t>(columns.columns), absl::Hours(hours));
    const absl::Time end = columns.begin + absl::Hours(hours);
    EXPECT_GT(end, kNow);
    EXPECT_LE(end - columns.width, kNow);
    EXPECT_LE(columns.columns, 180u);
    ASSERT_EQ(columns.codes.size(), 1u);
    EXPECT_EQ(columns.codes[0].by_column.back(), 3);
  }
}

TEST(ChartTest, WhatIsOutsideOfThemIsLeftOut) {
  const EventColumns columns =
      ColumnsOf({At(absl::Minutes(60), 11200, 1), At(absl::Minutes(59), 11200, 1),
                 At(-absl::Minutes(1), 11200, 1)},
                1, kNow);
  EXPECT_EQ(columns.counts.total(), 1);
  EXPECT_EQ(columns.codes[0].by_column.front(), 1);
}

TEST(ChartTest, RareCodesAreCountedTogether) {
  std::vector<MinuteCounts> minutes = {At(absl::Minutes(2), kOtherCodes, 1000)};
  for (int i = 0; i < 8; ++i) minutes.push_back(At(absl::Minutes(1), 12100 + i, 100 - i));
  const EventColumns columns = ColumnsOf(minutes, 1, kNow);
  ASSERT_EQ(columns.codes.size(), kMaxCodesShown + 1);
  EXPECT_EQ(columns.codes.front().code, 12100);
  EXPECT_EQ(columns.codes.back().code, kOtherCodes);
  EXPECT_EQ(columns.codes.back().total, 1000 + 95 + 94 + 93);
  EXPECT_EQ(columns.most, 1000);
  int64_t total = 0;
  for (const EventColumns::Code& code : columns.codes) {
    EXPECT_EQ(std::accumulate(code.by_column.begin(), code.by_column.end(), int64_t{0}),
              code.total);
    total += code.total;
  }
  EXPECT_EQ(total, columns.counts.total());
}

TEST(ChartTest, NoEventsAreNoCodes) {
  const EventColumns columns = ColumnsOf({}, 3, kNow);
  EXPECT_TRUE(columns.codes.empty());
  EXPECT_EQ(columns.most, 0);
}

TEST(ChartTest, ASparklineIsOfOneGroupsLastDay) {
  const absl::Time begin = BeginOfSparkline(kNow);
  EXPECT_EQ(begin, absl::FromUnixSeconds(1'795'500'000 - 23 * 3600));
  const std::vector<int64_t> hours = SparklineOf({{1, begin, 5},
                                                  {1, begin + absl::Hours(23), 7},
                                                  {2, begin, 100},
                                                  {1, begin - absl::Hours(1), 100},
                                                  {1, begin + absl::Hours(24), 100}},
                                                 1, kNow);
  ASSERT_EQ(hours.size(), 24u);
  EXPECT_EQ(hours.front(), 5);
  EXPECT_EQ(hours.back(), 7);
  EXPECT_EQ(std::accumulate(hours.begin(), hours.end(), int64_t{0}), 12);
  HtmlWriter html;
  PutSparkline(hours, html);
  EXPECT_THAT(html.Take(), HasSubstr("aria-label=\"12 events in 24 hours, at most 7 in one\""));
}

TEST(ChartTest, AttemptsWithoutTimesAreNotDrawn) {
  HtmlWriter html;
  PutAttempts({{.url = "https://www.example.com/"}}, html);
  EXPECT_EQ(html.Take(), "");
  PutAttempts({{.dns = absl::Milliseconds(1),
                .first_byte = absl::Milliseconds(2),
                .total = absl::Milliseconds(10)},
               {.total = absl::Milliseconds(10)}},
              html);
  const std::string svg = html.Take();
  EXPECT_THAT(svg, HasSubstr("class=\"dns\" x=\"0\" y=\"0\" width=\"50\""));
  EXPECT_THAT(svg, HasSubstr("class=\"wait\" x=\"50\" y=\"0\" width=\"100\""));
  EXPECT_THAT(svg, HasSubstr("class=\"rest\" x=\"150\" y=\"0\" width=\"350\""));
  EXPECT_THAT(svg, HasSubstr("class=\"rest\" x=\"500\" y=\"24\" width=\"500\""));
  EXPECT_THAT(svg, Not(HasSubstr("class=\"tls\"")));
}

}  // namespace
}  // namespace understudy::notifier
