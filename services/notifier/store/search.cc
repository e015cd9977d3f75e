#include "services/notifier/store/search.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/notifier/store/event_blocks.h"
#include "services/notifier/store/lists.h"
#include "services/notifier/store/rows.h"

namespace understudy::notifier {
namespace {

constexpr int64_t kPastAll = std::numeric_limits<int64_t>::max();
constexpr absl::string_view kOthers(kOtherHosts, sizeof(kOtherHosts) - 1);
// Of one host there are as many as it has accounts, kinds and codes; further ones are not searched.
constexpr int kMaxGroupsSearched = 1000;

// What the conditions are about, of an event: its texts are read once it is found.
constexpr absl::string_view kCandidateColumns =
    "e.row, group_id, account_sid, resource_sid, phone_number, error_code, occurred_at, error_url, "
    "event_id";

// The index to walk: that of the condition which leaves fewest events; see lists.cc.
struct Walk {
  absl::string_view index = "NOT INDEXED";
  absl::string_view condition = {};
};

Walk WalkFor(const EventFilter& filter) {
  if (!filter.event_id.empty()) return {"INDEXED BY events_by_id", " AND event_id = ?8"};
  if (!filter.resource_sid.empty()) {
    return {"INDEXED BY events_by_resource", " AND resource_sid = ?3"};
  }
  if (filter.group_id != 0) return {"INDEXED BY events_by_group", " AND group_id = ?4"};
  if (!filter.phone_number.empty()) {
    return {"INDEXED BY events_by_phone_number", " AND phone_number = ?5"};
  }
  if (!filter.account_sid.empty()) {
    return {"INDEXED BY events_by_account", " AND account_sid = ?6"};
  }
  if (filter.error_code != 0) return {"INDEXED BY events_by_code", " AND error_code = ?7"};
  return {};
}

struct Candidate {
  int64_t row = 0;
  bool is_wanted = false;
};

bool IsWanted(Rows& rows, const EventSearch& search) {
  const EventFilter& filter = search.filter;
  const int64_t group_id = rows.Int();
  if (filter.group_id != 0 && group_id != filter.group_id) return false;
  const std::string account_sid = rows.Text();
  if (!filter.account_sid.empty() && account_sid != filter.account_sid) return false;
  const std::string resource_sid = rows.Text();
  if (!filter.resource_sid.empty() && resource_sid != filter.resource_sid) return false;
  const std::string phone_number = rows.Text();
  if (!filter.phone_number.empty() && phone_number != filter.phone_number) return false;
  const int64_t error_code = rows.Int();
  if (filter.error_code != 0 && error_code != filter.error_code) return false;
  const absl::Time occurred_at = rows.Time();
  if (occurred_at < filter.start || occurred_at >= filter.end) return false;
  const std::string error_url = rows.Text();
  if (!search.host.empty() && (!BeginsSo(error_url, search.url_begins) ||
                               GroupKeyOf({.error_url = error_url}).host != search.host)) {
    return false;
  }
  return filter.event_id.empty() || rows.Text() == filter.event_id;
}

Candidate ReadCandidate(Rows& rows, const EventSearch& search) {
  const int64_t row = rows.Int();
  return {.row = row, .is_wanted = IsWanted(rows, search)};
}

// What a walk came to. One more is looked for than is wanted, to know whether there is a rest.
class Places {
 public:
  Places(int max, int max_looked_at) : max_(max), max_looked_at_(max_looked_at) {}

  void LookedAt() { ++looked_at_; }
  bool HasLookedEnough() const { return looked_at_ >= max_looked_at_; }
  bool IsFull() const { return rows_.size() > static_cast<size_t>(max_); }
  size_t room() const { return static_cast<size_t>(max_) + 1 - rows_.size(); }
  // REQUIRES: not full, and lower than what was found before.
  void Found(int64_t row) { rows_.push_back(row); }
  void StopAt(int64_t row) { rest_before_row_ = row; }

  // What was found, descending, and where the rest is.
  std::vector<int64_t> Take() {
    if (IsFull()) {
      rows_.pop_back();
      rest_before_row_ = rows_.empty() ? 0 : rows_.back();
    }
    return std::move(rows_);
  }
  int64_t rest_before_row() const { return rest_before_row_; }

