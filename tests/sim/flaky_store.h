// A store that fails on demand, over one that does not.
//
//   FlakyStore store(sim);
//   store.FaultAt(3, StoreFault::kCrashBefore);  // the third operation from here
//   ... run the code, until store.crashed() ...
//   store.Restart();                             // and run it again, as a new process would
#ifndef TESTS_SIM_FLAKY_STORE_H_
#define TESTS_SIM_FLAKY_STORE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "services/notifier/store/store.h"

namespace understudy::testing {

// What happens at an operation. The answer is kUnavailable.
enum class StoreFault : uint8_t {
  kFailBefore,   // nothing of it is done
  kFailAfter,    // it is done all the same
  kCrashBefore,  // nothing of it is done, nor of anything from here on
  kCrashAfter,   // it is done, and nothing from here on
};

// Operations are the calls of a Store's functions; in Write, each verb and the commit. A fault at a
// verb undoes the transaction whether it is one before or after. From any thread.
class FlakyStore : public notifier::Store {
 public:
  // `store` must outlive it.
  explicit FlakyStore(notifier::Store& store);

  // The `nth` operation from here; 1 is the next. Adds to the faults that are planned.
  void FaultAt(int64_t nth, StoreFault fault);
  // Fails like that from the next operation on, until Heal().
  void FailAlways(absl::Status status);
  void Heal();

  int64_t operations() const;
  // After a crash everything answers kUnavailable until Restart().
  bool crashed() const;
  void Restart();

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

  // What becomes of an operation: whether it is done, and whether its answer is heard.
  struct Verdict {
    absl::Status before = {};
    absl::Status after = {};
  };
  Verdict Begin() EXCLUDES(mutex_);

  template <typename Result, typename Operation>
  Result Run(Operation operation);

  notifier::Store& store_;
  mutable Mutex mutex_;
  std::map<int64_t, StoreFault> faults_ GUARDED_BY(mutex_);
  absl::Status always_ GUARDED_BY(mutex_);
  int64_t operations_ GUARDED_BY(mutex_) = 0;
  bool crashed_ GUARDED_BY(mutex_) = false;
};

}  // namespace understudy::testing

#endif  // TESTS_SIM_FLAKY_STORE_H_
