// The running notifier when its disk fails: sections Q and N of docs/faults.md. The process moves
// into a mount namespace of its own before any test runs, and makes disks there. Needs the right to
// do so (CAP_SYS_ADMIN).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpc/health/v1/health.grpc.pb.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/e2e/notifier_world.h"
#include "tests/testing/namespaces.h"
#include "tests/testing/program.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using grpc::health::v1::HealthCheckResponse;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr absl::Duration kSoon = absl::Seconds(30);
// N15: a caller waits no longer for the document than this.
constexpr absl::Duration kMaxCallerWait = absl::Seconds(1);
constexpr char kCall[] = "CA0000000000000000000000000000000a";
constexpr char kOtherCall[] = "CA0000000000000000000000000000000b";

// A disk in memory.
class Disk {
 public:
  explicit Disk(int64_t bytes) : options_(absl::StrCat("size=", bytes)) {
    Require(mount("tmpfs", path().c_str(), "tmpfs", 0, options_.c_str()) == 0, "a disk");
  }
  ~Disk() { umount2(path().c_str(), MNT_DETACH); }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  const std::string& path() const { return folder_.path(); }

  // Nothing more fits.
  void Fill() const {
    const int fd = open(filler().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    Require(fd >= 0, "a file that fills the disk");
    const std::string piece(4096, 'x');
    while (write(fd, piece.data(), piece.size()) > 0) continue;
    Require(errno == ENOSPC, "a disk that is full");
    close(fd);
  }
  void MakeRoom() const { Require(unlink(filler().c_str()) == 0, "room on the disk"); }

  // REQUIRES: no file of it is open for writing.
  void SetReadOnly(bool is_read_only) const {
    Require(mount(nullptr, path().c_str(), nullptr, MS_REMOUNT | (is_read_only ? MS_RDONLY : 0),
                  options_.c_str()) == 0,
            "remounting the disk");
  }

 private:
  std::string filler() const { return path() + "/filler"; }

  const TempDir folder_;
  const std::string options_;
};

// What the health service says of the server at `address`.
HealthCheckResponse::ServingStatus ServingStatus(const std::string& address) {
  const auto health = grpc::health::v1::Health::NewStub(PatientChannel(address));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kSoon));
  context.set_wait_for_ready(true);
  HealthCheckResponse response;
  const grpc::Status status = health->Check(&context, {}, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.status();
}

class BrokenDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    NeedNamespaces(CLONE_NEWNS);
    if (IsSkipped() || HasFatalFailure()) return;
    disk_ = std::make_unique<Disk>(int64_t{32} << 20);
    world_ = std::make_unique<NotifierWorld>(disk_->path());
  }
  void TearDown() override { world_.reset(); }

  // What each sender hears while nothing can be stored, and nobody else notices.
  void ExpectRefusals(const std::string& reason) {
    EXPECT_EQ(world_->Report("refused").error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(world_->PostEvent("refused-too"), 503);
    const auto ready = world_->Admin("/readyz");
    ASSERT_TRUE(ready.has_value());
    EXPECT_EQ(ready->status, 503);
    EXPECT_THAT(ready->body, HasSubstr(reason));
    EXPECT_TRUE(world_->process().WaitForLog("the store does not take writes"));
    EXPECT_EQ(world_->Metric("understudy_store_up"), 0);
    EXPECT_EQ(ServingStatus(world_->grpc_address()), HealthCheckResponse::NOT_SERVING);
    // P14: it is not the process that is ill.
    const auto alive = world_->Admin("/healthz");
    ASSERT_TRUE(alive.has_value());
    EXPECT_EQ(alive->status, 200);
  }
  // N15.
  void ExpectDocumentFor(const std::string& call_sid) {
    const absl::Time begun_at = absl::Now();
    const auto answer = world_->Fallback(call_sid);
    EXPECT_LE(absl::Now() - begun_at, kMaxCallerWait);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 200);
    EXPECT_THAT(answer->body, HasSubstr("<Response>"));
  }
  // Without a restart.
  void ExpectRecovery() {
    EXPECT_TRUE(WaitFor([&] { return world_->IsReady(); }, kSoon));
    EXPECT_TRUE(world_->Report("afterwards").ok());
    EXPECT_TRUE(world_->HasEvent("afterwards"));
    EXPECT_FALSE(world_->HasEvent("refused"));
    EXPECT_TRUE(world_->process().WaitForLog("the store takes writes again"));
    EXPECT_EQ(world_->Metric("understudy_store_up"), 1);
    EXPECT_EQ(ServingStatus(world_->grpc_address()), HealthCheckResponse::SERVING);
  }

  std::unique_ptr<Disk> disk_;
  std::unique_ptr<NotifierWorld> world_;
};

