// What is SQLite's store's own: its file, who may open it, its queue and its log.
#include "services/notifier/store/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "services/notifier/store/damaged_file.h"
#include "services/notifier/store/schema.h"
#include "tests/notifier/store/kept_events.h"
#include "tests/notifier/store/sample_events.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using notifier::Appended;
using notifier::Event;
using notifier::Migrations;
using notifier::SqliteOptions;
using notifier::SqliteStore;
using notifier::StoreTransaction;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kBound = absl::Seconds(30);

// Another program that has the database open.
class OtherProgram {
 public:
  explicit OtherProgram(const std::string& path) {
    Require(sqlite3_open(path.c_str(), &database_) == SQLITE_OK, path);
  }
  ~OtherProgram() { sqlite3_close(database_); }
  OtherProgram(const OtherProgram&) = delete;
  OtherProgram& operator=(const OtherProgram&) = delete;

  void Execute(const std::string& sql) {
    Require(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK,
            absl::StrCat(sql, ": ", sqlite3_errmsg(database_)));
  }

  int Number(const std::string& sql) {
    int number = 0;
    const auto take = [](void* to, int, char** values, char**) {
      *static_cast<int*>(to) = values[0] == nullptr ? 0 : std::atoi(values[0]);
      return 0;
    };
    Require(sqlite3_exec(database_, sql.c_str(), take, &number, nullptr) == SQLITE_OK, sql);
    return number;
  }

 private:
  sqlite3* database_ = nullptr;
};

class SqliteStoreTest : public ::testing::Test {
 protected:
  std::string Path() const { return folder_.path() + "/notifier.db"; }

  absl::StatusOr<std::unique_ptr<SqliteStore>> TryOpen(SqliteOptions options = {}) const {
    options.database.path = Path();
    return SqliteStore::Open(std::move(options));
  }

  std::unique_ptr<SqliteStore> Open(SqliteOptions options = {}) const {
    absl::StatusOr<std::unique_ptr<SqliteStore>> store = TryOpen(std::move(options));
    Require(store.ok(), store.status().ToString());
    return *std::move(store);
  }

  static absl::Status Append(SqliteStore& store, const std::string& id) {
    return store.Append({SampleEvent(id)}).status();
  }

  // The files as a process that is killed now leaves them, in another folder.
  std::string CopyOf(const TempDir& to) const {
    for (const char* suffix : {"", "-wal"}) {
      std::filesystem::copy_file(Path() + suffix, to.path() + "/notifier.db" + suffix,
                                 std::filesystem::copy_options::overwrite_existing);
    }
    return to.path() + "/notifier.db";
  }

  std::vector<std::string> FilesNamed(const std::string& part) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      const std::string name = entry.path().filename().string();
      if (absl::StrContains(name, part)) found.push_back(name);
    }
    return found;
  }

  const TempDir folder_{TempMedium::kMemory};
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteFile(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary) << contents;
}

// --- Opening ---

TEST_F(SqliteStoreTest, KeepsWhatItHasFromOneProcessToTheNext) {
  {
    const auto store = Open();
    EXPECT_EQ(Append(*store, "e1"), absl::OkStatus());
  }
  // A clean end leaves nothing in the log.
  EXPECT_EQ(std::filesystem::file_size(Path() + "-wal"), 0u);
  const auto store = Open();
  EXPECT_THAT(IdsIn(*store), ElementsAre("e1"));
  EXPECT_THAT(*store->Append({SampleEvent("e1"), SampleEvent("e2")}),
              ElementsAre(Appended::kDuplicate, Appended::kStored));
}

TEST_F(SqliteStoreTest, TwoDoNotOpenOneFile) {
  auto first = Open();
  const auto second = TryOpen();
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another process holds"));
  EXPECT_EQ(Append(*first, "e1"), absl::OkStatus());
  first.reset();
  EXPECT_TRUE(TryOpen().ok());
}

TEST_F(SqliteStoreTest, APathThatCannotBeIsRefused) {
  EXPECT_EQ(SqliteStore::Open({.database = {.path = folder_.path() + "/no/such/folder.db"}})
                .status()
                .code(),
            absl::StatusCode::kNotFound);
  EXPECT_FALSE(SqliteStore::Open({.database = {.path = folder_.Write("file", "") + "/x.db"}}).ok());
}

