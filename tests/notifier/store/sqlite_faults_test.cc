// SQLite's store on a disk that fails: nothing acknowledged is lost, and it works again when the
// disk does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "services/notifier/store/database.h"
#include "services/notifier/store/sqlite_store.h"
#include "tests/notifier/store/kept_events.h"
#include "tests/notifier/store/sample_events.h"
#include "tests/testing/faulty_disk.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using notifier::Connection;
using notifier::Database;
using notifier::Event;
using notifier::Room;
using notifier::Rows;
using notifier::SqliteOptions;
using notifier::SqliteStore;
using notifier::StoreTransaction;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kBound = absl::Seconds(30);
constexpr uint64_t kSeed = 20261124;

std::unique_ptr<SqliteStore> OpenStore(const std::string& path, SqliteOptions options = {}) {
  options.database.path = path;
  options.database.ballast_bytes = 1 << 16;
  absl::StatusOr<std::unique_ptr<SqliteStore>> store = SqliteStore::Open(std::move(options));
  Require(store.ok(), store.status().ToString());
  return *std::move(store);
}

absl::Status WriteNote(SqliteStore& store, const std::string& value) {
  return store.Write([&](StoreTransaction& transaction) {
    transaction.SaveNote("n", value);
    return absl::OkStatus();
  });
}

std::string NoteIn(SqliteStore& store) {
  std::string value;
  EXPECT_EQ(store.Write([&](StoreTransaction& transaction) {
    value = transaction.Note("n");
    return absl::OkStatus();
  }),
            absl::OkStatus());
  return value;
}

class SqliteFaultsTest : public ::testing::Test {
 protected:
  // What is acknowledged goes through here.
  absl::Status Append(SqliteStore& store, const std::vector<std::string>& ids) {
    std::vector<Event> events;
    for (const std::string& id : ids) {
      events.push_back(
          SampleEventAt(id, absl::StrCat("https://h", id.size() % 3, ".example.com/")));
    }
    const absl::Status status = store.Append(std::move(events)).status();
    if (status.ok()) acknowledged_.insert(ids.begin(), ids.end());
    return status;
  }

  std::string Path() const { return folder_.path() + "/notifier.db"; }

  const TempDir folder_{TempMedium::kMemory};
  FaultyDisk disk_;
  Ids acknowledged_;
};

// --- Power cuts ---

