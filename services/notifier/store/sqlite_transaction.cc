#include "services/notifier/store/sqlite_transaction.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "services/notifier/store/event_blocks.h"
#include "services/notifier/store/known_ids.h"
#include "services/notifier/store/lists.h"
#include "services/notifier/store/rows.h"
#include "services/notifier/store/summaries.h"

namespace understudy::notifier {
namespace {

// The newest ?3 events of the group ?1 behind row ?2, which is in block ?4; the newest of all its
// events is in ?5.
constexpr absl::string_view kFromGroup =
    " FROM event_blocks AS b CROSS JOIN events AS e INDEXED BY events_by_group";
constexpr absl::string_view kNewestOfGroup =
    " WHERE b.block BETWEEN ?4 AND ?5 AND e.block = b.block AND group_id = ?1 AND row > ?2 "
    "ORDER BY b.block DESC, row DESC LIMIT ?3";

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
  return notifier::FindGroup(connection_, id);
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
  Rows rows = connection_.Query(
      absl::StrCat("SELECT ", kStoredEventColumns, kFromGroup, kJoinDetails, kNewestOfGroup),
      group_id, row, max, BlockOf(row), BlockOf(NewestEventRow(group_id)));
  std::vector<StoredEvent> events;
  while (rows.Next()) events.push_back(ReadStoredEvent(rows));
  std::reverse(events.begin(), events.end());
  return events;
}

std::vector<UrlCount> SqliteTransaction::CountByUrl(int64_t group_id, int64_t row, int max_events,
                                                    int max_urls) {
  Rows rows =
      connection_.Query(absl::StrCat("SELECT error_url, outcome", kFromGroup, kNewestOfGroup),
                        group_id, row, max_events, BlockOf(row), BlockOf(NewestEventRow(group_id)));
  std::map<std::string, Counts> by_url;
  while (rows.Next()) {
    const std::string url = rows.Text();
    by_url[url].Add(rows.Word(Outcome::kWarning));
  }
  std::vector<UrlCount> urls;
  urls.reserve(by_url.size());
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
  Counts counts;
  {
    Rows rows = connection_.Query(
        "SELECT sum(unknown_count), sum(fallback_answered_count), sum(default_answered_count), "
        "sum(warning_count) FROM event_blocks WHERE first_received_at >= ?",
        since);
    if (rows.Next()) {
      for (int64_t& count : counts.by_outcome) count = rows.Int();
    }
  }
  // Blocks that hold both.
  Rows rows = connection_.Query(
      absl::StrCat("SELECT outcome, count(*) FROM event_blocks AS b CROSS JOIN events AS e "
                   "NOT INDEXED WHERE b.first_received_at < ?1 AND b.last_received_at >= ?1 AND ",
                   kRowsOfBlock, " AND e.received_at >= ?1 GROUP BY outcome"),
      since);
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
  const int purged = PurgeEvents(before, max);
  connection_.Run(
      "DELETE FROM mails WHERE id IN (SELECT id FROM mails INDEXED BY mails_settled "
      "WHERE state >= 2 AND settled_at < ? ORDER BY settled_at, id LIMIT ?)",
      before, max);
  connection_.Run(
      "DELETE FROM groups WHERE id IN (SELECT id FROM groups INDEXED BY groups_recovered "
      "WHERE open = 0 AND last_at < ? AND due_at = 9223372036854775807 AND kept_events = 0 "
      "AND NOT EXISTS (SELECT 1 FROM mails WHERE group_id = groups.id) "
      "AND NOT EXISTS (SELECT 1 FROM told WHERE group_id = groups.id AND over_limit = 1) "
      "ORDER BY last_at, id LIMIT ?)",
      before, max);
  PurgeSummaries(connection_, before, max);
  return purged;
}

int SqliteTransaction::PurgeEvents(absl::Time before, int max) {
  int purged = 0;
  BlockChanges blocks;
  std::map<int64_t, int64_t> by_group;
  {
    Rows rows = connection_.Query(
        absl::StrCat("DELETE FROM events WHERE row IN (SELECT row FROM event_blocks AS b "
                     "CROSS JOIN events AS e NOT INDEXED WHERE b.first_received_at < ?1 AND ",
                     kRowsOfBlock,
                     " AND e.received_at < ?1 ORDER BY b.block, e.row LIMIT ?2) "
                     "RETURNING block, group_id, outcome"),
        before, max);
    while (rows.Next()) {
      const int64_t block = rows.Int();
      ++by_group[rows.Int()];
      blocks.Removed(block, rows.Word(Outcome::kWarning));
      ++purged;
    }
  }
  for (const auto& [id, count] : by_group) {
    connection_.Run("UPDATE groups SET kept_events = kept_events - ? WHERE id = ?", count, id);
  }
  if (purged == 0) return 0;
  blocks.Write(connection_);
  connection_.Run(
      "DELETE FROM event_blocks WHERE unknown_count + fallback_answered_count + "
      "default_answered_count + warning_count = 0");
  connection_.Run(
      "DELETE FROM id_filters WHERE segment < (SELECT min(block) >> ? FROM event_blocks)",
      kSegmentBits - kBlockBits);
  return purged;
}

}  // namespace understudy::notifier
