// Events counted by minute and code, and by hour and group, as they are stored: what charts are
// made of without looking at events one by one.
#ifndef SERVICES_NOTIFIER_STORE_SUMMARIES_H_
#define SERVICES_NOTIFIER_STORE_SUMMARIES_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/sqlite/sqlite.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

using sqlite::Connection;
using sqlite::Rows;

// What a transaction adds to the counts.
class SummaryChanges {
 public:
  void Added(int64_t group_id, const Event& event);
  // Failures are the connection's. Once.
  void Write(Connection& connection) const;

 private:
  absl::flat_hash_map<std::pair<int64_t, int>, Counts> minutes_;     // by minute and code
  absl::flat_hash_map<std::pair<int64_t, int64_t>, int64_t> hours_;  // by hour and group
};

// Takes out what is wholly before `before`, at most `max` rows of each table, the oldest first.
void PurgeSummaries(Connection& connection, absl::Time before, int max);

// As Store's functions of the same names. Failures are the connection's.
std::vector<MinuteCounts> CountsByMinute(Connection& connection, absl::Time since);
std::vector<HourCount> CountsByHour(Connection& connection, const std::vector<int64_t>& group_ids,
                                    absl::Time since);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_SUMMARIES_H_