// Several threads that append, and one that writes notes, all the while.
class Traffic {
 public:
  explicit Traffic(SqliteStore& store) : store_(store) {
    constexpr int kAppenders = 4;
    for (int i = 0; i < kAppenders; ++i) threads_.emplace_back([this, i] { Append(i); });
    threads_.emplace_back([this] { WriteNotes(); });
  }
  ~Traffic() {
    stops_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  Ids acknowledged() {
    MutexLock lock(mutex_);
    return acknowledged_;
  }
  int note() {
    MutexLock lock(mutex_);
    return note_;
  }
  int failures() const { return failures_; }

 private:
  void Append(int appender) {
    for (int call = 0; !stops_; ++call) {
      std::vector<Event> events;
      Ids ids;
      for (int k = 0; k < 1 + call % 7; ++k) {
        events.push_back(SampleEventAt(absl::StrCat(appender, "-", call, "-", k),
                                       absl::StrCat("https://h", k, ".example.com/")));
        ids.insert(events.back().event_id);
      }
      const absl::Status status = store_.Append(std::move(events)).status();
      failures_ += status.ok() ? 0 : 1;
      if (!status.ok()) continue;
      MutexLock lock(mutex_);
      acknowledged_.merge(ids);
    }
  }

  void WriteNotes() {
    for (int i = 1; !stops_; ++i) {
      const absl::Status status = WriteNote(store_, absl::StrCat(i));
      failures_ += status.ok() ? 0 : 1;
      if (!status.ok()) continue;
      MutexLock lock(mutex_);
      note_ = i;
    }
  }

  SqliteStore& store_;
  std::atomic<bool> stops_ = false;
  std::atomic<int> failures_ = 0;
  Mutex mutex_;
  Ids acknowledged_ GUARDED_BY(mutex_);
  int note_ GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> threads_;
};

// What a power cut left, and what had been acknowledged before it.
struct Remains {
  std::unique_ptr<TempDir> folder = std::make_unique<TempDir>(TempMedium::kMemory);
  Ids acknowledged = {};
  int note = 0;
};

Remains CutPower(Traffic& traffic, const FaultyDisk& disk, const std::string& path,
                 std::mt19937_64& random) {
  Remains remains;
  remains.acknowledged = traffic.acknowledged();
  remains.note = traffic.note();
  disk.CutPower(path, remains.folder->path(), random);
  return remains;
}

void ExpectComplete(const Remains& remains) {
  const std::unique_ptr<SqliteStore> found = OpenStore(remains.folder->path() + "/notifier.db");
  EXPECT_TRUE(Includes(IdsIn(*found), remains.acknowledged));
  EXPECT_GE(std::stoi(absl::StrCat("0", NoteIn(*found))), remains.note);
  EXPECT_EQ(found->facts().database.moved_aside, 0);
}

void ExpectComplete(const std::vector<Remains>& cuts) {
  for (size_t i = 0; i < cuts.size(); ++i) {
    SCOPED_TRACE(absl::StrCat("seed ", kSeed, ", cut ", i));
    ExpectComplete(cuts[i]);
  }
}

// A small log, so that it is written back over and over.
const SqliteOptions kSmallLog = {
    .database = {.checkpoint_bytes = 100'000, .max_log_bytes = 1'000'000}};

TEST_F(SqliteFaultsTest, WhatIsAcknowledgedSurvivesPowerCuts) {
  constexpr int kCuts = 40;
  std::mt19937_64 random(kSeed);
  std::vector<Remains> cuts;
  const std::unique_ptr<SqliteStore> store = OpenStore(Path(), kSmallLog);
  {
    Traffic traffic(*store);
    for (int cut = 0; cut < kCuts; ++cut) {
      const int64_t at = disk_.operations() + 1 + static_cast<int64_t>(random() % 100);
      ASSERT_TRUE(WaitFor([&] { return disk_.operations() >= at; }, kBound));
      cuts.push_back(CutPower(traffic, disk_, Path(), random));
    }
    EXPECT_EQ(traffic.failures(), 0);
  }
  ExpectComplete(cuts);
}

TEST_F(SqliteFaultsTest, WhatIsAcknowledgedSurvivesPowerCutsAfterFaults) {
  constexpr int kCuts = 40;
  std::mt19937_64 random(kSeed);
  std::vector<Remains> cuts;
  const std::unique_ptr<SqliteStore> store = OpenStore(Path(), kSmallLog);
  {
    Traffic traffic(*store);
    for (int cut = 0; cut < kCuts; ++cut) {
      constexpr DiskFault kFaults[] = {DiskFault::kFull, DiskFault::kReadOnly, DiskFault::kWrite,
                                       DiskFault::kFlush, DiskFault::kFlush};
      constexpr const char* kFiles[] = {"", ".db", "-wal"};
      disk_.Fail(kFaults[random() % std::size(kFaults)], 1 + static_cast<int64_t>(random() % 60),
                 1 + static_cast<int64_t>(random() % 3), kFiles[random() % std::size(kFiles)]);
      const int64_t at = disk_.operations() + 100 + static_cast<int64_t>(random() % 200);
      ASSERT_TRUE(WaitFor([&] { return disk_.operations() >= at; }, kBound));
      disk_.Heal();
      const size_t acknowledged = traffic.acknowledged().size();
      ASSERT_TRUE(
          WaitFor([&] { return traffic.acknowledged().size() > acknowledged + 20; }, kBound));
      cuts.push_back(CutPower(traffic, disk_, Path(), random));
    }
    EXPECT_GT(traffic.failures(), 0);
  }
  EXPECT_GT(store->facts().database.reopened, 0);
  ExpectComplete(cuts);
}

// --- One fault at each operation ---

struct Case {
  DiskFault fault = DiskFault::kFull;
  const char* says = "";
};

class EachFaultTest : public SqliteFaultsTest, public ::testing::WithParamInterface<Case> {
 protected:
  // A little of everything. What fails is not tried again.
  void RunScript(SqliteStore& store) {
    for (int i = 0; i < 2; ++i) {
      Note(Append(store, {absl::StrCat("a", i), absl::StrCat("b", i), absl::StrCat("c", i)}));
      const std::string value = absl::StrCat(i);
      const absl::Status status = WriteNote(store, value);
      if (status.ok()) note_ = value;
      Note(status);
    }
  }

  void Note(const absl::Status& status) {
    if (status.ok()) return;
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().says));
    ++failures_;
  }

  std::string note_;
  int failures_ = 0;
};

TEST_P(EachFaultTest, AtAnyOperationLosesNothingAndPasses) {
  // Checkpoints are part of the script: the log is written back after each commit.
  const SqliteOptions options = {.database = {.checkpoint_bytes = 1}};
  int64_t operations = 0;
  {
    const std::unique_ptr<SqliteStore> store = OpenStore(folder_.path() + "/count.db", options);
    const int64_t before = disk_.operations();
    RunScript(*store);
    operations = disk_.operations() - before;
  }
  ASSERT_GT(operations, 30);

  int64_t runs_with_faults = 0;
  for (const int64_t times : {int64_t{1}, int64_t{3}, INT64_MAX}) {
    for (int64_t nth = 1; nth <= operations; nth += times == 1 ? 1 : 7) {
      SCOPED_TRACE(absl::StrCat("from operation ", nth, ", ", times, " times"));
      const TempDir folder(TempMedium::kMemory);
      const std::string path = folder.path() + "/notifier.db";
      acknowledged_.clear();
      note_.clear();
      std::unique_ptr<SqliteStore> store = OpenStore(path, options);
      const int64_t faults_before = disk_.faults();
      disk_.Fail(GetParam().fault, nth, times);
      RunScript(*store);
      runs_with_faults += disk_.faults() > faults_before ? 1 : 0;
      if (times == INT64_MAX && disk_.faults() > faults_before) {
        EXPECT_EQ(Append(*store, {"while"}).code(), absl::StatusCode::kUnavailable);
        EXPECT_EQ(store->Health().code(), absl::StatusCode::kUnavailable);
      }
      disk_.Heal();

      // Without a restart: at once, or when somebody asks.
      // A flush that was lost is told once to each who has the file open, and some hear of it now.
      EXPECT_TRUE(WaitFor([&] { return store->Health().ok(); }, kBound));
      EXPECT_TRUE(WaitFor([&] { return Append(*store, {"after"}).ok(); }, kBound));
      // A reader may come while the store is opened anew, and asks again.
      const auto can_all_be_read = [&] {
        const auto events = store->ListEvents({}, 0, 1000);
        if (!events.ok()) return false;
        Ids ids;
        for (const auto& stored : *events) ids.insert(stored.event.event_id);
        return Includes(ids, acknowledged_);
      };
      EXPECT_TRUE(WaitFor(can_all_be_read, kBound));
      EXPECT_GE(NoteIn(*store), note_);

      // And if the power goes now.
      std::mt19937_64 random(static_cast<uint64_t>(nth));
      const TempDir remains(TempMedium::kMemory);
      disk_.CutPower(path, remains.path(), random);
      store.reset();
      store = OpenStore(remains.path() + "/notifier.db");
      EXPECT_TRUE(Includes(IdsIn(*store), acknowledged_));
      EXPECT_GE(NoteIn(*store), note_);
      EXPECT_EQ(store->facts().database.moved_aside, 0);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(runs_with_faults, operations / 3);
  EXPECT_GT(failures_, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, EachFaultTest,
    ::testing::Values(Case{.fault = DiskFault::kFull, .says = "full"},
                      Case{.fault = DiskFault::kReadOnly, .says = "read-only"},
                      Case{.fault = DiskFault::kWrite, .says = "the disk failed"},
                      Case{.fault = DiskFault::kFlush, .says = "the disk failed"}));

// --- Particular faults ---

TEST_F(SqliteFaultsTest, AFlushThatFailedIsNotTrustedAfterwards) {
  // The second flush to fail is that of opening the file again.
  for (int times = 1; times <= 4; ++times) {
    SCOPED_TRACE(absl::StrCat(times, " times"));
    const std::string path = absl::StrCat(folder_.path(), "/", times, ".db");
    std::unique_ptr<SqliteStore> store = OpenStore(path);
    ASSERT_EQ(Append(*store, {"before"}), absl::OkStatus());
    disk_.Fail(DiskFault::kFlush, 1, times);
    const absl::Status failed = Append(*store, {"lost"});
    EXPECT_EQ(failed.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(failed.message()), HasSubstr("the disk failed"));
    EXPECT_TRUE(WaitFor([&] { return store->Health().ok(); }, kBound));
    // It was not said to be stored; sent again, it is, and stays.
    ASSERT_EQ(Append(*store, {"lost", "after"}), absl::OkStatus());
    EXPECT_EQ(store->facts().database.reopened, 1);
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      std::mt19937_64 random(seed);
      const TempDir remains(TempMedium::kMemory);
      disk_.CutPower(path, remains.path(), random);
      const std::string found = absl::StrCat(remains.path(), "/", times, ".db");
      EXPECT_THAT(IdsIn(*OpenStore(found)), ElementsAre("after", "before", "lost"));
    }
  }
}

TEST_F(SqliteFaultsTest, PagesWhoseFlushFailedAreWrittenBackAgain) {
  absl::StatusOr<std::unique_ptr<Database>> opened =
      Database::Open({.path = Path(), .ballast_bytes = 1 << 16});
  ASSERT_TRUE(opened.ok()) << opened.status();
  std::unique_ptr<Database> database = *std::move(opened);
  const auto write = [&](const std::string& name) {
    return database->Transact(Room::kOrdinary, [&](Connection& connection) {
      connection.Run("INSERT INTO notes (name, value) VALUES (?, '')", name);
      return absl::OkStatus();
    });
  };
  ASSERT_EQ(write("1"), absl::OkStatus());
  {
    // A reader keeps the end of the log from being written back. SQLite does not flush the database
    // then, but notes how far it came.
    Connection reader(Path(), Connection::Access::kReadOnly, absl::ZeroDuration());
    Rows rows = reader.Query("SELECT name FROM notes");
    ASSERT_TRUE(rows.Next());
    ASSERT_EQ(write("2"), absl::OkStatus());
    EXPECT_TRUE(database->TidyLog());  // there is more
  }
  // Now it flushes it, for all that was written; in vain.
  disk_.Fail(DiskFault::kFlush, 1, 1, ".db");
  EXPECT_TRUE(database->TidyLog());  // it is open anew
  ASSERT_EQ(disk_.faults(), 1);
  EXPECT_EQ(database->facts().reopened, 1);
  EXPECT_EQ(database->health().code(), absl::StatusCode::kUnavailable);
  ASSERT_EQ(write("3"), absl::OkStatus());
  EXPECT_EQ(database->health(), absl::OkStatus());
  std::mt19937_64 random(1);
  const TempDir remains(TempMedium::kMemory);
  disk_.CutPower(Path(), remains.path(), random);
  database.reset();

  Connection found(remains.path() + "/notifier.db", Connection::Access::kReadWrite,
                   absl::ZeroDuration());
  Rows rows = found.Query("SELECT count(*) FROM notes");
  ASSERT_TRUE(rows.Next()) << found.failure().message;
  EXPECT_EQ(rows.Int(), 3);
}

TEST_F(SqliteFaultsTest, ADiskThatDoesNotAnswerHoldsNobodyForEver) {
  std::unique_ptr<SqliteStore> store =
      OpenStore(Path(), {.max_append_wait = absl::Milliseconds(50)});
  ASSERT_EQ(Append(*store, {"before"}), absl::OkStatus());
  disk_.Fail(DiskFault::kHang);
  const absl::Status failed = Append(*store, {"slow"});
  EXPECT_EQ(failed.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(failed.message()), HasSubstr("has not answered for 50ms"));
  EXPECT_THAT(std::string(store->Health().message()), HasSubstr("does not answer"));
  EXPECT_EQ(Append(*store, {"behind it"}).code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(IdsIn(*store), ElementsAre("before"));  // readers do not wait for it
  disk_.Heal();
  EXPECT_TRUE(WaitFor([&] { return store->Health().ok(); }, kBound));
  // Whether they are stored was not known: they are, once.
  EXPECT_EQ(Append(*store, {"slow", "behind it"}), absl::OkStatus());
  EXPECT_THAT(IdsIn(*store), ElementsAre("before", "behind it", "slow"));
}

TEST_F(SqliteFaultsTest, AStartOnADiskThatDoesNotTakeWritesIsAStart) {
  { OpenStore(Path()); }
  disk_.Fail(DiskFault::kReadOnly);
  std::unique_ptr<SqliteStore> store = OpenStore(folder_.path() + "/new.db");
  EXPECT_THAT(std::string(store->Health().message()), HasSubstr("read-only"));
  EXPECT_EQ(Append(*store, {"e"}).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store->ListEvents({}, 0, 1).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store->NextDueAt().status().code(), absl::StatusCode::kUnavailable);
  disk_.Heal();
  EXPECT_EQ(store->Health(), absl::OkStatus());
  EXPECT_EQ(Append(*store, {"e"}), absl::OkStatus());
  EXPECT_THAT(IdsIn(*store), ElementsAre("e"));
}

TEST_F(SqliteFaultsTest, RecoversByItselfWhenNobodyAsks) {
  std::unique_ptr<SqliteStore> store = OpenStore(Path());
  disk_.Fail(DiskFault::kWrite);
  EXPECT_EQ(Append(*store, {"e"}).code(), absl::StatusCode::kUnavailable);
  disk_.Heal();
  EXPECT_TRUE(WaitFor([&] { return store->facts().database.reopened == 1; }, kBound));
}

TEST_F(SqliteFaultsTest, MailsAreSettledWhileTheDiskIsFull) {
  std::unique_ptr<SqliteStore> store = OpenStore(Path());
  ASSERT_EQ(Append(*store, {"before"}), absl::OkStatus());
  EXPECT_TRUE(store->facts().database.holds_ballast);
  disk_.Fail(DiskFault::kFull, 1, 1);
  EXPECT_EQ(Append(*store, {"too much"}).code(), absl::StatusCode::kUnavailable);
  // This disk has room, so the ballast is back as soon as somebody asks for it.
  EXPECT_EQ(WriteNote(*store, "1"), absl::OkStatus());
  EXPECT_FALSE(store->facts().database.holds_ballast);
  EXPECT_EQ(store->Health(), absl::OkStatus());
  EXPECT_TRUE(store->facts().database.holds_ballast);
  EXPECT_EQ(Append(*store, {"after"}), absl::OkStatus());
}

}  // namespace
}  // namespace understudy::testing
