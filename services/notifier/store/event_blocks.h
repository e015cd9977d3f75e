// Events lie in blocks of consecutive rows. Each index of events begins with the block's number, so
// what is added touches the few pages of the newest block however large the table is, in place of
// one page anywhere for each event and index; it is the pages touched that go through the log.
// A list walks the blocks, and in each block the index. For each block is known which times it
// holds, so that it need not be looked into for others.
// Source: docs/decisions/2026-11-24-events-in-blocks.md, with the measurements.
#ifndef SERVICES_NOTIFIER_STORE_EVENT_BLOCKS_H_
#define SERVICES_NOTIFIER_STORE_EVENT_BLOCKS_H_

#include <cstdint>
#include <map>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/sqlite/sqlite.h"
#include "services/notifier/groups/grouping.h"

namespace understudy::notifier {

using sqlite::Connection;

// Written into every file: never to be changed.
inline constexpr int kBlockBits = 14;

inline constexpr int64_t BlockOf(int64_t row) {
  return row >> kBlockBits;
}
inline constexpr int64_t FirstRowOf(int64_t block) {
  return block << kBlockBits;
}
inline constexpr int64_t LastRowOf(int64_t block) {
  return FirstRowOf(block + 1) - 1;
}

// Joins a block `b` with its events `e`, for statements that walk no index.
extern const absl::string_view kRowsOfBlock;

// What a transaction adds to the blocks, or takes from them.
class BlockChanges {
 public:
  void Added(int64_t row, const Event& event);
  void Removed(int64_t block, Outcome outcome);
  // Failures are the connection's. Once.
  void Write(Connection& connection) const;

 private:
  struct Change {
    absl::Time first_occurred_at = absl::InfiniteFuture();
    absl::Time last_occurred_at = absl::InfinitePast();
    absl::Time first_received_at = absl::InfiniteFuture();
    absl::Time last_received_at = absl::InfinitePast();
    Counts counts = {};
  };

  std::map<int64_t, Change> changes_;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_EVENT_BLOCKS_H_
