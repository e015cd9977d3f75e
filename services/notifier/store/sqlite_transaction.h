// The verbs of a transaction as SQL.
#ifndef SERVICES_NOTIFIER_STORE_SQLITE_TRANSACTION_H_
#define SERVICES_NOTIFIER_STORE_SQLITE_TRANSACTION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/sqlite/sqlite.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

using sqlite::Connection;
using sqlite::Rows;
using sqlite::Trouble;

// Within one transaction of `connection`, whose failures it leaves there.
class SqliteTransaction : public StoreTransaction {
 public:
  explicit SqliteTransaction(Connection& connection) : connection_(connection) {}

  std::vector<Group> DueGroups(absl::Time now, int max) override;
  std::optional<Group> FindGroup(int64_t id) override;
  void SaveGroupState(int64_t id, const GroupState& state) override;
  std::vector<Told> ToldOf(int64_t group_id) override;
  void SaveTold(int64_t group_id, const Told& told) override;
  std::vector<int64_t> GroupsOverLimit(const std::string& recipient, int max) override;
  int64_t CountGroupsOverLimit(const std::string& recipient) override;
  std::vector<StoredEvent> EventsAfter(int64_t group_id, int64_t row, int max) override;
  std::vector<UrlCount> CountByUrl(int64_t group_id, int64_t row, int max_events,
                                   int max_urls) override;
  int64_t NewestEventRow(int64_t group_id) override;
  int64_t AddMail(const Mail& mail) override;
  void SaveMailOutcome(const Mail& mail) override;
  std::optional<Mail> FindMail(int64_t id) override;
  std::optional<Mail> NextDueMail(absl::Time now) override;
  std::vector<absl::Time> MailsWritten(const std::string& recipient, absl::Time since) override;
  std::vector<Mail> DeadMails(absl::Time since, int max) override;
  std::vector<Mail> MailsInState(MailState state, int max) override;
  std::string Note(const std::string& name) override;
  void SaveNote(const std::string& name, const std::string& value) override;
  Counts CountEvents(absl::Time since) override;
  int64_t CountOpenGroups() override;
  int Purge(absl::Time before, int max) override;

 private:
  int PurgeEvents(absl::Time before, int max);

  Connection& connection_;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_SQLITE_TRANSACTION_H_