TEST_F(SqliteStoreTest, AFileOfANewerProgramIsRefusedAndLeftAlone) {
  { Open(); }
  OtherProgram(Path()).Execute("PRAGMA user_version = 1000");
  const std::string before = ReadFile(Path());
  const auto store = TryOpen();
  EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("newer program (schema 1000"));
  EXPECT_EQ(ReadFile(Path()), before);
}

TEST_F(SqliteStoreTest, ADatabaseOfAnotherProgramIsRefusedAndLeftAlone) {
  OtherProgram(Path()).Execute("CREATE TABLE theirs (a)");
  const auto store = TryOpen();
  EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("another program"));
  EXPECT_EQ(OtherProgram(Path()).Number("SELECT count(*) FROM sqlite_schema"), 1);
}

TEST_F(SqliteStoreTest, IsDurableByItsOwnSettings) {
  const auto store = Open();
  OtherProgram other(Path());
  EXPECT_EQ(other.Number("PRAGMA journal_mode = WAL"), 0);  // "wal": it is one already
  EXPECT_EQ(other.Number("PRAGMA user_version"), static_cast<int>(Migrations().size()));
}

TEST_F(SqliteStoreTest, ItsFilesAreNotForEverybody) {
  const auto store = Open();
  ASSERT_EQ(Append(*store, "e1"), absl::OkStatus());
  for (const char* suffix : {"", "-wal", "-shm", ".lock", ".ballast"}) {
    const auto mode = std::filesystem::status(Path() + suffix).permissions();
    EXPECT_EQ(mode & std::filesystem::perms::others_all, std::filesystem::perms::none) << suffix;
  }
}

TEST_F(SqliteStoreTest, AFileFromBeforeThereWereCountsGetsThoseOfItsLastDay) {
  std::vector<notifier::MinuteCounts> minutes;
  std::vector<notifier::HourCount> hours;
  {
    const auto store = Open();
    Event other = SampleEvent("other", absl::Hours(25));
    other.outcome = notifier::Outcome::kDefaultAnswered;
    other.error_code = 12100;
    ASSERT_TRUE(store
                    ->Append({SampleEvent("1"), SampleEvent("2", absl::Minutes(90)),
                              SampleEvent("3", absl::Hours(25)), other})
                    .ok());
    minutes = *store->CountsByMinute(At());
    hours = *store->CountsByHour({1, 2}, At());
    ASSERT_EQ(minutes.size(), 4u);
    ASSERT_EQ(hours.size(), 4u);
  }
  {
    OtherProgram other(Path());
    other.Execute("DROP TABLE minute_counts; DROP TABLE hour_counts; DROP TABLE event_details");
    other.Execute("PRAGMA user_version = 2");
  }
  const auto store = Open();
  EXPECT_EQ(*store->CountsByMinute(At()), minutes);  // as all of them are in one block
  EXPECT_EQ(*store->CountsByHour({1, 2}, At()), hours);
}

// --- After a crash ---

TEST_F(SqliteStoreTest, ALogThatIsTornAtItsEndLosesNothingAcknowledged) {
  std::mt19937_64 random(1);
  const auto store = Open();
  Ids acknowledged;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(Append(*store, absl::StrCat("e", i)), absl::OkStatus());
    acknowledged.insert(absl::StrCat("e", i));
  }
  const TempDir kept(TempMedium::kMemory);
  const std::string whole = ReadFile(CopyOf(kept) + "-wal");
  ASSERT_EQ(Append(*store, "the last"), absl::OkStatus());
  const std::string longer = ReadFile(Path() + "-wal");
  ASSERT_EQ(longer.substr(0, whole.size()), whole);
  ASSERT_GT(longer.size(), whole.size());

  for (int i = 0; i < 20; ++i) {
    const TempDir torn(TempMedium::kMemory);
    const std::string path = CopyOf(torn);
    const size_t size = whole.size() + random() % (longer.size() - whole.size());
    std::string log = longer.substr(0, size);
    if (i % 2 == 0) log.resize(longer.size(), '\xA5');  // written in part, rather than short
    WriteFile(path + "-wal", log);
    SCOPED_TRACE(absl::StrCat("log of ", size, " bytes of ", longer.size()));
    auto found = SqliteStore::Open({.database = {.path = path}});
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(IdsIn(**found), acknowledged);
    EXPECT_EQ((*found)->facts().database.moved_aside, 0);
    EXPECT_EQ(Append(**found, "the last"), absl::OkStatus());
  }
}

