#include "services/notifier/store/event_batch.h"

#include "absl/strings/str_cat.h"
#include "services/notifier/store/rows.h"

namespace understudy::notifier {

EventBatch::EventBatch(Connection& connection, KnownIds& known_ids, const Waits& waits,
                       int64_t max_open_groups)
    : connection_(connection),
      known_ids_(known_ids),
      waits_(waits),
      max_open_groups_(max_open_groups) {
  Rows rows = connection.Query("SELECT last_event_row FROM counters");
  if (rows.Next()) last_row_ = rows.Int();
}

Appended EventBatch::Add(const Event& event, int64_t fingerprint) {
  if (const std::optional<int64_t> known = FingerprintOfKnown(event.event_id)) {
    return *known == fingerprint ? Appended::kDuplicate : Appended::kConflict;
  }
  Folded& group = groups_[GroupFor(GroupKeyOf(event))];
  const int64_t row = ++last_row_;
  InsertEvent(connection_, row, group.id, fingerprint, event);
  known_ids_.Add(connection_, row, event.event_id);
  blocks_.Added(row, event);
  summaries_.Added(group.id, event);

  const bool was_open = group.state.open;
  group.state = OnEvent(group.state, event, waits_);
  if (open_groups_.has_value() && group.state.open && !was_open) ++*open_groups_;
  group.last_event_row = row;
  ++group.events;
  return Appended::kStored;
}

void EventBatch::Finish() {
  for (const Folded& group : groups_) {
    if (group.events > 0) {
      UpdateGroup(connection_, group.id, group.state, group.last_event_row, group.events);
    }
  }
  blocks_.Write(connection_);
  summaries_.Write(connection_);
  connection_.Run("UPDATE counters SET last_event_row = ?", last_row_);
}

std::optional<int64_t> EventBatch::FingerprintOfKnown(const std::string& event_id) {
  for (const int64_t block : known_ids_.BlocksFor(event_id)) {
    Rows rows = connection_.Query(
        "SELECT fingerprint FROM events INDEXED BY events_by_id WHERE block = ? AND event_id = ?",
        block, event_id);
    if (rows.Next()) return rows.Int();
  }
  return std::nullopt;
}

std::optional<size_t> EventBatch::Find(const GroupKey& key) {
  Identity identity(key.account_sid, key.kind, key.error_code, key.host);
  if (const auto place = places_.find(identity); place != places_.end()) return place->second;
  Rows rows = connection_.Query(
      absl::StrCat("SELECT ", kGroupColumns,
                   " FROM groups WHERE account_sid = ? AND kind = ? AND error_code = ? AND "
                   "host = ?"),
      key.account_sid, key.kind, key.error_code, key.host);
  if (!rows.Next()) return std::nullopt;
  Group group = ReadGroup(rows);
  groups_.push_back({.id = group.id, .state = group.state});
  places_.emplace(std::move(identity), groups_.size() - 1);
  return groups_.size() - 1;
}

size_t EventBatch::GroupFor(GroupKey key) {
  std::optional<size_t> place = Find(key);
  const bool opens = !place.has_value() || !groups_[*place].state.open;
  if (opens && OpenGroups() >= max_open_groups_) {
    key.host = kOtherHosts;
    place = Find(key);
    ++in_other_hosts_;
  }
  if (place.has_value()) return *place;
  groups_.push_back({.id = InsertGroup(connection_, key)});
  places_.emplace(Identity(key.account_sid, key.kind, key.error_code, key.host),
                  groups_.size() - 1);
  return groups_.size() - 1;
}

int64_t EventBatch::OpenGroups() {
  if (!open_groups_.has_value()) {
    Rows rows = connection_.Query("SELECT count(*) FROM groups WHERE open = 1");
    // Asked before this batch opens its first, so none of them is missing.
    open_groups_ = rows.Next() ? rows.Int() : 0;
  }
  return *open_groups_;
}

}  // namespace understudy::notifier
