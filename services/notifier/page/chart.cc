#include "services/notifier/page/chart.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/notifier/words/shown_text.h"

namespace understudy::notifier {
namespace {

using absl::StrCat;

constexpr int kColumnsHeight = 120;
constexpr int kColumnStep = 5;
constexpr int kColumnShown = 4;  // of a step: the rest is the gap
constexpr int kSparklineHeight = 24;
constexpr int kSparklineStep = 5;
constexpr int kSparklineShown = 4;
constexpr double kBarWidth = 1000;
constexpr int kAttemptHeight = 18;
constexpr int kAttemptStep = 24;

// What is there is seen, however little it is beside the largest.
constexpr double kLeastHeight = 1.5;
constexpr double kLeastWidth = 2;

std::string Coordinate(double value) {
  std::string text = absl::StrFormat("%.2f", value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

void PutRect(Markup attributes, double x, double y, double width, double height, HtmlWriter& html) {
  html.Put("<rect ").Put(attributes);
  html.Put(" x=\"").Text(Coordinate(x)).Put("\" y=\"").Text(Coordinate(y));
  html.Put("\" width=\"").Text(Coordinate(width)).Put("\" height=\"").Text(Coordinate(height));
  html.Put("\"/>");
}

Markup ColourOf(size_t place, int code) {
  if (code == kOtherCodes) return "class=\"other\"";
  switch (place) {
    case 0:
      return "class=\"c0\"";
    case 1:
      return "class=\"c1\"";
    case 2:
      return "class=\"c2\"";
    case 3:
      return "class=\"c3\"";
    case 4:
      return "class=\"c4\"";
    default:
      return "class=\"other\"";
  }
}

int MinutesOfColumn(int hours) {
  return hours <= 3 ? 1 : hours <= 12 ? 5 : 10;
}

}  // namespace

absl::Time BeginOfColumns(int hours, absl::Time now) {
  const absl::Duration width = absl::Minutes(MinutesOfColumn(hours));
  const absl::Duration age = absl::Floor(now - absl::UnixEpoch(), width);
  return absl::UnixEpoch() + age + width - absl::Hours(hours);
}

EventColumns ColumnsOf(const std::vector<MinuteCounts>& minutes, int hours, absl::Time now) {
  EventColumns columns = {.begin = BeginOfColumns(hours, now),
                          .width = absl::Minutes(MinutesOfColumn(hours)),
                          .columns = static_cast<size_t>(hours * 60 / MinutesOfColumn(hours))};
  std::map<int, EventColumns::Code> by_code;
  std::vector<int64_t> all(columns.columns);
  for (const MinuteCounts& minute : minutes) {
    if (minute.minute < columns.begin) continue;
    const auto column = static_cast<size_t>((minute.minute - columns.begin) / columns.width);
    if (column >= columns.columns) continue;  // of a clock that was set back
    EventColumns::Code& code = by_code[minute.error_code];
    code.code = minute.error_code;
    code.by_column.resize(columns.columns);
    code.by_column[column] += minute.counts.total();
    code.total += minute.counts.total();
    columns.counts.Add(minute.counts);
    all[column] += minute.counts.total();
  }
  columns.most = all.empty() ? 0 : *std::max_element(all.begin(), all.end());
  EventColumns::Code others = {.code = kOtherCodes,
                               .by_column = std::vector<int64_t>(columns.columns)};
  std::vector<EventColumns::Code> sorted;
  for (auto& [number, code] : by_code) sorted.push_back(std::move(code));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.total > b.total; });
  for (EventColumns::Code& code : sorted) {
    if (code.code != kOtherCodes && columns.codes.size() < kMaxCodesShown) {
      columns.codes.push_back(std::move(code));
      continue;
    }
    others.total += code.total;
    for (size_t i = 0; i < columns.columns; ++i) others.by_column[i] += code.by_column[i];
  }
  if (others.total > 0) columns.codes.push_back(std::move(others));
  return columns;
}

void PutColumns(const EventColumns& columns, HtmlWriter& html) {
  html.Put(
          "<svg class=\"columns\" aria-hidden=\"true\" focusable=\"false\" "
          "preserveAspectRatio=\"none\" viewBox=\"0 0 ")
      .Text(StrCat(columns.columns * kColumnStep))
      .Put(" ")
      .Text(StrCat(kColumnsHeight))
      .Put("\">");
  for (const double share : {0.0, 0.5}) {
    PutRect("class=\"grid\"", 0, share * kColumnsHeight,
            static_cast<double>(columns.columns * kColumnStep), 0.5, html);
  }
  for (size_t column = 0; column < columns.columns; ++column) {
    double y = kColumnsHeight;
    for (size_t place = 0; place < columns.codes.size(); ++place) {
      const EventColumns::Code& code = columns.codes[place];
      const int64_t events = code.by_column[column];
      if (events == 0) continue;
      const double height = std::max(kLeastHeight, kColumnsHeight * static_cast<double>(events) /
                                                       static_cast<double>(columns.most));
      y -= height;
      PutRect(ColourOf(place, code.code), static_cast<double>(column * kColumnStep), y,
              kColumnShown, height, html);
    }
  }
  html.Put("</svg>");
}

absl::Time BeginOfSparkline(absl::Time now) {
  return absl::UnixEpoch() + absl::Floor(now - absl::UnixEpoch(), absl::Hours(1)) -
         absl::Hours(kSparklineHours - 1);
}

std::vector<int64_t> SparklineOf(const std::vector<HourCount>& hours, int64_t group_id,
                                 absl::Time now) {
  const absl::Time begin = BeginOfSparkline(now);
  std::vector<int64_t> sparkline(kSparklineHours);
  for (const HourCount& count : hours) {
    const int64_t hour = (count.hour - begin) / absl::Hours(1);
    if (count.group_id != group_id || count.hour < begin || hour >= kSparklineHours) continue;
    sparkline[static_cast<size_t>(hour)] += count.events;
  }
  return sparkline;
}

void PutSparkline(const std::vector<int64_t>& hours, HtmlWriter& html) {
  const int64_t most = hours.empty() ? 0 : *std::max_element(hours.begin(), hours.end());
  const int64_t total = std::accumulate(hours.begin(), hours.end(), int64_t{0});
  html.Put("<svg class=\"sparkline\" role=\"img\" preserveAspectRatio=\"none\" viewBox=\"0 0 ")
      .Text(StrCat(hours.size() * kSparklineStep))
      .Put(" ")
      .Text(StrCat(kSparklineHeight))
      .Put("\" aria-label=\"")
      .Text(StrCat(NumberText(total), total == 1 ? " event" : " events", " in ", hours.size(),
                   " hours, at most ", NumberText(most), " in one"))
      .Put("\">");
  for (size_t hour = 0; hour < hours.size(); ++hour) {
    const double height = hours[hour] == 0
                              ? 1
                              : std::max(2.5, kSparklineHeight * static_cast<double>(hours[hour]) /
                                                  static_cast<double>(most));
    PutRect(hours[hour] == 0 ? Markup("class=\"none\"") : Markup("class=\"some\""),
            static_cast<double>(hour * kSparklineStep), kSparklineHeight - height, kSparklineShown,
            height, html);
  }
  html.Put("</svg>");
}

void PutShares(const Counts& counts, HtmlWriter& html) {
  constexpr std::array<std::pair<Outcome, Markup>, 4> kOrder = {
      {{Outcome::kFallbackAnswered, Markup("class=\"fallback\"")},
       {Outcome::kDefaultAnswered, Markup("class=\"default\"")},
       {Outcome::kWarning, Markup("class=\"primary\"")},
       {Outcome::kUnknown, Markup("class=\"unknown\"")}}};
  html.Put(
      "<svg class=\"shares\" aria-hidden=\"true\" focusable=\"false\" "
      "preserveAspectRatio=\"none\" viewBox=\"0 0 1000 10\">");
  double x = 0;
  for (const auto& [outcome, colour] : kOrder) {
    if (counts.of(outcome) == 0) continue;
    const double width =
        kBarWidth * static_cast<double>(counts.of(outcome)) / static_cast<double>(counts.total());
    PutRect(colour, x, 0, std::max(kLeastWidth, width), 10, html);
    x += width;
  }
  html.Put("</svg>");
}

void PutAttempts(const std::vector<Attempt>& attempts, HtmlWriter& html) {
  absl::Duration all;
  for (const Attempt& attempt : attempts) all += attempt.total;
  if (all == absl::ZeroDuration()) return;
  html.Put(
          "<svg class=\"attempts\" aria-hidden=\"true\" focusable=\"false\" "
          "preserveAspectRatio=\"none\" viewBox=\"0 0 1000 ")
      .Text(StrCat(attempts.size() * kAttemptStep))
      .Put("\">");
  const auto width = [&](absl::Duration time) { return kBarWidth * absl::FDivDuration(time, all); };
  double begin = 0;
  double y = 0;
  for (const Attempt& attempt : attempts) {
    const absl::Duration rest =
        std::max(absl::ZeroDuration(),
                 attempt.total - attempt.dns - attempt.connect - attempt.tls - attempt.first_byte);
    const std::pair<absl::Duration, Markup> phases[] = {
        {attempt.dns, Markup("class=\"dns\"")},
        {attempt.connect, Markup("class=\"connect\"")},
        {attempt.tls, Markup("class=\"tls\"")},
        {attempt.first_byte, Markup("class=\"wait\"")},
        {rest, Markup("class=\"rest\"")}};
    PutRect("class=\"track\"", 0, y, kBarWidth, kAttemptHeight, html);
    double x = begin;
    for (const auto& [time, colour] : phases) {
      if (time == absl::ZeroDuration()) continue;
      PutRect(colour, std::min(x, kBarWidth - kLeastWidth), y, std::max(kLeastWidth, width(time)),
              kAttemptHeight, html);
      x += width(time);
    }
    begin += width(attempt.total);
    y += kAttemptStep;
  }
  html.Put("</svg>");
}

}  // namespace understudy::notifier
