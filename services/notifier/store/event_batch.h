// Events on their way into the database: each kept once, and folded into its group. All that one
// transaction takes in is one batch, so that a group is read and written once however many of its
// events there are.
#ifndef SERVICES_NOTIFIER_STORE_EVENT_BATCH_H_
#define SERVICES_NOTIFIER_STORE_EVENT_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/sqlite/sqlite.h"
#include "services/notifier/store/event_blocks.h"
#include "services/notifier/store/known_ids.h"
#include "services/notifier/store/store.h"
#include "services/notifier/store/summaries.h"

namespace understudy::notifier {

using sqlite::Connection;
using sqlite::Rows;

// Within one transaction of `connection`, whose failures it leaves there.
class EventBatch {
 public:
  // `known_ids` are those of the database; both must outlive the batch.
  EventBatch(Connection& connection, KnownIds& known_ids, const Waits& waits,
             int64_t max_open_groups);

  // `fingerprint` is the event's (FingerprintOf).
  Appended Add(const Event& event, int64_t fingerprint);
  // Writes what the events change beside their own rows. Once, at the end.
  void Finish();

  // Events that fell into a group of other hosts, because too many groups were open.
  int64_t in_other_hosts() const { return in_other_hosts_; }

 private:
  struct Folded {
    int64_t id = 0;
    GroupState state = {};
    int64_t last_event_row = 0;
    int64_t events = 0;  // that came with this batch
  };
  using Identity = std::tuple<std::string, Kind, int, std::string>;

  std::optional<int64_t> FingerprintOfKnown(const std::string& event_id);
  // Where in groups_ that group is; nullopt if there is none in the database.
  std::optional<size_t> Find(const GroupKey& key);
  // Where in groups_ the group is that an event of `key` falls into, made if need be.
  size_t GroupFor(GroupKey key);
  int64_t OpenGroups();

  Connection& connection_;
  KnownIds& known_ids_;
  const Waits waits_;
  const int64_t max_open_groups_;
  std::vector<Folded> groups_;
  absl::flat_hash_map<Identity, size_t> places_;  // in groups_
  BlockChanges blocks_;
  SummaryChanges summaries_;
  int64_t last_row_ = 0;
  std::optional<int64_t> open_groups_;  // counted when it is first asked for
  int64_t in_other_hosts_ = 0;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_EVENT_BATCH_H_
