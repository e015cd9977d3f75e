#include "services/notifier/store/lists.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/notifier/store/event_blocks.h"
#include "services/notifier/store/rows.h"

namespace understudy::notifier {
namespace {

constexpr int64_t kPastAll = std::numeric_limits<int64_t>::max();
constexpr absl::string_view kNoIndex = "NOT INDEXED";
constexpr absl::string_view kOfBlockByIndex = "e.block = b.block AND row > ?12 AND row <= ?2";
// One bound at each end in place of two, of which only one would be looked up.
constexpr absl::string_view kOfBlockByRow =
    "row BETWEEN max(b.block << 14, ?12 + 1) AND min((b.block << 14) + 16383, ?2)";

int64_t Number(Rows&& rows) {
  return rows.Next() ? rows.Int() : 0;
}

// The index to walk: that of the condition which leaves fewest events. It is named to SQLite, which
// has no statistics to choose by. Without one, the table itself.
absl::string_view IndexFor(const EventFilter& filter) {
  if (!filter.event_id.empty()) return "INDEXED BY events_by_id";
  if (!filter.resource_sid.empty()) return "INDEXED BY events_by_resource";
  if (filter.group_id != 0) return "INDEXED BY events_by_group";
  if (!filter.phone_number.empty()) return "INDEXED BY events_by_phone_number";
  if (!filter.host.empty()) return "INDEXED BY events_by_group";
  if (!filter.account_sid.empty()) return "INDEXED BY events_by_account";
  if (filter.error_code != 0) return "INDEXED BY events_by_code";
  return kNoIndex;
}

// No event that the filter lets through is newer, by what its groups say. Without this, a list of
// what an account does not have would walk all that it has.
int64_t NewestRowOf(Connection& connection, const EventFilter& filter) {
  if (filter.group_id != 0) {
    return Number(
        connection.Query("SELECT last_event_row FROM groups WHERE id = ?", filter.group_id));
  }
  if (!filter.host.empty()) {
    return Number(
        connection.Query("SELECT max(last_event_row) FROM groups WHERE host = ?", filter.host));
  }
  if (filter.account_sid.empty() || filter.error_code == 0) return kPastAll;
  return Number(
      connection.Query("SELECT max(last_event_row) FROM groups WHERE account_sid = ? AND "
                       "kind IN (?, ?) AND error_code = ?",
                       filter.account_sid, Kind::kVoice, Kind::kMessaging, filter.error_code));
}

absl::string_view IndexFor(const GroupFilter& filter) {
  if (filter.group_id != 0) return kNoIndex;
  if (!filter.host.empty()) return "INDEXED BY groups_by_host";
  if (!filter.account_sid.empty()) return "INDEXED BY groups_by_account";
  if (filter.error_code != 0) return "INDEXED BY groups_by_code";
  if (filter.open.has_value()) return "INDEXED BY groups_by_open";
  return "INDEXED BY groups_by_last_event";
}

absl::Time FirstTime(Rows&& rows) {
  return rows.Next() ? rows.Time() : absl::InfiniteFuture();
}

}  // namespace

std::vector<StoredEvent> ListEvents(Connection& connection, const EventFilter& filter,
                                    int64_t before_row, int max) {
  const int64_t last =
      std::min(before_row == 0 ? kPastAll : before_row - 1, NewestRowOf(connection, filter));
  // Conditions that are not wanted are left out rather than made true, so that each has its index;
  // their numbers stay unused.
  const absl::string_view index = IndexFor(filter);
  std::string sql = absl::StrCat("SELECT ", kStoredEventColumns,
                                 " FROM event_blocks AS b CROSS JOIN events AS e ", index,
                                 kJoinDetails, " WHERE b.block BETWEEN ?13 AND ?1 AND ",
                                 index == kNoIndex ? kOfBlockByRow : kOfBlockByIndex);
  if (!filter.account_sid.empty()) sql += " AND account_sid = ?3";
  if (!filter.resource_sid.empty()) sql += " AND resource_sid = ?4";
  if (!filter.phone_number.empty()) sql += " AND phone_number = ?5";
  if (filter.error_code != 0) sql += " AND error_code = ?6";
  if (filter.group_id != 0) sql += " AND group_id = ?7";
  if (!filter.event_id.empty()) sql += " AND event_id = ?10";
  if (!filter.host.empty()) {
    sql += " AND group_id IN (SELECT id FROM groups WHERE host = ?11)";
  }
  if (filter.start != absl::InfinitePast()) {
    sql += " AND b.last_occurred_at >= ?8 AND occurred_at >= ?8";
  }
  if (filter.end != absl::InfiniteFuture()) {
    sql += " AND b.first_occurred_at < ?9 AND occurred_at < ?9";
  }
  if (filter.level.has_value()) sql += " AND level = ?14";
  sql += filter.oldest_first ? " ORDER BY b.block, row LIMIT ?15"
                             : " ORDER BY b.block DESC, row DESC LIMIT ?15";
  Rows rows = connection.Query(
      sql, BlockOf(last), last, filter.account_sid, filter.resource_sid, filter.phone_number,
      filter.error_code, filter.group_id, filter.start, filter.end, filter.event_id, filter.host,
      filter.after_row, BlockOf(filter.after_row + 1), filter.level.value_or(Level::kError), max);
  std::vector<StoredEvent> events;
  while (rows.Next()) events.push_back(ReadStoredEvent(rows));
  return events;
}

std::vector<Store::ListedGroup> ListGroups(Connection& connection, const GroupFilter& filter,
                                           std::optional<Store::GroupPlace> before, int max) {
  const Store::GroupPlace place =
      before.value_or(Store::GroupPlace{.last_event_row = kPastAll, .id = kPastAll});
  std::string sql = absl::StrCat("SELECT ", kGroupColumns, ", last_event_row FROM groups ",
                                 IndexFor(filter), " WHERE (last_event_row, id) < (?1, ?2)");
  if (!filter.account_sid.empty()) sql += " AND account_sid = ?3";
  if (filter.error_code != 0) sql += " AND error_code = ?4";
  if (filter.open.has_value()) sql += " AND open = ?5";
  if (!filter.host.empty()) sql += " AND host = ?6";
  sql += filter.group_id != 0 ? " AND id = ?7" : " ORDER BY last_event_row DESC, id DESC";
  sql += " LIMIT ?8";
  Rows rows =
      connection.Query(sql, place.last_event_row, place.id, filter.account_sid, filter.error_code,
                       filter.open.value_or(false), filter.host, filter.group_id, max);
  std::vector<Store::ListedGroup> groups;
  while (rows.Next()) {
    Group group = ReadGroup(rows);
    const Store::GroupPlace at = {.last_event_row = rows.Int(), .id = group.id};
    groups.push_back({.group = std::move(group), .place = at});
  }
  return groups;
}

std::optional<Group> FindGroup(Connection& connection, int64_t id) {
  Rows rows =
      connection.Query(absl::StrCat("SELECT ", kGroupColumns, " FROM groups WHERE id = ?"), id);
  if (!rows.Next()) return std::nullopt;
  return ReadGroup(rows);
}

std::optional<StoredEvent> FindEvent(Connection& connection, int64_t row) {
  Rows rows = connection.Query(absl::StrCat("SELECT ", kStoredEventColumns, " FROM events AS e",
                                            kJoinDetails, " WHERE e.row = ?"),
                               row);
  if (!rows.Next()) return std::nullopt;
  return ReadStoredEvent(rows);
}

absl::Time NextDueAt(Connection& connection) {
  return std::min(
      FirstTime(connection.Query("SELECT ifnull(min(due_at), 9223372036854775807) FROM groups "
                                 "WHERE due_at < 9223372036854775807")),
      FirstTime(connection.Query("SELECT ifnull(min(next_attempt_at), 9223372036854775807) "
                                 "FROM mails INDEXED BY mails_by_state WHERE state = ?",
                                 MailState::kDue)));
}

StoreStatus ReadStatus(Connection& connection) {
  return {
      .open_groups = Number(connection.Query("SELECT count(*) FROM groups WHERE open = 1")),
      .recovered_groups = Number(connection.Query("SELECT count(*) FROM groups WHERE open = 0")),
      .due_mails = Number(connection.Query("SELECT count(*) FROM mails WHERE state <= 1")),
      .dead_mails = Number(connection.Query("SELECT count(*) FROM mails WHERE state >= 3")),
      .oldest_due_mail_at =
          FirstTime(connection.Query("SELECT ifnull(min(written_at), 9223372036854775807) "
                                     "FROM mails INDEXED BY mails_unsettled WHERE state <= 1"))};
}

}  // namespace understudy::notifier
