#include "tests/sim/sim_store.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>

#include "absl/strings/str_cat.h"

namespace understudy::testing {

using notifier::Appended;
using notifier::Counts;
using notifier::Event;
using notifier::Group;
using notifier::GroupKey;
using notifier::GroupState;
using notifier::Mail;
using notifier::MailState;
using notifier::StoredEvent;
using notifier::StoreTransaction;
using notifier::Told;
using notifier::UrlCount;

namespace {

bool IsUnsettled(const Mail& mail) {
  return mail.state == MailState::kDue || mail.state == MailState::kSending;
}

bool IsDead(const Mail& mail) {
  return mail.state == MailState::kParked || mail.state == MailState::kExpired;
}

// The first `max` of `items` by `key`, ascending; those with equal keys in their order.
template <typename Item, typename Key>
std::vector<Item> FirstBy(std::vector<Item> items, int max, Key key) {
  std::stable_sort(items.begin(), items.end(),
                   [&](const Item& a, const Item& b) { return key(a) < key(b); });
  if (items.size() > static_cast<size_t>(max)) items.resize(static_cast<size_t>(max));
  return items;
}

}  // namespace

// Changes rows as it goes and remembers how to undo each change.
class SimStore::Transaction : public StoreTransaction {
 public:
  explicit Transaction(Rows& rows) : rows_(rows) {}

  const absl::Status& status() const { return status_; }

  void Undo() {
    for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)();
  }

  std::vector<Group> DueGroups(absl::Time now, int max) override {
    std::vector<Group> due;
    if (!status_.ok()) return due;
    for (const auto& [id, kept] : rows_.groups) {
      if (kept.group.state.due_at <= now) due.push_back(kept.group);
    }
    return FirstBy(std::move(due), max, [](const Group& group) { return group.state.due_at; });
  }

  std::optional<Group> FindGroup(int64_t id) override {
    const auto found = rows_.groups.find(id);
    if (!status_.ok() || found == rows_.groups.end()) return std::nullopt;
    return found->second.group;
  }

  void SaveGroupState(int64_t id, const GroupState& state) override {
    if (!HasGroup(id)) return;
    GroupState& kept = rows_.groups.at(id).group.state;
    undo_.push_back(
        [&rows = rows_, id, before = kept] { rows.groups.at(id).group.state = before; });
    kept = state;
  }

  std::vector<Told> ToldOf(int64_t group_id) override {
    std::vector<Told> all;
    if (!status_.ok()) return all;
    for (auto told = rows_.told.lower_bound({group_id, ""});
         told != rows_.told.end() && told->first.first == group_id; ++told) {
      all.push_back(told->second);
    }
    return all;
  }

  void SaveTold(int64_t group_id, const Told& told) override {
    if (HasGroup(group_id)) Put(rows_.told, {group_id, told.recipient}, told);
  }

  std::vector<int64_t> GroupsOverLimit(const std::string& recipient, int max) override {
    std::vector<int64_t> ids;
    if (!status_.ok()) return ids;
    for (const auto& [key, told] : rows_.told) {
      if (ids.size() == static_cast<size_t>(max)) break;
      if (key.second == recipient && told.over_limit) ids.push_back(key.first);
    }
    return ids;
  }

  int64_t CountGroupsOverLimit(const std::string& recipient) override {
    if (!status_.ok()) return 0;
    return std::count_if(rows_.told.begin(), rows_.told.end(), [&](const auto& entry) {
      return entry.first.second == recipient && entry.second.over_limit;
    });
  }

  std::vector<StoredEvent> EventsAfter(int64_t group_id, int64_t row, int max) override {
    std::vector<StoredEvent> events;
    for (const int64_t event_row : NewestAfter(group_id, row, max)) {
      events.push_back(rows_.events.at(event_row));
    }
    return events;
  }

  std::vector<UrlCount> CountByUrl(int64_t group_id, int64_t row, int max_events,
                                   int max_urls) override {
    std::map<std::string, Counts> by_url;
    for (const int64_t event_row : NewestAfter(group_id, row, max_events)) {
      const Event& event = rows_.events.at(event_row).event;
      by_url[event.error_url].Add(event.outcome);
    }
    std::vector<UrlCount> urls;
    for (const auto& [url, counts] : by_url) urls.push_back({.url = url, .counts = counts});
    return FirstBy(std::move(urls), max_urls,
                   [](const UrlCount& url) { return -url.counts.total(); });
  }

  int64_t NewestEventRow(int64_t group_id) override {
    const auto found = rows_.groups.find(group_id);
    return status_.ok() && found != rows_.groups.end() ? found->second.last_event_row : 0;
  }

