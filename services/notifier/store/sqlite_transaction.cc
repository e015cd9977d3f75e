#include "services/notifier/store/sqlite_transaction.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "services/notifier/store/rows.h"

namespace understudy::notifier {
namespace {

int64_t Number(Rows&& rows) {
  return rows.Next() ? rows.Int() : 0;
}

std::optional<Mail> OneMail(Rows&& rows) {
  if (!rows.Next()) return std::nullopt;
  return ReadMail(rows);
}

std::vector<Mail> AllMails(Rows&& rows) {
  std::vector<Mail> mails;
  while (rows.Next()) mails.push_back(ReadMail(rows));
  return mails;
}

}  // namespace

std::vector<Group> SqliteTransaction::DueGroups(absl::Time now, int max) {
  Rows rows = connection_.Query(
      absl::StrCat("SELECT ", kGroupColumns,
                   " FROM groups WHERE due_at < 9223372036854775807 AND due_at <= ? "
                   "ORDER BY due_at, id LIMIT ?"),
      now, max);
  std::vector<Group> groups;
  while (rows.Next()) groups.push_back(ReadGroup(rows));
  return groups;
}

std::optional<Group> SqliteTransaction::FindGroup(int64_t id) {
  Rows rows =
      connection_.Query(absl::StrCat("SELECT ", kGroupColumns, " FROM groups WHERE id = ?"), id);
  if (!rows.Next()) return std::nullopt;
  return ReadGroup(rows);
}

void SqliteTransaction::SaveGroupState(int64_t id, const GroupState& state) {
  if (UpdateGroupState(connection_, id, state) == 0) {
    connection_.Fail({.trouble = Trouble::kNotFound, .message = absl::StrCat("group ", id)});
  }
}

std::vector<Told> SqliteTransaction::ToldOf(int64_t group_id) {
  Rows rows = connection_.Query(
      absl::StrCat("SELECT ", kToldColumns, " FROM told WHERE group_id = ? ORDER BY recipient"),
      group_id);
  std::vector<Told> all;
  while (rows.Next()) all.push_back(ReadTold(rows));
  return all;
}

void SqliteTransaction::SaveTold(int64_t group_id, const Told& told) {
  UpsertTold(connection_, group_id, told);
}

std::vector<int64_t> SqliteTransaction::GroupsOverLimit(const std::string& recipient, int max) {
  Rows rows = connection_.Query(
      "SELECT group_id FROM told WHERE over_limit = 1 AND recipient = ? ORDER BY group_id LIMIT ?",
      recipient, max);
  std::vector<int64_t> ids;
  while (rows.Next()) ids.push_back(rows.Int());
  return ids;
}

int64_t SqliteTransaction::CountGroupsOverLimit(const std::string& recipient) {
  return Number(connection_.Query(
      "SELECT count(*) FROM told WHERE over_limit = 1 AND recipient = ?", recipient));
}

std::vector<StoredEvent> SqliteTransaction::EventsAfter(int64_t group_id, int64_t row, int max) {
  Rows rows =
      connection_.Query(absl::StrCat("SELECT ", kStoredEventColumns,
                                     " FROM events INDEXED BY events_by_group WHERE group_id = ? "
                                     "AND row > ? ORDER BY row DESC LIMIT ?"),
                        group_id, row, max);
  std::vector<StoredEvent> events;
  while (rows.Next()) events.push_back(ReadStoredEvent(rows));
  std::reverse(events.begin(), events.end());
  return events;
}

std::vector<UrlCount> SqliteTransaction::CountByUrl(int64_t group_id, int64_t row, int max_events,
                                                    int max_urls) {
  Rows rows = connection_.Query(
      "SELECT error_url, outcome FROM events INDEXED BY events_by_group WHERE group_id = ? AND "
      "row > ? ORDER BY row DESC LIMIT ?",
      group_id, row, max_events);
  std::map<std::string, Counts> by_url;
  while (rows.Next()) {
    const std::string url = rows.Text();
    by_url[url].Add(rows.Word(Outcome::kWarning));
  }
  std::vector<UrlCount> urls;
  for (const auto& [url, counts] : by_url) urls.push_back({.url = url, .counts = counts});
  std::stable_sort(urls.begin(), urls.end(), [](const UrlCount& a, const UrlCount& b) {
    return a.counts.total() > b.counts.total();
  });
  if (urls.size() > static_cast<size_t>(max_urls)) urls.resize(static_cast<size_t>(max_urls));
  return urls;
}

int64_t SqliteTransaction::NewestEventRow(int64_t group_id) {
  return Number(connection_.Query("SELECT last_event_row FROM groups WHERE id = ?", group_id));
}

int64_t SqliteTransaction::AddMail(const Mail& mail) {
  return InsertMail(connection_, mail);
}

void SqliteTransaction::SaveMailOutcome(const Mail& mail) {
  if (UpdateMailOutcome(connection_, mail) == 0) {
    connection_.Fail({.trouble = Trouble::kNotFound, .message = absl::StrCat("mail ", mail.id)});
  }
}

std::optional<Mail> SqliteTransaction::FindMail(int64_t id) {
  return OneMail(
      connection_.Query(absl::StrCat("SELECT ", kMailColumns, " FROM mails WHERE id = ?"), id));
}

std::optional<Mail> SqliteTransaction::NextDueMail(absl::Time now) {
  return OneMail(connection_.Query(
      absl::StrCat("SELECT ", kMailColumns,
                   " FROM mails INDEXED BY mails_by_state WHERE state = ? AND next_attempt_at <= ? "
                   "ORDER BY next_attempt_at, id LIMIT 1"),
      MailState::kDue, now));
}

std::vector<absl::Time> SqliteTransaction::MailsWritten(const std::string& recipient,
                                                        absl::Time since) {
  Rows rows = connection_.Query(
      "SELECT written_at FROM mails WHERE recipient = ? AND written_at >= ? ORDER BY written_at",
      recipient, since);
  std::vector<absl::Time> times;
  while (rows.Next()) times.push_back(rows.Time());
  return times;
}

std::vector<Mail> SqliteTransaction::DeadMails(absl::Time since, int max) {
  return AllMails(connection_.Query(
      absl::StrCat("SELECT ", kMailColumns,
                   " FROM mails INDEXED BY mails_dead WHERE state >= 3 AND settled_at >= ? "
                   "ORDER BY settled_at, id LIMIT ?"),
      since, max));
}

std::vector<Mail> SqliteTransaction::MailsInState(MailState state, int max) {
  return AllMails(
      connection_.Query(absl::StrCat("SELECT ", kMailColumns,
                                     " FROM mails INDEXED BY mails_by_state WHERE state = ? "
                                     "ORDER BY next_attempt_at, id LIMIT ?"),
                        state, max));
}

std::string SqliteTransaction::Note(const std::string& name) {
  Rows rows = connection_.Query("SELECT value FROM notes WHERE name = ?", name);
  return rows.Next() ? rows.Text() : "";
}

void SqliteTransaction::SaveNote(const std::string& name, const std::string& value) {
  connection_.Run("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)", name, value);
}

Counts SqliteTransaction::CountEvents(absl::Time since) {
  Rows rows = connection_.Query(
      "SELECT outcome, count(*) FROM events INDEXED BY events_by_received WHERE received_at >= ? "
      "GROUP BY outcome",
      since);
  Counts counts;
  while (rows.Next()) {
    const auto outcome = rows.Word(Outcome::kWarning);
    counts.Add(outcome, rows.Int());
  }
  return counts;
}

int64_t SqliteTransaction::CountOpenGroups() {
  return Number(connection_.Query("SELECT count(*) FROM groups WHERE open = 1"));
}

int SqliteTransaction::Purge(absl::Time before, int max) {
  const int purged = connection_.Run(
      "DELETE FROM events WHERE row IN (SELECT row FROM events INDEXED BY events_by_received "
      "WHERE received_at < ? ORDER BY received_at, row LIMIT ?)",
      before, max);
  connection_.Run(
      "DELETE FROM event_hours WHERE last_row < (SELECT ifnull(min(row), 0) FROM events)");
  connection_.Run(
      "DELETE FROM mails WHERE id IN (SELECT id FROM mails INDEXED BY mails_settled "
      "WHERE state >= 2 AND settled_at < ? ORDER BY settled_at, id LIMIT ?)",
      before, max);
  connection_.Run(
      "DELETE FROM groups WHERE id IN (SELECT id FROM groups INDEXED BY groups_recovered "
      "WHERE open = 0 AND last_at < ? AND due_at = 9223372036854775807 "
      "AND NOT EXISTS (SELECT 1 FROM events WHERE group_id = groups.id) "
      "AND NOT EXISTS (SELECT 1 FROM mails WHERE group_id = groups.id) "
      "AND NOT EXISTS (SELECT 1 FROM told WHERE group_id = groups.id AND over_limit = 1) "
      "ORDER BY last_at, id LIMIT ?)",
      before, max);
  return purged;
}

}  // namespace understudy::notifier
