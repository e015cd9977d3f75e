// SQLite's store does whatever the one in memory does: random work by seed on both, looked at after
// every step. Between steps the database is closed and opened, found again as after a crash, and
// its rows skip to where blocks and segments of them begin.
//
// UNDERSTUDY_STORE_SEEDS=1000 tries so many seeds in place of a few.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/mutex.h"
#include "services/notifier/store/known_ids.h"
#include "services/notifier/store/sqlite_store.h"
#include "services/notifier/store/store.h"
#include "tests/notifier/store/sample_events.h"
#include "tests/sim/sim_store.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using notifier::Counts;
using notifier::Event;
using notifier::Group;
using notifier::GroupState;
using notifier::Level;
using notifier::Mail;
using notifier::MailState;
using notifier::SqliteStore;
using notifier::Store;
using notifier::StoredEvent;
using notifier::StoreTransaction;
using notifier::Told;

constexpr int kSeeds = 12;
constexpr int kSteps = 400;
constexpr int64_t kMaxOpenGroups = 9;

// --- Everything as text, so that differences can be read ---

std::string Text(absl::Time time) {
  if (time == absl::InfiniteFuture()) return "never";
  if (time == absl::InfinitePast()) return "long ago";
  return absl::StrCat(absl::ToInt64Milliseconds(time - At()), "ms");
}

std::string Text(const Counts& counts) {
  const auto& c = counts.by_outcome;
  return absl::StrCat("[", c[0], " ", c[1], " ", c[2], " ", c[3], "]");
}

std::string Text(const StoredEvent& stored) {
  const Event& e = stored.event;
  return absl::StrCat("\n  event ", stored.row, " in ", stored.group_id, ": ", e.event_id, " ",
                      Text(e.occurred_at), " ", Text(e.received_at), " ", e.account_sid, " ",
                      e.phone_number, " ", e.resource_sid, " ", e.error_code, " ", e.error_url, " ",
                      static_cast<int>(e.outcome), " ", e.detail);
}

std::string Text(const Group& group) {
  const GroupState& s = group.state;
  return absl::StrCat("\n  group ", group.id, ": ", group.key.account_sid, " ",
                      group.key.error_code, " ", group.key.host, " ", s.open ? "open " : "shut ",
                      s.episode, " ", static_cast<int>(s.level), Text(s.counts),
                      Text(s.counts_before), " ", Text(s.first_at), " ", Text(s.last_at), " ",
                      Text(s.last_mail_at), " ", Text(s.due_at), " ", Text(s.quiet_until));
}

std::string Text(const Told& told) {
  return absl::StrCat("\n  told ", told.recipient, " ", told.last_message_id, " ", told.mails, " ",
                      told.episode, " ", told.recovered, Text(told.counts), " ",
                      told.last_event_row, " ", Text(told.last_mail_at), " ", told.mail_pending,
                      told.over_limit);
}

std::string Text(const Mail& mail) {
  return absl::StrCat("\n  mail ", mail.id, " of ", mail.group_id, " ", mail.recipient, " ",
                      mail.bytes, " ", Text(mail.written_at), " ", static_cast<int>(mail.state),
                      " ", mail.attempts, mail.was_ambiguous, " ", Text(mail.next_attempt_at), " ",
                      mail.last_error, " ", mail.reply, " ", Text(mail.settled_at));
}

template <typename Item>
std::string Text(const std::vector<Item>& items) {
  std::string text = absl::StrCat(" ", items.size(), ":");
  for (const Item& item : items) text += Text(item);
  return text;
}

// --- Steps: the same on both stores, for the same seed ---

class Steps {
 public:
  Steps(Store& store, uint64_t seed, absl::Time now) : store_(store), random_(seed), now_(now) {}

  // Does something; what that was, and what came of it.
  std::string Run() {
    switch (Below(12)) {
      case 0:
      case 1:
      case 2:
        return Append();
      case 3:
      case 4:
      case 5:
        return Write();
      case 6:
        return ListEvents();
      case 7:
        return ListGroups();
      case 8:
        return Search();
      case 9:
        return Counts();
      default:
        return Look();
    }
  }