  int64_t AddMail(const Mail& mail) override {
    if (mail.group_id != 0 && !HasGroup(mail.group_id)) return 0;
    if (!status_.ok()) return 0;
    undo_.push_back([&rows = rows_, before = rows_.last_mail] { rows.last_mail = before; });
    Mail kept = mail;
    kept.id = ++rows_.last_mail;
    Put(rows_.mails, kept.id, kept);
    return kept.id;
  }

  void SaveMailOutcome(const Mail& mail) override {
    if (!status_.ok()) return;
    const auto found = rows_.mails.find(mail.id);
    if (found == rows_.mails.end()) {
      status_ = absl::NotFoundError(absl::StrCat("there is no mail ", mail.id));
      return;
    }
    Mail kept = found->second;
    kept.state = mail.state;
    kept.attempts = mail.attempts;
    kept.was_ambiguous = mail.was_ambiguous;
    kept.next_attempt_at = mail.next_attempt_at;
    kept.last_error = mail.last_error;
    kept.reply = mail.reply;
    kept.settled_at = mail.settled_at;
    Put(rows_.mails, mail.id, kept);
  }

  std::optional<Mail> FindMail(int64_t id) override {
    const auto found = rows_.mails.find(id);
    if (!status_.ok() || found == rows_.mails.end()) return std::nullopt;
    return found->second;
  }

  std::optional<Mail> NextDueMail(absl::Time now) override {
    const std::vector<Mail> due = MailsWhere(
        1,
        [&](const Mail& mail) {
          return mail.state == MailState::kDue && mail.next_attempt_at <= now;
        },
        [](const Mail& mail) { return mail.next_attempt_at; });
    if (due.empty()) return std::nullopt;
    return due.front();
  }

  std::vector<absl::Time> MailsWritten(const std::string& recipient, absl::Time since) override {
    std::vector<absl::Time> times;
    if (!status_.ok()) return times;
    for (const auto& [id, mail] : rows_.mails) {
      if (mail.recipient == recipient && mail.written_at >= since) times.push_back(mail.written_at);
    }
    std::sort(times.begin(), times.end());
    return times;
  }

  std::vector<Mail> DeadMails(absl::Time since, int max) override {
    return MailsWhere(
        max, [&](const Mail& mail) { return IsDead(mail) && mail.settled_at >= since; },
        [](const Mail& mail) { return mail.settled_at; });
  }

  std::vector<Mail> MailsInState(MailState state, int max) override {
    return MailsWhere(
        max, [&](const Mail& mail) { return mail.state == state; },
        [](const Mail& mail) { return mail.next_attempt_at; });
  }

  std::string Note(const std::string& name) override {
    const auto found = rows_.notes.find(name);
    return status_.ok() && found != rows_.notes.end() ? found->second : "";
  }

  void SaveNote(const std::string& name, const std::string& value) override {
    if (status_.ok()) Put(rows_.notes, name, value);
  }

  Counts CountEvents(absl::Time since) override {
    Counts counts;
    if (!status_.ok()) return counts;
    for (const auto& [row, stored] : rows_.events) {
      if (stored.event.received_at >= since) counts.Add(stored.event.outcome);
    }
    return counts;
  }

  int64_t CountOpenGroups() override {
    if (!status_.ok()) return 0;
    return std::count_if(rows_.groups.begin(), rows_.groups.end(),
                         [](const auto& entry) { return entry.second.group.state.open; });
  }

  int Purge(absl::Time before, int max) override {
    if (!status_.ok()) return 0;
    const int purged = PurgeEvents(before, max);
    PurgeMails(before, max);
    PurgeGroups(before, max);
    PurgeCounts(rows_.minutes, notifier::MinuteOf(before), max);
    PurgeCounts(rows_.hours, notifier::HourOf(before), max);
    return purged;
  }

 private:
  template <typename Map>
  void RememberEntry(Map& map, const typename Map::key_type& key) {
    std::optional<typename Map::mapped_type> before;
    if (const auto found = map.find(key); found != map.end()) before = found->second;
    undo_.push_back([&map, key, before] {
      if (before.has_value()) {
        map.insert_or_assign(key, *before);
      } else {
        map.erase(key);
      }
    });
  }

  template <typename Map>
  void Put(Map& map, const typename Map::key_type& key, typename Map::mapped_type value) {
    RememberEntry(map, key);
    map.insert_or_assign(key, std::move(value));
  }

  template <typename Map>
  void Erase(Map& map, const typename Map::key_type& key) {
    RememberEntry(map, key);
    map.erase(key);
  }