TEST_F(SqliteStoreTest, CopiesMadeWhileItWritesOpenCleanAndHoldWhatWasAcknowledged) {
  // Each copy is of one moment: no transaction is under way while it is made. What a power cut
  // leaves in the middle of one is sqlite_faults_test's.
  const auto store = Open({.database = {.checkpoint_bytes = 100'000}});
  Mutex mutex;
  Ids acknowledged;
  std::atomic<bool> stops = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; !stops; ++k) {
        const std::string id = absl::StrCat(i, ".", k);
        ASSERT_EQ(Append(*store, id), absl::OkStatus());
        MutexLock lock(mutex);
        acknowledged.insert(id);
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    const TempDir copy(TempMedium::kMemory);
    Ids expected;
    size_t before = 0;
    const auto count = [&] {
      MutexLock lock(mutex);
      return acknowledged.size();
    };
    before = count();
    ASSERT_TRUE(WaitFor([&] { return count() > before + 10; }, kBound));
    ASSERT_EQ(store->Write([&](StoreTransaction&) {
      {
        MutexLock lock(mutex);
        expected = acknowledged;
      }
      CopyOf(copy);
      return absl::OkStatus();
    }),
              absl::OkStatus());
    auto found = SqliteStore::Open({.database = {.path = copy.path() + "/notifier.db"}});
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_TRUE(Includes(IdsIn(**found), expected));
    EXPECT_EQ((*found)->facts().database.moved_aside, 0);
  }
  stops = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_F(SqliteStoreTest, ALogThatSomebodyReadsAfterACrashIsWaitedFor) {
  const auto store = Open();
  ASSERT_EQ(Append(*store, "e1"), absl::OkStatus());
  const TempDir copy(TempMedium::kMemory);
  const std::string path = CopyOf(copy);
  OtherProgram reader(path);
  reader.Execute("BEGIN");
  EXPECT_EQ(reader.Number("SELECT count(*) FROM events"), 1);

  auto found =
      SqliteStore::Open({.database = {.path = path, .busy_timeout = absl::Milliseconds(20)}});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(std::string((*found)->Health().message()), HasSubstr("locked"));
  EXPECT_EQ(Append(**found, "e2").code(), absl::StatusCode::kUnavailable);
  reader.Execute("COMMIT");
  EXPECT_EQ((*found)->Health(), absl::OkStatus());
  EXPECT_EQ(Append(**found, "e2"), absl::OkStatus());
  EXPECT_THAT(IdsIn(**found), ElementsAre("e1", "e2"));
}

// --- Damage ---

TEST_F(SqliteStoreTest, ADamagedFileIsMovedAsideAndTheNextBegun) {
  {
    const auto store = Open();
    for (int i = 0; i < 50; ++i) ASSERT_EQ(Append(*store, absl::StrCat(i)), absl::OkStatus());
  }
  const std::string good = ReadFile(Path());
  const std::pair<const char*, std::function<std::string(std::string)>> damages[] = {
      {"no database at all", [](std::string) { return std::string(10'000, 'x'); }},
      {"cut short", [](std::string file) { return file.substr(0, file.size() / 2); }},
      {"the first page zeroed",
       [](std::string file) { return file.replace(0, 4096, std::string(4096, '\0')); }},
      {"the schema's page overwritten",
       [](std::string file) { return file.replace(100, 3000, std::string(3000, 'x')); }},
  };
  int moved = 0;
  for (const auto& [what, damage] : damages) {
    SCOPED_TRACE(what);
    const std::string bad = damage(good);
    WriteFile(Path(), bad);
    const auto store = Open();
    EXPECT_EQ(Append(*store, "new"), absl::OkStatus());
    EXPECT_THAT(IdsIn(*store), ElementsAre("new"));
    const auto facts = store->facts().database;
    EXPECT_EQ(facts.moved_aside, 1);
    EXPECT_EQ(ReadFile(facts.moved_aside_to), bad);
    EXPECT_THAT(facts.moved_aside_to, HasSubstr(Path() + ".damaged-20"));
    // Each with its log.
    EXPECT_EQ(FilesNamed("damaged").size(),
              static_cast<size_t>(2 * std::min(++moved, notifier::kMaxDamagedFiles)));
  }
}

TEST_F(SqliteStoreTest, DamageThatOnlyAWholeReadFindsIsFoundAfterACrash) {
  const TempDir crashed(TempMedium::kMemory);
  std::string path;
  {
    const auto store = Open();
    for (int i = 0; i < 500; ++i) ASSERT_EQ(Append(*store, absl::StrCat(i)), absl::OkStatus());
    path = CopyOf(crashed);
  }
  // The database without its log, as it was written back, and a log that does not cover it.
  std::string file = ReadFile(Path());
  constexpr size_t kPage = 4096;
  for (size_t at = 30 * kPage; at < 40 * kPage; at += kPage)
    file.replace(at, 8, "\xFF\xFF\xFF\xFF");
  WriteFile(path, file);
  WriteFile(path + "-wal", "x");
  auto found = SqliteStore::Open({.database = {.path = path}});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ((*found)->facts().database.moved_aside, 1);
  EXPECT_EQ(Append(**found, "new"), absl::OkStatus());
}

TEST_F(SqliteStoreTest, DamageFoundWhileItRunsMovesTheFileAside) {
  {
    const auto store = Open();
    for (int i = 0; i < 500; ++i) ASSERT_EQ(Append(*store, absl::StrCat(i)), absl::OkStatus());
  }
  // All pages behind the schema's.
  std::string file = ReadFile(Path());
  constexpr size_t kPage = 4096;
  for (size_t at = 30 * kPage; at < file.size(); at += kPage) {
    file.replace(at, kPage, std::string(kPage, '\xFF'));
  }
  WriteFile(Path(), file);
  const auto store = Open();
  ASSERT_EQ(store->facts().database.moved_aside, 0);  // a clean end: nobody looked
  EXPECT_EQ(store->ListEvents({}, 0, 1000).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(WaitFor([&] { return store->facts().database.moved_aside == 1; }, kBound));
  EXPECT_EQ(Append(*store, "new"), absl::OkStatus());
  EXPECT_THAT(IdsIn(*store), ElementsAre("new"));
  EXPECT_EQ(store->Health(), absl::OkStatus());
}

TEST_F(SqliteStoreTest, DamageFoundByAWriteMovesTheFileAside) {
  {
    const auto store = Open();
    for (int i = 0; i < 500; ++i) ASSERT_EQ(Append(*store, absl::StrCat(i)), absl::OkStatus());
  }
  std::string file = ReadFile(Path());
  constexpr size_t kPage = 4096;
  for (size_t at = 30 * kPage; at < file.size(); at += kPage) {
    file.replace(at, kPage, std::string(kPage, '\xFF'));
  }
  WriteFile(Path(), file);
  const auto store = Open();
  EXPECT_EQ(Append(*store, "new").code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store->facts().database.moved_aside, 1);
  EXPECT_EQ(Append(*store, "new"), absl::OkStatus());
  EXPECT_THAT(IdsIn(*store), ElementsAre("new"));
}

TEST(DamagedFileTest, KeepsTheNewestAndTheirLogs) {
  const TempDir folder(TempMedium::kMemory);
  const std::string path = folder.path() + "/a.db";
  std::vector<std::string> names;
  for (int i = 0; i < 5; ++i) {
    folder.Write("a.db", absl::StrCat("database ", i));
    folder.Write("a.db-wal", absl::StrCat("log ", i));
    // The first two in one second.
    const auto aside = notifier::MoveAside(path, At(absl::Seconds(i / 2)));
    ASSERT_TRUE(aside.ok()) << aside.status();
    names.push_back(*aside);
  }
  EXPECT_THAT(names[0], HasSubstr("a.db.damaged-20270115T080000Z"));
  EXPECT_EQ(names[1], names[0] + "-2");
  for (int i = 0; i < 5; ++i) {
    const bool is_kept = i >= 5 - notifier::kMaxDamagedFiles;
    EXPECT_EQ(ReadFile(names[static_cast<size_t>(i)]), is_kept ? absl::StrCat("database ", i) : "");
    EXPECT_EQ(ReadFile(names[static_cast<size_t>(i)] + "-wal"),
              is_kept ? absl::StrCat("log ", i) : "");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
  EXPECT_FALSE(notifier::MoveAside(path, At()).ok());
}

// --- The queue ---

// Keeps a store's writing thread busy, so that what is appended waits.
class Hold {
 public:
  explicit Hold(SqliteStore& store)
      : thread_([&] {
          EXPECT_EQ(store.Write([&](StoreTransaction&) {
            MutexLock lock(mutex_);
            is_held_ = true;
            changed_.NotifyAll();
            changed_.Wait(mutex_, [&]() REQUIRES(mutex_) { return may_go_; });
            return absl::OkStatus();
          }),
                    absl::OkStatus());
        }) {
    MutexLock lock(mutex_);
    changed_.Wait(mutex_, [&]() REQUIRES(mutex_) { return is_held_; });
  }
  ~Hold() { thread_.join(); }

  void Release() {
    MutexLock lock(mutex_);
    may_go_ = true;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool is_held_ GUARDED_BY(mutex_) = false;
  bool may_go_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

TEST_F(SqliteStoreTest, WhatIsTooMuchIsRefusedAtOnce) {
  const auto store = Open({.max_queued_bytes = 4000});
  Hold hold(*store);
  // One larger than the limit is taken when nothing waits, or it never would be.
  Event large = SampleEvent("large");
  large.detail = std::string(4000, 'x');
  std::thread first([&] { EXPECT_TRUE(store->Append({large}).ok()); });
  ASSERT_TRUE(WaitFor([&] { return store->facts().queued_bytes > 4000; }, kBound));
  EXPECT_EQ(Append(*store, "second").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store->facts().refused_appends, 1);
  hold.Release();
  first.join();
  EXPECT_EQ(store->facts().queued_bytes, 0);
  EXPECT_EQ(Append(*store, "second"), absl::OkStatus());
  EXPECT_THAT(IdsIn(*store), ElementsAre("large", "second"));
}

TEST_F(SqliteStoreTest, TheQueueIsFullToTheByte) {
  size_t one = 0;
  {
    const auto store = Open();
    Hold hold(*store);
    std::thread waiting([&] { EXPECT_EQ(Append(*store, "e1"), absl::OkStatus()); });
    ASSERT_TRUE(WaitFor([&] { return store->facts().queued_bytes > 0; }, kBound));
    one = static_cast<size_t>(store->facts().queued_bytes);
    hold.Release();
    waiting.join();
  }
  for (const bool fits : {true, false}) {
    const auto store = Open({.max_queued_bytes = 2 * one - (fits ? 0 : 1)});
    Hold hold(*store);
    std::thread first([&] { EXPECT_EQ(Append(*store, "e2"), absl::OkStatus()); });
    ASSERT_TRUE(WaitFor([&] { return store->facts().queued_bytes > 0; }, kBound));
    std::thread second([&] { EXPECT_EQ(Append(*store, "e3").ok(), fits); });
    ASSERT_TRUE(WaitFor(
        [&] {
          const auto facts = store->facts();
          return facts.queued_bytes == static_cast<int64_t>(2 * one) || facts.refused_appends == 1;
        },
        kBound));
    hold.Release();
    first.join();
    second.join();
  }
}

TEST_F(SqliteStoreTest, WhatWaitsTogetherIsCommittedTogether) {
  constexpr int kAppenders = 20;
  std::atomic<int> commits = 0;
  const auto store = Open({.on_commit = [&](absl::Duration) { ++commits; }});
  Hold hold(*store);
  std::vector<std::thread> appenders;
  int64_t one = 0;
  for (int i = 0; i < kAppenders; ++i) {
    appenders.emplace_back(
        [&, i] { EXPECT_EQ(Append(*store, absl::StrCat(10 + i)), absl::OkStatus()); });
    if (i > 0) continue;
    ASSERT_TRUE(WaitFor([&] { return store->facts().queued_bytes > 0; }, kBound));
    one = store->facts().queued_bytes;
  }
  EXPECT_TRUE(WaitFor([&] { return store->facts().queued_bytes == kAppenders * one; }, kBound));
  hold.Release();
  for (std::thread& appender : appenders) appender.join();
  EXPECT_EQ(commits.load(), 2);  // that of the hold is the other
  EXPECT_EQ(IdsIn(*store).size(), size_t{kAppenders});
}

TEST_F(SqliteStoreTest, ManyThreadsAppendWriteAndListAtOnce) {
  const auto store = Open({.database = {.checkpoint_bytes = 100'000}});
  constexpr int kCalls = 60;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < kCalls; ++k) {
        EXPECT_EQ(Append(*store, absl::StrCat(i, ".", k)), absl::OkStatus());
      }
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kCalls; ++k) {
        EXPECT_EQ(store->Write([&](StoreTransaction& transaction) {
          const std::string before = transaction.Note("count");
          transaction.SaveNote("count", absl::StrCat(before.size() + 1, std::string("x")));
          return absl::OkStatus();
        }),
                  absl::OkStatus());
        store->SetWaits({});
      }
    });
    threads.emplace_back([&] {
      for (int k = 0; k < kCalls; ++k) {
        EXPECT_TRUE(store->ListEvents({.account_sid = kAccount}, 0, 50).ok());
        EXPECT_TRUE(store->ListGroups({}, std::nullopt, 50).ok());
        EXPECT_TRUE(store->NextDueAt().ok());
        EXPECT_TRUE(store->ReadStatus().ok());
        EXPECT_EQ(store->Health(), absl::OkStatus());
        store->facts();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(IdsIn(*store).size(), size_t{4} * kCalls);
}

TEST_F(SqliteStoreTest, NewWaitsCountForTheNextEvents) {
  const auto store = Open({.waits = {.group_wait = absl::Seconds(10)}});
  ASSERT_EQ(Append(*store, "e1"), absl::OkStatus());
  EXPECT_EQ(*store->NextDueAt(), At(absl::Seconds(10)));
  store->SetWaits({.group_wait = absl::Seconds(1)});
  ASSERT_TRUE(store->Append({SampleEventAt("e2", "https://b.example.com/")}).ok());
  EXPECT_EQ(*store->NextDueAt(), At(absl::Seconds(1)));
}

TEST_F(SqliteStoreTest, EventsOfOtherHostsAreCounted) {
  const auto store = Open({.max_open_groups = 1});
  ASSERT_TRUE(store
                  ->Append({SampleEvent("1"), SampleEventAt("2", "https://b.example.com/"),
                            SampleEventAt("3", "https://c.example.com/")})
                  .ok());
  EXPECT_EQ(store->facts().events_in_other_hosts, 2);
}

// --- Others ---

TEST_F(SqliteStoreTest, AnotherProgramsLockPasses) {
  const auto store = Open({.database = {.busy_timeout = absl::Milliseconds(20)}});
  OtherProgram other(Path());
  other.Execute("BEGIN IMMEDIATE");
  const absl::Status status = Append(*store, "e1");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("locked"));
  other.Execute("ROLLBACK");
  EXPECT_EQ(Append(*store, "e1"), absl::OkStatus());
  EXPECT_EQ(store->Health(), absl::OkStatus());
}

TEST_F(SqliteStoreTest, TheLogIsBoundedWhileSomebodyReads) {
  constexpr int64_t kMaxLog = 600'000;
  const auto store = Open({.database = {.checkpoint_bytes = 100'000, .max_log_bytes = kMaxLog}});
  ASSERT_EQ(Append(*store, "first"), absl::OkStatus());
  OtherProgram reader(Path());
  reader.Execute("BEGIN");
  EXPECT_EQ(reader.Number("SELECT count(*) FROM events"), 1);

  absl::Status status;
  int stored = 0;
  for (; status.ok() && stored < 10'000; ++stored) status = Append(*store, absl::StrCat(stored));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("log is full"));
  EXPECT_GE(store->facts().database.log_bytes, kMaxLog);
  EXPECT_LT(store->facts().database.log_bytes, kMaxLog + 200'000);
  EXPECT_EQ(store->Health().code(), absl::StatusCode::kUnavailable);
  // Mails are settled all the same.
  EXPECT_EQ(store->Write([](StoreTransaction& transaction) {
    transaction.SaveNote("n", "1");
    return absl::OkStatus();
  }),
            absl::OkStatus());

  reader.Execute("COMMIT");
  EXPECT_EQ(store->Health(), absl::OkStatus());
  EXPECT_EQ(Append(*store, "after"), absl::OkStatus());
  EXPECT_LT(store->facts().database.log_bytes, 100'000);
  EXPECT_EQ(IdsIn(*store).size(), static_cast<size_t>(stored) + 1);
}

TEST_F(SqliteStoreTest, TheLogIsWrittenBackAndCutWhenThereIsNothingElseToDo) {
  const auto store = Open({.database = {.checkpoint_bytes = 50'000}});
  {
    // With a reader, so that it gets long.
    OtherProgram reader(Path());
    reader.Execute("BEGIN");
    reader.Number("SELECT count(*) FROM events");
    for (int i = 0; i < 50; ++i) ASSERT_EQ(Append(*store, absl::StrCat(i)), absl::OkStatus());
    reader.Execute("COMMIT");
  }
  ASSERT_GT(std::filesystem::file_size(Path() + "-wal"), 50'000u);
  EXPECT_TRUE(WaitFor([&] { return std::filesystem::file_size(Path() + "-wal") == 0; }, kBound));
}

}  // namespace
}  // namespace understudy::testing
