// The notifier's store in memory: everything a Store promises but to survive its process, for tests
// of what runs over one. It has no limits of its own and is never out of order; FlakyStore adds
// that.
#ifndef TESTS_SIM_SIM_STORE_H_
#define TESTS_SIM_SIM_STORE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "services/notifier/groups/grouping.h"
#include "services/notifier/store/store.h"

namespace understudy::testing {

// Each call is one transaction and runs on its caller's thread; others wait.
class SimStore : public notifier::Store {
 public:
  explicit SimStore(const notifier::Waits& waits = {},
                    int64_t max_open_groups = notifier::kMaxOpenGroups);
  ~SimStore() override;

  // Of the next Append.
  void SetWaits(const notifier::Waits& waits);
  // Goes on with the row behind `row`. REQUIRES: none is as high.
  void SkipRowsTo(int64_t row);

  absl::StatusOr<std::vector<notifier::Appended>> Append(
      std::vector<notifier::Event> events) override;
  absl::Status Write(absl::FunctionRef<absl::Status(notifier::StoreTransaction&)> work) override;
  absl::StatusOr<absl::Time> NextDueAt() override;
  absl::StatusOr<std::vector<notifier::StoredEvent>> ListEvents(const notifier::EventFilter& filter,
                                                                int64_t before_row,
                                                                int max) override;
  absl::StatusOr<std::vector<ListedGroup>> ListGroups(const notifier::GroupFilter& filter,
                                                      std::optional<GroupPlace> before,
                                                      int max) override;
  absl::StatusOr<notifier::FoundEvents> Search(const notifier::EventSearch& search,
                                               int64_t before_row, int max,
                                               int max_looked_at) override;
  absl::StatusOr<std::optional<notifier::Group>> FindGroup(int64_t id) override;
  absl::StatusOr<std::optional<notifier::StoredEvent>> FindEvent(int64_t row) override;
  absl::StatusOr<std::vector<notifier::MinuteCounts>> CountsByMinute(absl::Time since) override;
  absl::StatusOr<std::vector<notifier::HourCount>> CountsByHour(
      const std::vector<int64_t>& group_ids, absl::Time since) override;
  absl::StatusOr<notifier::StoreStatus> ReadStatus() override;
  absl::Status Health() override;

 private:
  class Transaction;

  struct KeptGroup {
    notifier::Group group = {};
    int64_t last_event_row = 0;
    std::vector<int64_t> event_rows = {};  // ascending
  };
  using Identity = std::tuple<std::string, notifier::Kind, int, std::string>;

  struct Rows {
    std::map<int64_t, notifier::StoredEvent> events = {};
    std::unordered_map<std::string, int64_t> event_rows = {};  // by event_id
    std::map<int64_t, KeptGroup> groups = {};
    std::map<Identity, int64_t> group_ids = {};
    std::map<std::pair<int64_t, std::string>, notifier::Told> told = {};  // by group and recipient
    std::map<int64_t, notifier::Mail> mails = {};
    std::map<std::string, std::string> notes = {};
    std::map<std::pair<int64_t, int>, notifier::Counts> minutes = {};  // by minute and code
    std::map<std::pair<int64_t, int64_t>, int64_t> hours = {};         // by hour and group
    // Numbers are never given twice, also when what had them is gone.
    int64_t last_event = 0;
    int64_t last_group = 0;
    int64_t last_mail = 0;
  };

  static Identity IdentityOf(const notifier::GroupKey& key);
  int64_t CountOpenGroups() const REQUIRES(mutex_);
  bool Fits(const notifier::StoredEvent& stored, const notifier::EventFilter& filter) const
      REQUIRES(mutex_);
  // The group that an event of `key` falls into, made if there is none.
  KeptGroup& GroupFor(notifier::GroupKey key) REQUIRES(mutex_);

  const int64_t max_open_groups_;
  Mutex mutex_;
  notifier::Waits waits_ GUARDED_BY(mutex_);
  Rows rows_ GUARDED_BY(mutex_);
};

}  // namespace understudy::testing

#endif  // TESTS_SIM_SIM_STORE_H_
