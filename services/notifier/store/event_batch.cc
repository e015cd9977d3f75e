#include "services/notifier/store/event_batch.h"

#include "absl/strings/str_cat.h"
#include "services/notifier/store/rows.h"

namespace understudy::notifier {

EventBatch::EventBatch(Connection& connection, const Waits& waits, int64_t max_open_groups)
    : connection_(connection), waits_(waits), max_open_groups_(max_open_groups) {}

Appended EventBatch::Add(const Event& event) {
  if (const std::optional<Appended> known = Known(event)) return *known;
  const size_t place = GroupFor(GroupKeyOf(event));
  Folded& group = groups_[place];
  InsertEvent(connection_, group.id, event);
  group.last_event_row = connection_.last_row();
  const bool was_open = group.state.open;
  group.state = OnEvent(group.state, event, waits_);
  if (open_groups_.has_value() && group.state.open && !was_open) ++*open_groups_;

  const auto [hour, is_new] = hours_.try_emplace(HourOf(event.occurred_at));
  if (is_new) hour->second.first_row = group.last_event_row;
  hour->second.last_row = group.last_event_row;
  return Appended::kStored;
}

void EventBatch::Finish() {
  for (const Folded& group : groups_) {
    if (group.last_event_row != 0) {
      UpdateGroup(connection_, group.id, group.state, group.last_event_row);
    }
  }
  for (const auto& [hour, span] : hours_) {
    connection_.Run(
        "INSERT INTO event_hours (hour, first_row, last_row) VALUES (?, ?, ?) "
        "ON CONFLICT (hour) DO UPDATE SET last_row = excluded.last_row",
        hour, span.first_row, span.last_row);
  }
}

std::optional<Appended> EventBatch::Known(const Event& event) {
  Rows rows =
      connection_.Query("SELECT fingerprint FROM events WHERE event_id = ?", event.event_id);
  if (!rows.Next()) return std::nullopt;
  const bool is_same = rows.Int() == static_cast<int64_t>(FingerprintOf(event));
  return is_same ? Appended::kDuplicate : Appended::kConflict;
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
