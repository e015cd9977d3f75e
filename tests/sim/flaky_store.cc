#include "tests/sim/flaky_store.h"

#include <utility>

namespace understudy::testing {

using notifier::Counts;
using notifier::Group;
using notifier::GroupState;
using notifier::Mail;
using notifier::MailState;
using notifier::StoredEvent;
using notifier::StoreTransaction;
using notifier::Told;
using notifier::UrlCount;

// Stops passing verbs on at the first that is to fail.
class FlakyStore::Transaction : public StoreTransaction {
 public:
  Transaction(FlakyStore& store, StoreTransaction& inner) : store_(store), inner_(inner) {}

  // Of the verbs so far; then counts the commit and says what becomes of it.
  Verdict Commit() {
    if (!status_.ok()) return {.before = status_};
    return store_.Begin();
  }

  std::vector<Group> DueGroups(absl::Time now, int max) override {
    return Pass([&] { return inner_.DueGroups(now, max); });
  }
  std::optional<Group> FindGroup(int64_t id) override {
    return Pass([&] { return inner_.FindGroup(id); });
  }
  void SaveGroupState(int64_t id, const GroupState& state) override {
    Pass([&] { inner_.SaveGroupState(id, state); });
  }
  std::vector<Told> ToldOf(int64_t group_id) override {
    return Pass([&] { return inner_.ToldOf(group_id); });
  }
  void SaveTold(int64_t group_id, const Told& told) override {
    Pass([&] { inner_.SaveTold(group_id, told); });
  }
  std::vector<int64_t> GroupsOverLimit(const std::string& recipient, int max) override {
    return Pass([&] { return inner_.GroupsOverLimit(recipient, max); });
  }
  int64_t CountGroupsOverLimit(const std::string& recipient) override {
    return Pass([&] { return inner_.CountGroupsOverLimit(recipient); });
  }
  std::vector<StoredEvent> EventsAfter(int64_t group_id, int64_t row, int max) override {
    return Pass([&] { return inner_.EventsAfter(group_id, row, max); });
  }
  std::vector<UrlCount> CountByUrl(int64_t group_id, int64_t row, int max_events,
                                   int max_urls) override {
    return Pass([&] { return inner_.CountByUrl(group_id, row, max_events, max_urls); });
  }
  int64_t NewestEventRow(int64_t group_id) override {
    return Pass([&] { return inner_.NewestEventRow(group_id); });
  }
  int64_t AddMail(const Mail& mail) override {
    return Pass([&] { return inner_.AddMail(mail); });
  }
  void SaveMailOutcome(const Mail& mail) override {
    Pass([&] { inner_.SaveMailOutcome(mail); });
  }
  std::optional<Mail> FindMail(int64_t id) override {
    return Pass([&] { return inner_.FindMail(id); });
  }
  std::optional<Mail> NextDueMail(absl::Time now) override {
    return Pass([&] { return inner_.NextDueMail(now); });
  }
  std::vector<absl::Time> MailsWritten(const std::string& recipient, absl::Time since) override {
    return Pass([&] { return inner_.MailsWritten(recipient, since); });
  }
  std::vector<Mail> DeadMails(absl::Time since, int max) override {
    return Pass([&] { return inner_.DeadMails(since, max); });
  }
  std::vector<Mail> MailsInState(MailState state, int max) override {
    return Pass([&] { return inner_.MailsInState(state, max); });
  }
  std::string Note(const std::string& name) override {
    return Pass([&] { return inner_.Note(name); });
  }
  void SaveNote(const std::string& name, const std::string& value) override {
    Pass([&] { inner_.SaveNote(name, value); });
  }
  Counts CountEvents(absl::Time since) override {
    return Pass([&] { return inner_.CountEvents(since); });
  }
  int64_t CountOpenGroups() override {
    return Pass([&] { return inner_.CountOpenGroups(); });
  }
  int Purge(absl::Time before, int max) override {
    return Pass([&] { return inner_.Purge(before, max); });
  }

 private:
  template <typename Verb>
  auto Pass(Verb verb) -> decltype(verb()) {
    using Result = decltype(verb());
    if (status_.ok()) {
      const Verdict verdict = store_.Begin();
      status_ = verdict.before.ok() ? verdict.after : verdict.before;
    }
    if (status_.ok()) return verb();
    return Result();
  }

