#include "services/notifier/store/event_blocks.h"

#include <algorithm>

namespace understudy::notifier {

static_assert(kBlockBits == 14);
const absl::string_view kRowsOfBlock = "e.row BETWEEN b.block << 14 AND (b.block << 14) + 16383";

void BlockChanges::Added(int64_t row, const Event& event) {
  Change& change = changes_[BlockOf(row)];
  change.first_occurred_at = std::min(change.first_occurred_at, event.occurred_at);
  change.last_occurred_at = std::max(change.last_occurred_at, event.occurred_at);
  change.first_received_at = std::min(change.first_received_at, event.received_at);
  change.last_received_at = std::max(change.last_received_at, event.received_at);
  change.counts.Add(event.outcome);
}

void BlockChanges::Removed(int64_t block, Outcome outcome) {
  changes_[block].counts.Add(outcome, -1);
}

void BlockChanges::Write(Connection& connection) const {
  for (const auto& [block, change] : changes_) {
    const auto& counts = change.counts.by_outcome;
    connection.Run(
        "INSERT INTO event_blocks (block, first_occurred_at, last_occurred_at, first_received_at, "
        "last_received_at, unknown_count, fallback_answered_count, default_answered_count, "
        "warning_count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (block) DO UPDATE SET "
        "first_occurred_at = min(first_occurred_at, excluded.first_occurred_at), "
        "last_occurred_at = max(last_occurred_at, excluded.last_occurred_at), "
        "first_received_at = min(first_received_at, excluded.first_received_at), "
        "last_received_at = max(last_received_at, excluded.last_received_at), "
        "unknown_count = unknown_count + excluded.unknown_count, "
        "fallback_answered_count = fallback_answered_count + excluded.fallback_answered_count, "
        "default_answered_count = default_answered_count + excluded.default_answered_count, "
        "warning_count = warning_count + excluded.warning_count",
        block, change.first_occurred_at, change.last_occurred_at, change.first_received_at,
        change.last_received_at, counts[0], counts[1], counts[2], counts[3]);
  }
}

}  // namespace understudy::notifier