 private:
  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  bool Chance(int percent) { return Below(100) < percent; }
  absl::Time Near() { return now_ + absl::Seconds(Below(7200) - 3600); }
  std::string Recipient() { return absl::StrCat("r", Below(3), "@example.com"); }
  int64_t GroupId() { return 1 + Below(16); }
  std::string Account() { return Chance(70) ? kAccount : kOtherAccount; }
  std::string Number() { return absl::StrCat("+1415555010", Below(4)); }
  int Code() { return Chance(60) ? 11200 : Chance(80) ? 12100 : 99990 + Below(3); }
  std::string Host() {
    return Chance(20) ? notifier::kOtherHosts : absl::StrCat("h", Below(6), ".example.com");
  }
  int64_t NewestRow() {
    const auto newest = store_.ListEvents({}, 0, 1);
    return newest.ok() && !newest->empty() ? newest->front().row : 0;
  }

  Event AnEvent() {
    Event event = SampleEventAt(absl::StrCat("e", Below(400)),
                                absl::StrCat("https://h", Below(6), ".example.com/", Below(3)));
    event.received_at = now_ + absl::Milliseconds(Below(1000));
    event.occurred_at = Near();
    event.account_sid = Account();
    event.error_code = Code();
    event.phone_number = Chance(20) ? "" : Number();
    event.resource_sid = Chance(20) ? "" : absl::StrCat("CA", Below(30));
    event.level = Chance(70) ? Level::kError : Level::kWarning;
    event.outcome = static_cast<notifier::Outcome>(Below(notifier::kOutcomes));
    if (Chance(30)) event.parameters = {{"From", Number()}};
    event.detail = Chance(80) ? "" : "another";  // and so a conflict, if the id is known
    return event;
  }

  std::string Append() {
    std::vector<Event> events;
    for (int left = 1 + Below(12); left > 0; --left) events.push_back(AnEvent());
    std::string text = "append:";
    const auto appended = store_.Append(std::move(events));
    if (!appended.ok()) return absl::StrCat(text, appended.status().ToString());
    for (const notifier::Appended result : *appended) {
      absl::StrAppend(&text, " ", static_cast<int>(result));
    }
    return text;
  }

  std::string Write() {
    std::string text = "write:";
    const absl::Status status = store_.Write([&](StoreTransaction& store) {
      for (int left = 1 + Below(6); left > 0; --left) absl::StrAppend(&text, Verb(store));
      return Chance(20) ? absl::AbortedError("given up") : absl::OkStatus();
    });
    return absl::StrCat(text, " -> ", absl::StatusCodeToString(status.code()));
  }