  FlakyStore& store_;
  StoreTransaction& inner_;
  absl::Status status_;
};

FlakyStore::FlakyStore(notifier::Store& store) : store_(store) {}

void FlakyStore::FaultAt(int64_t nth, StoreFault fault) {
  MutexLock lock(mutex_);
  faults_[operations_ + nth] = fault;
}

void FlakyStore::FailAlways(absl::Status status) {
  MutexLock lock(mutex_);
  always_ = std::move(status);
}

void FlakyStore::Heal() {
  MutexLock lock(mutex_);
  always_ = absl::OkStatus();
}

int64_t FlakyStore::operations() const {
  MutexLock lock(mutex_);
  return operations_;
}

bool FlakyStore::crashed() const {
  MutexLock lock(mutex_);
  return crashed_;
}

void FlakyStore::Restart() {
  MutexLock lock(mutex_);
  crashed_ = false;
}

FlakyStore::Verdict FlakyStore::Begin() {
  MutexLock lock(mutex_);
  if (crashed_) return {.before = absl::UnavailableError("the store's process has crashed")};
  if (!always_.ok()) return {.before = always_};
  const auto fault = faults_.find(++operations_);
  if (fault == faults_.end()) return {};
  switch (fault->second) {
    case StoreFault::kFailBefore:
      return {.before = absl::UnavailableError("the disk failed")};
    case StoreFault::kFailAfter:
      return {.after = absl::UnavailableError("the commit failed")};
    case StoreFault::kCrashBefore:
      crashed_ = true;
      return {.before = absl::UnavailableError("the store's process crashes")};
    case StoreFault::kCrashAfter:
      crashed_ = true;
      return {.after = absl::UnavailableError("the store's process crashes")};
  }
  return {};
}

template <typename Result, typename Operation>
Result FlakyStore::Run(Operation operation) {
  const Verdict verdict = Begin();
  if (!verdict.before.ok()) return verdict.before;
  Result result = operation();
  if (!verdict.after.ok()) return verdict.after;
  return result;
}

absl::StatusOr<std::vector<notifier::Appended>> FlakyStore::Append(
    std::vector<notifier::Event> events) {
  return Run<absl::StatusOr<std::vector<notifier::Appended>>>(
      [&] { return store_.Append(std::move(events)); });
}

absl::Status FlakyStore::Write(absl::FunctionRef<absl::Status(StoreTransaction&)> work) {
  Verdict commit;
  const absl::Status status = store_.Write([&](StoreTransaction& inner) -> absl::Status {
    Transaction transaction(*this, inner);
    if (absl::Status worked = work(transaction); !worked.ok()) return worked;
    commit = transaction.Commit();
    return commit.before;
  });
  return status.ok() ? commit.after : status;
}

absl::StatusOr<absl::Time> FlakyStore::NextDueAt() {
  return Run<absl::StatusOr<absl::Time>>([&] { return store_.NextDueAt(); });
}

absl::StatusOr<std::vector<StoredEvent>> FlakyStore::ListEvents(const notifier::EventFilter& filter,
                                                                int64_t before_row, int max) {
  return Run<absl::StatusOr<std::vector<StoredEvent>>>(
      [&] { return store_.ListEvents(filter, before_row, max); });
}

absl::StatusOr<std::vector<notifier::Store::ListedGroup>> FlakyStore::ListGroups(
    const notifier::GroupFilter& filter, std::optional<GroupPlace> before, int max) {
  return Run<absl::StatusOr<std::vector<ListedGroup>>>(
      [&] { return store_.ListGroups(filter, before, max); });
}

absl::StatusOr<notifier::FoundEvents> FlakyStore::Search(const notifier::EventSearch& search,
                                                         int64_t before_row, int max,
                                                         int max_looked_at) {
  return Run<absl::StatusOr<notifier::FoundEvents>>(
      [&] { return store_.Search(search, before_row, max, max_looked_at); });
}

absl::StatusOr<std::optional<Group>> FlakyStore::FindGroup(int64_t id) {
  return Run<absl::StatusOr<std::optional<Group>>>([&] { return store_.FindGroup(id); });
}

absl::StatusOr<std::optional<StoredEvent>> FlakyStore::FindEvent(int64_t row) {
  return Run<absl::StatusOr<std::optional<StoredEvent>>>([&] { return store_.FindEvent(row); });
}

absl::StatusOr<std::vector<notifier::MinuteCounts>> FlakyStore::CountsByMinute(absl::Time since) {
  return Run<absl::StatusOr<std::vector<notifier::MinuteCounts>>>(
      [&] { return store_.CountsByMinute(since); });
}

absl::StatusOr<std::vector<notifier::HourCount>> FlakyStore::CountsByHour(
    const std::vector<int64_t>& group_ids, absl::Time since) {
  return Run<absl::StatusOr<std::vector<notifier::HourCount>>>(
      [&] { return store_.CountsByHour(group_ids, since); });
}

absl::StatusOr<notifier::StoreStatus> FlakyStore::ReadStatus() {
  return Run<absl::StatusOr<notifier::StoreStatus>>([&] { return store_.ReadStatus(); });
}

absl::Status FlakyStore::Health() {
  return Run<absl::Status>([&] { return store_.Health(); });
}

}  // namespace understudy::testing