TEST_F(BrokenDisk, Q3_N15_AFullDiskRefusesEventsSendsMailsAndAnswersCallers) {
  world_->Start();
  ASSERT_TRUE(world_->Report("before").ok());
  disk_->Fill();
  // It is noticed by the first that is refused.
  EXPECT_TRUE(WaitFor([&] { return !world_->Report("refused").ok(); }, kSoon));
  ExpectRefusals("the disk is full");
  ExpectDocumentFor(kCall);
  // The mail about what was stored before needs room for its outcome, and has it.
  EXPECT_TRUE(WaitFor([&] { return world_->smtp().mails().size() == 1; }, kSoon));
  EXPECT_TRUE(world_->process().WaitForLog("mail accepted"));
  EXPECT_FALSE(world_->HasCall(kCall));

  disk_->MakeRoom();
  ExpectRecovery();
  EXPECT_TRUE(WaitFor([&] { return world_->HasCall(kCall); }, kSoon));
  EXPECT_EQ(world_->Metric("understudy_ingest_degraded_total"), 1);
  EXPECT_EQ(world_->Metric("understudy_ingest_lost_total"), 0);
}

TEST_F(BrokenDisk, Q5_N15_AReadOnlyDiskIsServedFromUntilItIsWritable) {
  world_->Start();
  ASSERT_TRUE(world_->Report("before").ok());
  EXPECT_EQ(world_->Stop(), 0);
  disk_->SetReadOnly(true);

  world_->Start();
  ExpectRefusals("read-only");
  ExpectDocumentFor(kCall);
  disk_->SetReadOnly(false);
  ExpectRecovery();
  EXPECT_TRUE(world_->HasEvent("before"));
  EXPECT_TRUE(WaitFor([&] { return world_->HasCall(kCall); }, kSoon));
}

TEST_F(BrokenDisk, Q6_WhatIsCutOffAtTheEndOfTheLogIsDropped) {
  world_->Start();
  ASSERT_TRUE(world_->Report("whole").ok());
  world_->Kill();
  const std::string log = world_->store() + "-wal";
  const auto whole_bytes = std::filesystem::file_size(log);
  // As if the power had gone in the midst of a commit nobody was told of.
  std::ofstream(log, std::ios::binary | std::ios::app) << std::string(5000, '\x5a');

  world_->Start();
  EXPECT_TRUE(world_->HasEvent("whole"));
  ASSERT_TRUE(world_->Report("torn").ok());
  world_->Kill();
  ASSERT_GT(std::filesystem::file_size(log), 0u);
  ASSERT_GT(whole_bytes, 0u);
  // This one was told of, so it takes a disk that lied; its sender sends again.
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 100);

  world_->Start();
  EXPECT_TRUE(world_->HasEvent("whole"));
  EXPECT_TRUE(world_->Report("torn").ok());
  EXPECT_TRUE(world_->HasEvent("torn"));
  EXPECT_EQ(world_->Metric("understudy_store_files_moved_aside"), 0);
}

// Leaves the first page, so that it is known as ours; the rest is none.
void Spoil(const std::string& path) {
  const auto bytes = static_cast<std::streamoff>(std::filesystem::file_size(path));
  constexpr std::streamoff kPage = 4096;
  Require(bytes > kPage, "a database of more than a page");
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(kPage);
  const std::string junk(static_cast<size_t>(bytes - kPage), '\x5a');
  file.write(junk.data(), static_cast<std::streamsize>(junk.size()));
  file.close();
  Require(file.good(), "spoiling a database");
}

TEST_F(BrokenDisk, Q7_ADatabaseFoundDamagedAtTheStartIsMovedAside) {
  world_->Start();
  ASSERT_TRUE(world_->Report("before").ok());
  EXPECT_EQ(world_->Stop(), 0);
  Spoil(world_->store());

  world_->Start();
  EXPECT_TRUE(world_->Report("after").ok());
  EXPECT_TRUE(world_->HasEvent("after"));
  EXPECT_TRUE(world_->process().WaitForLog("the store was damaged: it was moved aside"));
  EXPECT_EQ(world_->Metric("understudy_store_files_moved_aside"), 1);
  EXPECT_TRUE(world_->IsReady());
}

TEST_F(BrokenDisk, Q7_N15_ADatabaseDamagedWhileItIsServedIsMovedAsideWhenThatIsSeen) {
  world_->Start();
  ASSERT_TRUE(world_->Report("before").ok());
  // The start that follows writes the log back, so that the file has it all.
  EXPECT_EQ(world_->Stop(), 0);
  world_->Start();
  Spoil(world_->store());
  ExpectDocumentFor(kCall);
  // Whoever asks finds it, at the latest.
  EXPECT_TRUE(WaitFor(
      [&] {
        world_->HasEvent("before");
        return world_->Metric("understudy_store_files_moved_aside") == 1;
      },
      kSoon));
  EXPECT_TRUE(world_->process().WaitForLog("the store was damaged: it was moved aside"));
  EXPECT_TRUE(WaitFor([&] { return world_->Report("after").ok(); }, kSoon));
  EXPECT_TRUE(WaitFor([&] { return world_->HasEvent("after"); }, kSoon));
  ExpectDocumentFor(kOtherCall);
  EXPECT_TRUE(WaitFor([&] { return world_->HasCall(kOtherCall); }, kSoon));
  EXPECT_TRUE(world_->IsReady());
}

TEST_F(BrokenDisk, Q8_ASecondNotifierDoesNotStart) {
  world_->Start();
  const ProgramEnd second = RunProgram({UNDERSTUDY_NOTIFIER_BINARY, "--config", world_->config()});
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.err, HasSubstr("another process"));
  EXPECT_TRUE(world_->Report("still here").ok());
}

}  // namespace
}  // namespace understudy::testing