  std::string Verb(StoreTransaction& store) {
    switch (Below(18)) {
      case 0:
        return absl::StrCat("\n due", Text(store.DueGroups(Near(), 1 + Below(5))));
      case 1: {
        const int64_t id = GroupId();
        const std::optional<Group> group = store.FindGroup(id);
        if (!group.has_value()) return absl::StrCat("\n no group ", id);
        GroupState state = group->state;
        if (Chance(50)) state = OnRecovered(state);
        state.due_at = Chance(50) ? absl::InfiniteFuture() : Near();
        store.SaveGroupState(id, state);
        return absl::StrCat("\n saved", Text(*group));
      }
      case 2: {
        const int64_t id = GroupId();
        if (Chance(90) && !store.FindGroup(id).has_value()) return "\n nobody told";
        store.SaveTold(id, {.recipient = Recipient(),
                            .last_message_id = absl::StrCat(Below(100)),
                            .mails = Below(5),
                            .last_event_row = store.NewestEventRow(id),
                            .last_mail_at = Near(),
                            .mail_pending = Chance(50),
                            .over_limit = Chance(50)});
        return absl::StrCat("\n told of ", id, Text(store.ToldOf(id)));
      }
      case 3:
        return absl::StrCat("\n told", Text(store.ToldOf(GroupId())));
      case 4: {
        const std::string recipient = Recipient();
        std::string text = absl::StrCat("\n over limit ", store.CountGroupsOverLimit(recipient));
        for (const int64_t id : store.GroupsOverLimit(recipient, 1 + Below(4))) {
          absl::StrAppend(&text, " ", id);
        }
        return text;
      }
      case 5: {
        const int64_t id = GroupId();
        const int64_t row = std::max<int64_t>(0, store.NewestEventRow(id) - Below(40));
        return absl::StrCat("\n events", Text(store.EventsAfter(id, row, 1 + Below(20))));
      }
      case 6: {
        const int64_t id = GroupId();
        const int64_t row = std::max<int64_t>(0, store.NewestEventRow(id) - Below(100));
        std::string text = "\n urls";
        for (const notifier::UrlCount& url : store.CountByUrl(id, row, 1 + Below(50), 3)) {
          absl::StrAppend(&text, " ", url.url, Text(url.counts));
        }
        return text;
      }
      case 7:
        return absl::StrCat("\n newest ", store.NewestEventRow(GroupId()));
      case 8:
      case 9: {
        const int64_t id = Chance(30) ? 0 : GroupId();
        if (Chance(90) && id != 0 && !store.FindGroup(id).has_value()) return "\n no mail";
        return absl::StrCat("\n wrote mail ", store.AddMail({.group_id = id,
                                                             .recipient = Recipient(),
                                                             .bytes = absl::StrCat(Below(1000)),
                                                             .written_at = now_,
                                                             .next_attempt_at = Near()}));
      }
      case 10:
      case 11: {
        std::optional<Mail> mail = store.NextDueMail(Near());
        if (!mail.has_value()) return "\n none due";
        const std::string found = Text(*mail);
        mail->state = static_cast<MailState>(Below(5));
        ++mail->attempts;
        mail->next_attempt_at = Near();
        mail->settled_at = mail->state >= MailState::kAccepted ? now_ : absl::InfinitePast();
        mail->reply = "250";
        store.SaveMailOutcome(*mail);
        return absl::StrCat("\n settled", found);
      }
      case 12: {
        std::string text = "\n written";
        for (const absl::Time at : store.MailsWritten(Recipient(), Near())) {
          absl::StrAppend(&text, " ", Text(at));
        }
        return text;
      }
      case 13:
        return absl::StrCat("\n dead", Text(store.DeadMails(Near(), 1 + Below(5))));
      case 14:
        return absl::StrCat("\n in state", Text(store.MailsInState(static_cast<MailState>(Below(5)),
                                                                   1 + Below(5))));
      case 15: {
        const std::string name = absl::StrCat("n", Below(3));
        const std::string before = store.Note(name);
        store.SaveNote(name, absl::StrCat(Below(1000)));
        return absl::StrCat("\n note ", before, " ", store.Note(name));
      }
      case 16:
        return absl::StrCat("\n counted ", Text(store.CountEvents(Near())), " ",
                            store.CountOpenGroups());
      default: {
        const absl::Time before = now_ - absl::Minutes(Below(240));
        return absl::StrCat("\n purged ", store.Purge(before, 1 + Below(60)));
      }
    }
  }