  // Whether the group is there; if not, the transaction has failed.
  bool HasGroup(int64_t id) {
    if (status_.ok() && rows_.groups.count(id) == 0) {
      status_ = absl::NotFoundError(absl::StrCat("there is no group ", id));
    }
    return status_.ok();
  }

  // The newest `max` rows of the group behind `row`, ascending.
  std::vector<int64_t> NewestAfter(int64_t group_id, int64_t row, int max) const {
    const auto found = rows_.groups.find(group_id);
    if (!status_.ok() || found == rows_.groups.end()) return {};
    const std::vector<int64_t>& all = found->second.event_rows;
    auto first = std::upper_bound(all.begin(), all.end(), row);
    if (std::distance(first, all.end()) > max) first = all.end() - max;
    return {first, all.end()};
  }

  template <typename Predicate, typename Key>
  std::vector<Mail> MailsWhere(int max, Predicate predicate, Key key) const {
    std::vector<Mail> mails;
    if (!status_.ok()) return mails;
    for (const auto& [id, mail] : rows_.mails) {
      if (predicate(mail)) mails.push_back(mail);
    }
    return FirstBy(std::move(mails), max, key);
  }

  int PurgeEvents(absl::Time before, int max) {
    std::vector<int64_t> old;
    for (const auto& [row, stored] : rows_.events) {
      if (old.size() == static_cast<size_t>(max)) break;
      if (stored.event.received_at < before) old.push_back(row);
    }
    std::set<int64_t> groups;
    for (const int64_t row : old) {
      const StoredEvent& stored = rows_.events.at(row);
      groups.insert(stored.group_id);
      Erase(rows_.event_rows, stored.event.event_id);
      Erase(rows_.events, row);
    }
    for (const int64_t id : groups) {
      RememberEntry(rows_.groups, id);
      std::vector<int64_t>& rows = rows_.groups.at(id).event_rows;
      rows.erase(std::remove_if(rows.begin(), rows.end(),
                                [&](int64_t row) { return rows_.events.count(row) == 0; }),
                 rows.end());
    }
    return static_cast<int>(old.size());
  }

  void PurgeMails(absl::Time before, int max) {
    const std::vector<Mail> old = MailsWhere(
        max, [&](const Mail& mail) { return !IsUnsettled(mail) && mail.settled_at < before; },
        [](const Mail& mail) { return mail.settled_at; });
    for (const Mail& mail : old) Erase(rows_.mails, mail.id);
  }

  template <typename Map>
  void PurgeCounts(Map& counts, int64_t before, int max) {
    for (; max > 0 && !counts.empty() && counts.begin()->first.first < before; --max) {
      Erase(counts, typename Map::key_type(counts.begin()->first));
    }
  }

  void PurgeGroups(absl::Time before, int max) {
    std::set<int64_t> referred;
    for (const auto& [id, mail] : rows_.mails) referred.insert(mail.group_id);
    for (const auto& [key, told] : rows_.told) {
      if (told.over_limit) referred.insert(key.first);
    }
    std::vector<Group> old;
    for (const auto& [id, kept] : rows_.groups) {
      const GroupState& state = kept.group.state;
      if (!state.open && state.due_at == absl::InfiniteFuture() && state.last_at < before &&
          kept.event_rows.empty() && referred.count(id) == 0) {
        old.push_back(kept.group);
      }
    }
    for (const Group& group :
         FirstBy(std::move(old), max, [](const Group& g) { return g.state.last_at; })) {
      for (const Told& told : ToldOf(group.id)) Erase(rows_.told, {group.id, told.recipient});
      Erase(rows_.group_ids, IdentityOf(group.key));
      Erase(rows_.groups, group.id);
    }
  }

  Rows& rows_;
  absl::Status status_;
  std::vector<std::function<void()>> undo_;
};

SimStore::SimStore(const notifier::Waits& waits, int64_t max_open_groups)
    : max_open_groups_(max_open_groups), waits_(waits) {}

SimStore::~SimStore() = default;

void SimStore::SetWaits(const notifier::Waits& waits) {
  MutexLock lock(mutex_);
  waits_ = waits;
}

void SimStore::SkipRowsTo(int64_t row) {
  MutexLock lock(mutex_);
  rows_.last_event = row;
}

SimStore::Identity SimStore::IdentityOf(const GroupKey& key) {
  return {key.account_sid, key.kind, key.error_code, key.host};
}

int64_t SimStore::CountOpenGroups() const {
  return std::count_if(rows_.groups.begin(), rows_.groups.end(),
                       [](const auto& entry) { return entry.second.group.state.open; });
}

