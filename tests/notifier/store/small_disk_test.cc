// SQLite's store on a disk that is really full, or really read-only: a file system in memory that
// the test mounts, in a mount namespace of its own so that nothing of it is left behind. Needs the
// right to do so (CAP_SYS_ADMIN).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/notifier/store/sqlite_store.h"
#include "tests/notifier/store/kept_events.h"
#include "tests/notifier/store/sample_events.h"
#include "tests/testing/namespaces.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using notifier::Event;
using notifier::Mail;
using notifier::MailState;
using notifier::SqliteStore;
using notifier::StoreTransaction;
using ::testing::HasSubstr;

constexpr int64_t kBallast = 1 << 20;
constexpr char kDiskSize[] = "size=16m";

class SmallDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    NeedNamespaces(CLONE_NEWNS);
    if (IsSkipped() || HasFatalFailure()) return;
    Require(mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, kDiskSize) == 0, "a small disk");
    is_mounted_ = true;
  }

  void TearDown() override {
    store_.reset();
    if (is_mounted_) umount2(folder_.path().c_str(), MNT_DETACH);
  }

  void Remount(unsigned long flags) const {
    Require(mount("tmpfs", folder_.path().c_str(), "tmpfs", MS_REMOUNT | flags, kDiskSize) == 0,
            "remounting");
  }

  void Open() {
    absl::StatusOr<std::unique_ptr<SqliteStore>> store = SqliteStore::Open(
        {.database = {.path = folder_.path() + "/notifier.db", .ballast_bytes = kBallast}});
    Require(store.ok(), store.status().ToString());
    store_ = *std::move(store);
  }

  // Something else that takes up the disk, all but `left` bytes.
  void Fill(uint64_t left) const {
    const uint64_t size = std::filesystem::space(folder_.path()).available - left;
    folder_.Write("something else", std::string(size, 'x'));
  }
  void MakeRoom() const { std::filesystem::remove(folder_.path() + "/something else"); }

  absl::Status Append(const std::string& id, absl::Duration after = absl::ZeroDuration()) {
    Event event = SampleEvent(id, after);
    event.detail = std::string(2000, 'x');
    const absl::Status status = store_->Append({event}).status();
    if (status.ok()) acknowledged_.insert(id);
    return status;
  }

  // Until the disk is full, and stays so when the log is cut.
  absl::Status AppendMany() {
    for (;; ++appended_) {
      const absl::Status status = Append(absl::StrCat("e", appended_), absl::Seconds(appended_));
      if (!status.ok() && !store_->Health().ok()) return status;
      Require(appended_ < 100'000, "the disk is small");
    }
  }

  // Writes a mail, claims and settles it: what the dispatcher does.
  absl::Status SettleAMail() {
    return store_->Write([&](StoreTransaction& store) {
      const int64_t id =
          store.AddMail({.recipient = "ops@example.com", .bytes = std::string(4000, 'm')});
      Mail mail = *store.FindMail(id);
      mail.state = MailState::kAccepted;
      mail.settled_at = At();
      store.SaveMailOutcome(mail);
      return absl::OkStatus();
    });
  }

  const TempDir folder_;
  bool is_mounted_ = false;
  std::unique_ptr<SqliteStore> store_;
  Ids acknowledged_;
  int appended_ = 0;
};

TEST_F(SmallDiskTest, AFullDiskRefusesEventsSettlesMailsAndRecovers) {
  Open();
  ASSERT_EQ(Append("first"), absl::OkStatus());
  Fill(1 << 20);
  const absl::Status full = AppendMany();
  EXPECT_EQ(full.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(full.message()), HasSubstr("the disk is full"));
  EXPECT_THAT(std::string(store_->Health().message()), HasSubstr("the disk is full"));
  EXPECT_FALSE(store_->facts().database.holds_ballast);

  for (int i = 0; i < 30; ++i) ASSERT_EQ(SettleAMail(), absl::OkStatus()) << i;
  EXPECT_EQ(Append("not yet").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->Health().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(IdsIn(*store_), acknowledged_);

  MakeRoom();
  EXPECT_EQ(store_->Health(), absl::OkStatus());
  EXPECT_TRUE(store_->facts().database.holds_ballast);
  EXPECT_EQ(Append("after"), absl::OkStatus());
  EXPECT_EQ(IdsIn(*store_), acknowledged_);
  EXPECT_EQ(store_->facts().database.reopened, 0);
}

TEST_F(SmallDiskTest, RoomComesBackWithAnAppendToo) {
  Open();
  Fill(1 << 20);
  EXPECT_EQ(AppendMany().code(), absl::StatusCode::kUnavailable);
  MakeRoom();
  EXPECT_EQ(Append("after"), absl::OkStatus());
}

TEST_F(SmallDiskTest, ADiskThatTheStoreItselfFillsHasRoomWhenOldEventsAreGone) {
  Open();
  EXPECT_EQ(AppendMany().code(), absl::StatusCode::kUnavailable);
  const int stored = appended_;
  ASSERT_GT(stored, 2000);
  EXPECT_EQ(Append("not yet").code(), absl::StatusCode::kUnavailable);
  for (int purged = 100; purged == 100;) {
    ASSERT_EQ(store_->Write([&](StoreTransaction& store) {
      purged = store.Purge(At(absl::Seconds(stored / 2)), 100);
      return absl::OkStatus();
    }),
              absl::OkStatus());
  }
  EXPECT_EQ(store_->Health(), absl::OkStatus());
  for (int i = 0; i < stored / 4; ++i) ASSERT_EQ(Append(absl::StrCat("new", i)), absl::OkStatus());
  EXPECT_FALSE(store_->facts().database.holds_ballast);
  // When that is used up, there is still room to settle.
  for (int i = 0; Append(absl::StrCat("more", i)).ok(); ++i) ASSERT_LT(i, 100'000);
  for (int i = 0; i < 30; ++i) ASSERT_EQ(SettleAMail(), absl::OkStatus()) << i;
}

TEST_F(SmallDiskTest, AStartOnAFullDiskIsAStart) {
  Fill(8 << 10);
  Open();
  EXPECT_THAT(std::string(store_->Health().message()), HasSubstr("the disk is full"));
  EXPECT_EQ(Append("e").code(), absl::StatusCode::kUnavailable);
  MakeRoom();
  EXPECT_EQ(store_->Health(), absl::OkStatus());
  EXPECT_EQ(Append("e"), absl::OkStatus());
}

TEST_F(SmallDiskTest, AStartOnAReadOnlyDiskIsAStart) {
  Open();
  ASSERT_EQ(Append("before"), absl::OkStatus());
  store_.reset();
  Remount(MS_RDONLY);
  Open();
  EXPECT_THAT(std::string(store_->Health().message()), HasSubstr("the disk is read-only"));
  const absl::Status status = Append("e");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the disk is read-only"));
  Remount(0);
  EXPECT_EQ(store_->Health(), absl::OkStatus());
  EXPECT_EQ(Append("e"), absl::OkStatus());
  EXPECT_EQ(IdsIn(*store_), acknowledged_);
}

TEST_F(SmallDiskTest, AFirstStartOnAReadOnlyDiskIsAStart) {
  Remount(MS_RDONLY);
  Open();
  EXPECT_EQ(store_->Health().code(), absl::StatusCode::kUnavailable);
  Remount(0);
  EXPECT_EQ(store_->Health(), absl::OkStatus());
  EXPECT_EQ(Append("e"), absl::OkStatus());
}

}  // namespace
}  // namespace understudy::testing