  std::string ListEvents() {
    notifier::EventFilter filter;
    if (Chance(30)) filter.account_sid = Account();
    if (Chance(20)) filter.resource_sid = absl::StrCat("CA", Below(30));
    if (Chance(20)) filter.phone_number = Number();
    if (Chance(30)) filter.error_code = Code();
    if (Chance(30)) filter.group_id = GroupId();
    if (Chance(5)) filter.event_id = absl::StrCat("e", Below(400));
    if (Chance(15)) filter.host = Host();
    if (Chance(15)) filter.after_row = NewestRow() - Below(60);
    if (Chance(15)) filter.level = Chance(50) ? Level::kError : Level::kWarning;
    if (Chance(15)) filter.oldest_first = true;
    if (Chance(30)) filter.start = Near();
    if (Chance(30)) filter.end = Near();
    std::string text = "list:";
    int64_t before_row = 0;
    for (int pages = 1 + Below(3); pages > 0; --pages) {
      const auto listed = store_.ListEvents(filter, before_row, 1 + Below(30));
      if (!listed.ok()) return absl::StrCat(text, listed.status().ToString());
      absl::StrAppend(&text, Text(*listed));
      if (listed->empty()) break;
      (filter.oldest_first ? filter.after_row : before_row) = listed->back().row;
    }
    return text;
  }

  std::string ListGroups() {
    notifier::GroupFilter filter;
    if (Chance(30)) filter.account_sid = Account();
    if (Chance(30)) filter.error_code = Code();
    if (Chance(30)) filter.host = Host();
    if (Chance(10)) filter.group_id = GroupId();
    if (Chance(30)) filter.open = Chance(50);
    std::string text = "list groups:";
    std::optional<Store::GroupPlace> before;
    for (int pages = 1 + Below(4); pages > 0; --pages) {
      const auto listed = store_.ListGroups(filter, before, 1 + Below(5));
      if (!listed.ok()) return absl::StrCat(text, listed.status().ToString());
      for (const Store::ListedGroup& group : *listed) {
        absl::StrAppend(&text, Text(group.group), " at ", group.place.last_event_row);
      }
      if (listed->empty()) break;
      before = listed->back().place;
    }
    return text;
  }

  // Pages differ where one store looks at more than another: their events together do not.
  std::string Search() {
    notifier::EventSearch search;
    if (Chance(70)) {
      search.host = absl::StrCat("h", Below(7), ".example.com");
      search.url_begins = absl::StrCat(Chance(50) ? "https://" : "", search.host);
      if (Chance(30)) absl::StrAppend(&search.url_begins, "/", Below(3));
    }
    if (Chance(5)) search.filter.event_id = absl::StrCat("e", Below(400));
    if (Chance(20)) search.filter.account_sid = Account();
    if (Chance(20)) search.filter.resource_sid = absl::StrCat("CA", Below(30));
    if (Chance(20)) search.filter.phone_number = Number();
    if (Chance(20)) search.filter.error_code = Code();
    if (Chance(20)) search.filter.group_id = GroupId();
    if (Chance(30)) search.filter.start = Near();
    if (Chance(30)) search.filter.end = Near();
    const int max = 1 + Below(40);
    const int max_looked_at = 1 + Below(60);
    std::string text = "search:";
    int64_t before_row = 0;
    do {
      const auto found = store_.Search(search, before_row, max, max_looked_at);
      if (!found.ok()) return absl::StrCat(text, found.status().ToString());
      if (found->events.size() > static_cast<size_t>(max)) return "more than was asked for";
      for (const StoredEvent& event : found->events) absl::StrAppend(&text, Text(event));
      if (before_row != 0 && found->rest_before_row >= before_row) return "it does not get on";
      before_row = found->rest_before_row;
    } while (before_row != 0);
    return text;
  }

  std::string Counts() {
    const absl::Time since = Near();
    const auto minutes = store_.CountsByMinute(since);
    std::vector<int64_t> ids = {GroupId(), GroupId()};
    const auto hours = store_.CountsByHour(ids, since);
    const auto group = store_.FindGroup(ids[0]);
    const auto event = store_.FindEvent(1 + Below(400));
    if (!minutes.ok() || !hours.ok() || !group.ok() || !event.ok()) return "cannot count";
    std::string text = "counts:";
    for (const notifier::MinuteCounts& minute : *minutes) {
      absl::StrAppend(&text, "\n  ", Text(minute.minute), " ", minute.error_code,
                      Text(minute.counts));
    }
    for (const notifier::HourCount& hour : *hours) {
      absl::StrAppend(&text, "\n  ", hour.group_id, " ", Text(hour.hour), " ", hour.events);
    }
    if (group->has_value()) absl::StrAppend(&text, Text(**group));
    if (event->has_value()) absl::StrAppend(&text, Text(**event));
    return text;
  }