 private:
  const int max_;
  const int max_looked_at_;
  int looked_at_ = 0;
  std::vector<int64_t> rows_;
  int64_t rest_before_row_ = 0;
};

// Along an index, or along the table.
void WalkEvents(Connection& connection, const EventSearch& search, int64_t last, Places& places) {
  const EventFilter& filter = search.filter;
  const Walk walk = WalkFor(filter);
  const std::string sql = absl::StrCat(
      "SELECT ", kCandidateColumns, " FROM event_blocks AS b CROSS JOIN events AS e ", walk.index,
      " WHERE b.block <= ?1 AND ",
      walk.condition.empty() ? "row BETWEEN b.block << 14 AND min((b.block << 14) + 16383, ?2)"
                             : "e.block = b.block AND row <= ?2",
      walk.condition,
      " AND b.last_occurred_at >= ?9 AND b.first_occurred_at < ?10 "
      "ORDER BY b.block DESC, row DESC");
  Rows rows = connection.Query(sql, BlockOf(last), last, filter.resource_sid, filter.group_id,
                               filter.phone_number, filter.account_sid, filter.error_code,
                               filter.event_id, filter.start, filter.end);
  while (!places.IsFull() && rows.Next()) {
    const Candidate candidate = ReadCandidate(rows, search);
    if (places.HasLookedEnough()) {
      places.StopAt(candidate.row + 1);
      return;
    }
    places.LookedAt();
    if (candidate.is_wanted) places.Found(candidate.row);
  }
}

struct SearchedGroup {
  int64_t id = 0;
  int64_t last_event_row = 0;
};

// Where events of the host may be: in its groups, and in those of other hosts.
std::vector<SearchedGroup> GroupsOf(Connection& connection, const EventSearch& search) {
  std::vector<SearchedGroup> groups;
  for (const absl::string_view host : {absl::string_view(search.host), kOthers}) {
    Rows rows = connection.Query(
        "SELECT id, last_event_row, account_sid, error_code FROM groups INDEXED BY groups_by_host "
        "WHERE host = ? ORDER BY last_event_row DESC LIMIT ?",
        host, kMaxGroupsSearched);
    while (rows.Next()) {
      const SearchedGroup group = {.id = rows.Int(), .last_event_row = rows.Int()};
      const std::string account_sid = rows.Text();
      const int64_t error_code = rows.Int();
      const EventFilter& filter = search.filter;
      if ((filter.group_id == 0 || group.id == filter.group_id) &&
          (filter.account_sid.empty() || account_sid == filter.account_sid) &&
          (filter.error_code == 0 || error_code == filter.error_code)) {
        groups.push_back(group);
      }
    }
  }
  return groups;
}

// Along the groups of a host, block by block.
void WalkGroups(Connection& connection, const EventSearch& search, int64_t last, Places& places) {
  const std::vector<SearchedGroup> groups = GroupsOf(connection, search);
  int64_t newest = 0;
  for (const SearchedGroup& group : groups) newest = std::max(newest, group.last_event_row);
  last = std::min(last, newest);
  Rows blocks = connection.Query(
      "SELECT block FROM event_blocks WHERE block <= ? AND last_occurred_at >= ? AND "
      "first_occurred_at < ? ORDER BY block DESC",
      BlockOf(last), search.filter.start, search.filter.end);
  while (!places.IsFull() && blocks.Next()) {
    const int64_t block = blocks.Int();
    if (places.HasLookedEnough()) {
      places.StopAt(LastRowOf(block) + 1);
      return;
    }
    std::vector<int64_t> found;
    for (const SearchedGroup& group : groups) {
      if (group.last_event_row < FirstRowOf(block)) continue;
      places.LookedAt();
      Rows rows = connection.Query(
          absl::StrCat("SELECT ", kCandidateColumns,
                       " FROM events AS e INDEXED BY events_by_group "
                       "WHERE block = ? AND group_id = ? AND row <= ? ORDER BY row DESC"),
          block, group.id, last);
      for (size_t left = places.room(); left > 0 && rows.Next();) {
        places.LookedAt();
        const Candidate candidate = ReadCandidate(rows, search);
        if (!candidate.is_wanted) continue;
        found.push_back(candidate.row);
        --left;
      }
    }
    std::sort(found.rbegin(), found.rend());
    for (const int64_t row : found) {
      if (places.IsFull()) break;
      places.Found(row);
    }
  }
}

}  // namespace

FoundEvents Search(Connection& connection, const EventSearch& search, int64_t before_row, int max,
                   int max_looked_at) {
  const int64_t last = before_row == 0 ? kPastAll : before_row - 1;
  Places places(max, max_looked_at);
  if (search.host.empty()) {
    WalkEvents(connection, search, last, places);
  } else {
    WalkGroups(connection, search, last, places);
  }
  FoundEvents found;
  for (const int64_t row : places.Take()) {
    if (auto event = FindEvent(connection, row)) found.events.push_back(*std::move(event));
  }
  found.rest_before_row = places.rest_before_row();
  return found;
}

}  // namespace understudy::notifier
