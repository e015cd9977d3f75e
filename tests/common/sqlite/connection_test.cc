// What a connection promises of its file and of others that use it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "common/serving/monotonic_clock.h"
#include "common/sqlite/sqlite.h"
#include "tests/testing/temp_dir.h"

namespace understudy::sqlite {
namespace {

using understudy::testing::TempDir;
using understudy::testing::TempMedium;

class ConnectionTest : public ::testing::Test {
 protected:
  std::unique_ptr<Connection> Open(absl::Duration busy_timeout = absl::Seconds(5)) {
    return std::make_unique<Connection>(path_, Connection::Access::kReadWrite, busy_timeout);
  }

  const TempDir folder_{TempMedium::kMemory};
  const std::string path_ = folder_.path() + "/a.db";
};

TEST_F(ConnectionTest, ItsFilesAreTheOwnersAndTheGroupsAlone) {
  const auto connection = Open();
  connection->UseWriteAheadLog();
  connection->Run("CREATE TABLE a (x)");
  ASSERT_TRUE(connection->ok()) << connection->failure().message;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat file = {};
    ASSERT_EQ(stat((path_ + suffix).c_str(), &file), 0) << suffix;
    EXPECT_EQ(file.st_mode & 0777u & ~0640u, 0u) << suffix;
  }
}

// The system's locks of a process end with the first descriptor of the file that it closes.
TEST_F(ConnectionTest, ASecondOneLeavesTheFirstOnesLocks) {
  const auto first = Open();
  first->RunScript("CREATE TABLE a (x); BEGIN EXCLUSIVE;");
  ASSERT_TRUE(first->ok()) << first->failure().message;
  const auto second = Open();

  const int fd = open(path_.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  // Asks in the name of the descriptor, so that this process's own locks count.
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  EXPECT_EQ(fcntl(fd, F_OFD_GETLK, &lock), 0);
  EXPECT_NE(lock.l_type, F_UNLCK);
  first->Run("COMMIT");
  close(fd);
}

TEST_F(ConnectionTest, TheLogIsWaitedForWhileAnotherWrites) {
  const auto writer = Open();
  writer->RunScript("CREATE TABLE a (x); BEGIN IMMEDIATE;");
  ASSERT_TRUE(writer->ok()) << writer->failure().message;
  constexpr absl::Duration kTimeout = absl::Milliseconds(50);
  const auto waiting = Open(kTimeout);
  const absl::Time begun = serving::MonotonicNow();
  waiting->UseWriteAheadLog();
  EXPECT_EQ(waiting->failure().trouble, Trouble::kBusy);
  EXPECT_GE(serving::MonotonicNow() - begun, kTimeout);

  waiting->TakeFailure();
  writer->Run("COMMIT");
  waiting->UseWriteAheadLog();
  EXPECT_TRUE(waiting->ok()) << waiting->failure().message;
  Rows mode = waiting->Query("PRAGMA journal_mode");
  ASSERT_TRUE(mode.Next());
  EXPECT_EQ(mode.Text(), "wal");
}

}  // namespace
}  // namespace understudy::sqlite