  std::string Look() {
    const auto status = store_.ReadStatus();
    const auto next = store_.NextDueAt();
    if (!status.ok() || !next.ok()) return "cannot look";
    return absl::StrCat("look: ", status->open_groups, " ", status->recovered_groups, " ",
                        status->due_mails, " ", status->dead_mails, " ",
                        Text(status->oldest_due_mail_at), " next ", Text(*next));
  }

  Store& store_;
  std::mt19937_64 random_;
  const absl::Time now_;
};

// --- The database ---

void Execute(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  Require(sqlite3_open(path.c_str(), &database) == SQLITE_OK, "opening the database");
  Require(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK, sql);
  sqlite3_close(database);
}

class Sqlite {
 public:
  Sqlite() { Open(); }

  Store& store() { return *store_; }

  void Reopen() {
    store_.reset();
    Open();
  }

  // Goes on with a copy of the files as they are now, as a new process does after a crash.
  void Crash() {
    const std::string before = Path();
    ++copies_;
    for (const char* suffix : {"", "-wal"}) {
      if (!std::filesystem::exists(before + suffix)) continue;
      std::filesystem::copy_file(before + suffix, Path() + suffix);
    }
    Reopen();
  }

  void SkipRowsTo(int64_t row) {
    store_.reset();
    Execute(Path(), absl::StrCat("UPDATE counters SET last_event_row = ", row));
    Open();
  }

 private:
  std::string Path() const { return absl::StrCat(folder_.path(), "/", copies_, ".db"); }

  void Open() {
    absl::StatusOr<std::unique_ptr<SqliteStore>> store =
        SqliteStore::Open({.database = {.path = Path()}, .max_open_groups = kMaxOpenGroups});
    Require(store.ok(), store.status().message());
    store_ = *std::move(store);
  }

  const TempDir folder_{TempMedium::kMemory};
  int copies_ = 0;
  std::unique_ptr<SqliteStore> store_;
};

void RunSeed(uint64_t seed) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  SimStore model({}, kMaxOpenGroups);
  Sqlite sqlite;
  absl::Time now = At();
  int64_t rows = 0;
  for (int step = 0; step < kSteps; ++step) {
    now += absl::Seconds(random() % 300);
    const uint64_t what = random();
    const std::string expected = Steps(model, what, now).Run();
    const std::string actual = Steps(sqlite.store(), what, now).Run();
    ASSERT_EQ(actual, expected) << "at step " << step;
    switch (random() % 40) {
      case 0:
        sqlite.Reopen();
        break;
      case 1:
        sqlite.Crash();
        break;
      case 2: {
        // To shortly before the next block, and now and then the next segment.
        const auto listed = model.ListEvents({}, 0, 1);
        if (!listed->empty()) rows = std::max(rows, listed->front().row);
        const int bits = random() % 4 == 0 ? notifier::kSegmentBits : notifier::kBlockBits;
        rows = (((rows >> bits) + 1) << bits) - 1 - static_cast<int64_t>(random() % 8);
        if (!listed->empty() && rows <= listed->front().row) break;
        model.SkipRowsTo(rows);
        sqlite.SkipRowsTo(rows);
        break;
      }
      default:
        break;
    }
  }
}

TEST(StoreModelTest, SqliteDoesWhatTheModelDoes) {
  const char* const wanted = std::getenv("UNDERSTUDY_STORE_SEEDS");
  const int seeds = wanted != nullptr ? std::atoi(wanted) : kSeeds;
  for (int seed = 1; seed <= seeds; ++seed) {
    ASSERT_NO_FATAL_FAILURE(RunSeed(static_cast<uint64_t>(seed)));
  }
}