SimStore::KeptGroup& SimStore::GroupFor(GroupKey key) {
  const auto find = [this](const GroupKey& wanted) REQUIRES(mutex_) -> KeptGroup* {
    const auto id = rows_.group_ids.find(IdentityOf(wanted));
    return id == rows_.group_ids.end() ? nullptr : &rows_.groups.at(id->second);
  };
  KeptGroup* kept = find(key);
  const bool opens = kept == nullptr || !kept->group.state.open;
  if (opens && CountOpenGroups() >= max_open_groups_) {
    key.host = notifier::kOtherHosts;
    kept = find(key);
  }
  if (kept != nullptr) return *kept;
  const int64_t id = ++rows_.last_group;
  rows_.group_ids.emplace(IdentityOf(key), id);
  KeptGroup& made = rows_.groups[id];
  made.group.id = id;
  made.group.key = std::move(key);
  return made;
}

absl::StatusOr<std::vector<Appended>> SimStore::Append(std::vector<Event> events) {
  MutexLock lock(mutex_);
  std::vector<Appended> results;
  results.reserve(events.size());
  for (Event& event : events) {
    if (const auto known = rows_.event_rows.find(event.event_id); known != rows_.event_rows.end()) {
      const Event& kept = rows_.events.at(known->second).event;
      results.push_back(FingerprintOf(kept) == FingerprintOf(event) ? Appended::kDuplicate
                                                                    : Appended::kConflict);
      continue;
    }
    KeptGroup& kept = GroupFor(GroupKeyOf(event));
    kept.group.state = OnEvent(kept.group.state, event, waits_);
    const int64_t row = ++rows_.last_event;
    kept.last_event_row = row;
    kept.event_rows.push_back(row);
    rows_.event_rows.emplace(event.event_id, row);
    rows_.minutes[{notifier::MinuteOf(event.received_at), notifier::CountedCode(event.error_code)}]
        .Add(event.outcome);
    ++rows_.hours[{notifier::HourOf(event.received_at), kept.group.id}];
    rows_.events.emplace(
        row, StoredEvent{.row = row, .group_id = kept.group.id, .event = std::move(event)});
    results.push_back(Appended::kStored);
  }
  return results;
}

absl::Status SimStore::Write(absl::FunctionRef<absl::Status(StoreTransaction&)> work) {
  MutexLock lock(mutex_);
  Transaction transaction(rows_);
  const absl::Status worked = work(transaction);
  const absl::Status& status = transaction.status().ok() ? worked : transaction.status();
  if (!status.ok()) transaction.Undo();
  return status;
}

absl::StatusOr<absl::Time> SimStore::NextDueAt() {
  MutexLock lock(mutex_);
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [id, kept] : rows_.groups) next = std::min(next, kept.group.state.due_at);
  for (const auto& [id, mail] : rows_.mails) {
    if (mail.state == MailState::kDue) next = std::min(next, mail.next_attempt_at);
  }
  return next;
}

bool SimStore::Fits(const StoredEvent& stored, const notifier::EventFilter& filter) const {
  const Event& event = stored.event;
  return stored.row > filter.after_row &&
         (filter.event_id.empty() || event.event_id == filter.event_id) &&
         (filter.host.empty() || rows_.groups.at(stored.group_id).group.key.host == filter.host) &&
         (filter.account_sid.empty() || event.account_sid == filter.account_sid) &&
         (filter.resource_sid.empty() || event.resource_sid == filter.resource_sid) &&
         (filter.phone_number.empty() || event.phone_number == filter.phone_number) &&
         (filter.error_code == 0 || event.error_code == filter.error_code) &&
         (filter.group_id == 0 || stored.group_id == filter.group_id) &&
         (!filter.level.has_value() || event.level == *filter.level) &&
         event.occurred_at >= filter.start && event.occurred_at < filter.end;
}

absl::StatusOr<std::vector<StoredEvent>> SimStore::ListEvents(const notifier::EventFilter& filter,
                                                              int64_t before_row, int max) {
  MutexLock lock(mutex_);
  std::vector<StoredEvent> listed;
  const auto list = [&](const auto& kept) REQUIRES(mutex_) {
    if (listed.size() == static_cast<size_t>(max)) return;
    const auto& [row, stored] = kept;
    if ((before_row == 0 || row < before_row) && Fits(stored, filter)) listed.push_back(stored);
  };
  if (filter.oldest_first) {
    std::for_each(rows_.events.begin(), rows_.events.end(), list);
  } else {
    std::for_each(rows_.events.rbegin(), rows_.events.rend(), list);
  }
  return listed;
}

