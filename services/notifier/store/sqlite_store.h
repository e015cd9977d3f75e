// The notifier's store in a SQLite database on a disk of its own.
//
// One thread writes. What waits to be appended when it comes round becomes one transaction, so that
// one flush of the disk serves many callers; they are answered after it. Lists are read beside it.
#ifndef SERVICES_NOTIFIER_STORE_SQLITE_STORE_H_
#define SERVICES_NOTIFIER_STORE_SQLITE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/notifier/groups/grouping.h"
#include "services/notifier/store/database.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

// Events that wait for the disk, with all that is in them; further ones are refused.
inline constexpr size_t kMaxQueuedBytes = size_t{32} << 20;
// How long Append waits for the disk. Whether the events were stored is not known after that.
inline constexpr absl::Duration kMaxAppendWait = absl::Seconds(10);
// How long Health() waits for an attempt to write.
inline constexpr absl::Duration kHealthWait = absl::Milliseconds(200);

struct SqliteOptions {
  DatabaseOptions database = {};  // on_closing and on_opened are the store's to set
  Waits waits = {};
  int64_t max_open_groups = kMaxOpenGroups;
  size_t max_queued_bytes = kMaxQueuedBytes;
  absl::Duration max_append_wait = kMaxAppendWait;
  // Told how long each commit took, flush included; on the writing thread. May be null.
  std::function<void(absl::Duration)> on_commit = {};
  // Told whether events are taken, when that changes; they are when the store opens. In order, on
  // any thread, which must not call the store. May be null.
  std::function<void(bool)> on_health = {};
};

// For metrics.
struct SqliteFacts {
  DatabaseFacts database = {};
  int64_t queued_bytes = 0;
  int64_t refused_appends = 0;        // because of max_queued_bytes
  int64_t events_in_other_hosts = 0;  // since the start, because of max_open_groups
};

class SqliteStore : public Store {
 public:
  // As Database::Open.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(SqliteOptions options);

  // REQUIRES: no call is under way.
  ~SqliteStore() override;

  // Of transactions from here on.
  void SetWaits(const Waits& waits);

  SqliteFacts facts();

  absl::StatusOr<std::vector<Appended>> Append(std::vector<Event> events) override;
  absl::Status Write(absl::FunctionRef<absl::Status(StoreTransaction&)> work) override;
  absl::StatusOr<absl::Time> NextDueAt() override;
  absl::StatusOr<std::vector<StoredEvent>> ListEvents(const EventFilter& filter, int64_t before_row,
                                                      int max) override;
  absl::StatusOr<std::vector<ListedGroup>> ListGroups(const GroupFilter& filter,
                                                      std::optional<GroupPlace> before,
                                                      int max) override;
  absl::StatusOr<FoundEvents> Search(const EventSearch& search, int64_t before_row, int max,
                                     int max_looked_at) override;
  absl::StatusOr<std::optional<Group>> FindGroup(int64_t id) override;
  absl::StatusOr<std::optional<StoredEvent>> FindEvent(int64_t row) override;
  absl::StatusOr<std::vector<MinuteCounts>> CountsByMinute(absl::Time since) override;
  absl::StatusOr<std::vector<HourCount>> CountsByHour(const std::vector<int64_t>& group_ids,
                                                      absl::Time since) override;
  absl::StatusOr<StoreStatus> ReadStatus() override;
  absl::Status Health() override;

 private:
  class Writer;

  explicit SqliteStore(std::unique_ptr<Writer> writer);

  std::unique_ptr<Writer> writer_;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_SQLITE_STORE_H_
