#include "services/notifier/store/summaries.h"

namespace understudy::notifier {

void SummaryChanges::Added(int64_t group_id, const Event& event) {
  minutes_[{MinuteOf(event.received_at), event.error_code}].Add(event.outcome);
  ++hours_[{HourOf(event.received_at), group_id}];
}

void SummaryChanges::Write(Connection& connection) const {
  for (const auto& [key, change] : minutes_) {
    const auto& counts = change.by_outcome;
    connection.Run(
        "INSERT INTO minute_counts (minute, error_code, unknown_count, fallback_answered_count, "
        "default_answered_count, warning_count) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (minute, error_code) DO UPDATE SET "
        "unknown_count = unknown_count + excluded.unknown_count, "
        "fallback_answered_count = fallback_answered_count + excluded.fallback_answered_count, "
        "default_answered_count = default_answered_count + excluded.default_answered_count, "
        "warning_count = warning_count + excluded.warning_count",
        key.first, CountedCode(key.second), counts[0], counts[1], counts[2], counts[3]);
  }
  for (const auto& [key, events] : hours_) {
    connection.Run(
        "INSERT INTO hour_counts (hour, group_id, events) VALUES (?, ?, ?) "
        "ON CONFLICT (hour, group_id) DO UPDATE SET events = events + excluded.events",
        key.first, key.second, events);
  }
}

void PurgeSummaries(Connection& connection, absl::Time before, int max) {
  connection.Run(
      "DELETE FROM minute_counts WHERE (minute, error_code) IN (SELECT minute, error_code "
      "FROM minute_counts WHERE minute < ? ORDER BY minute, error_code LIMIT ?)",
      MinuteOf(before), max);
  connection.Run(
      "DELETE FROM hour_counts WHERE (hour, group_id) IN (SELECT hour, group_id "
      "FROM hour_counts WHERE hour < ? ORDER BY hour, group_id LIMIT ?)",
      HourOf(before), max);
}

std::vector<MinuteCounts> CountsByMinute(Connection& connection, absl::Time since) {
  Rows rows = connection.Query(
      "SELECT minute, error_code, unknown_count, fallback_answered_count, default_answered_count, "
      "warning_count FROM minute_counts WHERE minute >= ? ORDER BY minute, error_code",
      MinuteOf(since));
  std::vector<MinuteCounts> minutes;
  while (rows.Next()) {
    MinuteCounts& counts = minutes.emplace_back();
    counts.minute = absl::UnixEpoch() + absl::Minutes(rows.Int());
    counts.error_code = static_cast<int>(rows.Int());
    for (int64_t& count : counts.counts.by_outcome) count = rows.Int();
  }
  return minutes;
}

std::vector<HourCount> CountsByHour(Connection& connection, const std::vector<int64_t>& group_ids,
                                    absl::Time since) {
  // The newest hour that is counted bounds the look-ups, of which there is one for each hour and
  // group.
  int64_t last = 0;
  {
    Rows rows = connection.Query("SELECT ifnull(max(hour), 0) FROM hour_counts");
    if (rows.Next()) last = rows.Int();
  }
  std::vector<HourCount> hours;
  for (const int64_t group_id : group_ids) {
    for (int64_t hour = HourOf(since); hour <= last && hour < HourOf(since) + kMaxHoursListed;
         ++hour) {
      Rows rows = connection.Query("SELECT events FROM hour_counts WHERE hour = ? AND group_id = ?",
                                   hour, group_id);
      if (!rows.Next()) continue;
      hours.push_back({.group_id = group_id,
                       .hour = absl::UnixEpoch() + absl::Hours(hour),
                       .events = rows.Int()});
    }
  }
  return hours;
}

}  // namespace understudy::notifier