absl::StatusOr<notifier::FoundEvents> SimStore::Search(const notifier::EventSearch& search,
                                                       int64_t before_row, int max, int) {
  MutexLock lock(mutex_);
  notifier::FoundEvents found;
  for (auto it = rows_.events.rbegin(); it != rows_.events.rend(); ++it) {
    const auto& [row, stored] = *it;
    if (before_row != 0 && row >= before_row) continue;
    if (!Fits(stored, search.filter)) continue;
    if (!search.host.empty() && (GroupKeyOf(stored.event).host != search.host ||
                                 !notifier::BeginsSo(stored.event.error_url, search.url_begins))) {
      continue;
    }
    if (found.events.size() == static_cast<size_t>(max)) {
      found.rest_before_row = row + 1;
      break;
    }
    found.events.push_back(stored);
  }
  return found;
}

absl::StatusOr<std::optional<Group>> SimStore::FindGroup(int64_t id) {
  MutexLock lock(mutex_);
  const auto found = rows_.groups.find(id);
  if (found == rows_.groups.end()) return std::nullopt;
  return found->second.group;
}

absl::StatusOr<std::optional<StoredEvent>> SimStore::FindEvent(int64_t row) {
  MutexLock lock(mutex_);
  const auto found = rows_.events.find(row);
  if (found == rows_.events.end()) return std::nullopt;
  return found->second;
}

absl::StatusOr<std::vector<notifier::MinuteCounts>> SimStore::CountsByMinute(absl::Time since) {
  MutexLock lock(mutex_);
  std::vector<notifier::MinuteCounts> minutes;
  for (const auto& [key, counts] : rows_.minutes) {
    if (key.first < notifier::MinuteOf(since)) continue;
    minutes.push_back({.minute = absl::UnixEpoch() + absl::Minutes(key.first),
                       .error_code = key.second,
                       .counts = counts});
  }
  return minutes;
}

absl::StatusOr<std::vector<notifier::HourCount>> SimStore::CountsByHour(
    const std::vector<int64_t>& group_ids, absl::Time since) {
  MutexLock lock(mutex_);
  const int64_t first = notifier::HourOf(since);
  std::vector<notifier::HourCount> hours;
  for (const int64_t id : group_ids) {
    for (const auto& [key, events] : rows_.hours) {
      if (key.second != id || key.first < first || key.first >= first + notifier::kMaxHoursListed) {
        continue;
      }
      hours.push_back(
          {.group_id = id, .hour = absl::UnixEpoch() + absl::Hours(key.first), .events = events});
    }
  }
  return hours;
}

absl::StatusOr<std::vector<notifier::Store::ListedGroup>> SimStore::ListGroups(
    const notifier::GroupFilter& filter, std::optional<GroupPlace> before, int max) {
  MutexLock lock(mutex_);
  const auto order = [](const GroupPlace& place) {
    return std::pair(-place.last_event_row, -place.id);
  };
  std::vector<ListedGroup> listed;
  for (const auto& [id, kept] : rows_.groups) {
    const GroupPlace place = {.last_event_row = kept.last_event_row, .id = id};
    const GroupKey& key = kept.group.key;
    if ((!before.has_value() || order(place) > order(*before)) &&
        (filter.account_sid.empty() || key.account_sid == filter.account_sid) &&
        (filter.error_code == 0 || key.error_code == filter.error_code) &&
        (filter.host.empty() || key.host == filter.host) &&
        (filter.group_id == 0 || id == filter.group_id) &&
        (!filter.open.has_value() || kept.group.state.open == *filter.open)) {
      listed.push_back({.group = kept.group, .place = place});
    }
  }
  return FirstBy(std::move(listed), max,
                 [&](const ListedGroup& group) { return order(group.place); });
}

absl::StatusOr<notifier::StoreStatus> SimStore::ReadStatus() {
  MutexLock lock(mutex_);
  notifier::StoreStatus status;
  status.open_groups = CountOpenGroups();
  status.recovered_groups = static_cast<int64_t>(rows_.groups.size()) - status.open_groups;
  for (const auto& [id, mail] : rows_.mails) {
    if (IsDead(mail)) ++status.dead_mails;
    if (!IsUnsettled(mail)) continue;
    ++status.due_mails;
    status.oldest_due_mail_at = std::min(status.oldest_due_mail_at, mail.written_at);
  }
  return status;
}

absl::Status SimStore::Health() {
  return absl::OkStatus();
}

}  // namespace understudy::testing