// --- How it finds what it finds ---

// The statements of all connections of this process from here on.
class StatementLog {
 public:
  StatementLog() {
    Recorded().clear();
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&Watch));
  }
  ~StatementLog() { sqlite3_reset_auto_extension(); }
  StatementLog(const StatementLog&) = delete;
  StatementLog& operator=(const StatementLog&) = delete;

  std::set<std::string> statements() const {
    MutexLock lock(TheMutex());
    return Recorded();
  }

 private:
  static Mutex& TheMutex() {
    static Mutex& mutex = *new Mutex;
    return mutex;
  }
  static std::set<std::string>& Recorded() {
    static std::set<std::string>& recorded = *new std::set<std::string>;
    return recorded;
  }
  static int Watch(sqlite3* database, char**, const sqlite3_api_routines*) {
    return sqlite3_trace_v2(
        database, SQLITE_TRACE_STMT,
        [](unsigned, void*, void* statement, void*) {
          MutexLock lock(TheMutex());
          Recorded().insert(sqlite3_sql(static_cast<sqlite3_stmt*>(statement)));
          return 0;
        },
        nullptr);
  }
};

// The lines of a statement's plan.
std::vector<std::string> PlanOf(sqlite3* database, const std::string& statement) {
  std::vector<std::string> plan;
  const auto take = [](void* to, int, char** values, char**) {
    static_cast<std::vector<std::string>*>(to)->emplace_back(values[3]);
    return 0;
  };
  char* error = nullptr;
  Require(sqlite3_exec(database, ("EXPLAIN QUERY PLAN " + statement).c_str(), take, &plan,
                       &error) == SQLITE_OK,
          absl::StrCat(statement, ": ", error == nullptr ? "" : error));
  return plan;
}

// Tables that stay small: a row for a block of events or a segment of blocks, or one row.
bool IsScanOfSmallTable(absl::string_view line) {
  for (const char* table :
       {"SCAN b", "SCAN event_blocks", "SCAN id_filters", "SCAN counters", "SCAN sqlite_master"}) {
    if (line == table || absl::StartsWith(line, absl::StrCat(table, " "))) return true;
  }
  return line == "SCAN CONSTANT ROW";
}

TEST(StoreModelTest, EveryStatementFindsItsRowsByAnIndex) {
  const TempDir folder(TempMedium::kMemory);
  const std::string path = folder.path() + "/plans.db";
  std::set<std::string> statements;
  {
    const StatementLog log;
    auto store = SqliteStore::Open({.database = {.path = path}, .max_open_groups = kMaxOpenGroups});
    ASSERT_TRUE(store.ok());
    for (uint64_t seed = 1; seed <= 600; ++seed) Steps(**store, seed, At()).Run();
    statements = log.statements();
  }
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  int looked_at = 0;
  for (const std::string& statement : statements) {
    const absl::string_view verb = absl::string_view(statement).substr(0, 6);
    if (verb != "SELECT" && verb != "UPDATE" && verb != "DELETE" && verb != "INSERT") continue;
    ++looked_at;
    for (const std::string& line : PlanOf(database, statement)) {
      if (IsScanOfSmallTable(line)) continue;
      EXPECT_FALSE(absl::StartsWith(line, "SCAN")) << line << "\n  in " << statement;
      // All but the sort of what is of one host, block by block.
      if (!absl::StrContains(statement, "group_id IN")) {
        EXPECT_FALSE(absl::StrContains(line, "ORDER BY")) << line << "\n  in " << statement;
      }
      EXPECT_NE(line, "USE TEMP B-TREE FOR ORDER BY") << "in " << statement;
      EXPECT_FALSE(absl::StrContains(line, "AUTOMATIC")) << line << "\n  in " << statement;
    }
  }
  sqlite3_close(database);
  EXPECT_GT(looked_at, 50);
}

}  // namespace
}  // namespace understudy::testing
