// A process that keeps events is killed at random moments: what it acknowledged is there, once.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/notifier/store/sqlite_store.h"
#include "tests/notifier/store/kept_events.h"
#include "tests/notifier/store/sample_events.h"
#include "tests/testing/require.h"
#include "tests/testing/socket.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using notifier::Appended;
using notifier::Event;
using notifier::SqliteStore;

constexpr int kRounds = 30;
constexpr int kRoundsPerDatabase = 6;
constexpr uint64_t kSeed = 20261124;

// Ids acknowledged by a program that is killed when it has acknowledged `bytes` of them.
Ids AcknowledgedUntilKilled(const std::string& path, const std::string& prefix, size_t bytes) {
  int ends[2];
  Require(::pipe2(ends, O_CLOEXEC) == 0, "a pipe");
  Socket reader(ends[0]);
  Socket writer(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, writer.fd(), STDOUT_FILENO);
  std::vector<std::string> words = {UNDERSTUDY_APPEND_UNTIL_KILLED, path, prefix};
  char* const arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t pid = 0;
  Require(posix_spawn(&pid, arguments[0], &actions, nullptr, arguments, environ) == 0, words[0]);
  posix_spawn_file_actions_destroy(&actions);
  writer = Socket();

  std::string told;
  char buffer[4096];
  bool is_killed = false;
  for (ssize_t count = 0; (count = ::read(reader.fd(), buffer, sizeof(buffer))) > 0;) {
    told.append(buffer, static_cast<size_t>(count));
    if (told.size() >= bytes && !is_killed) {
      is_killed = true;
      ::kill(pid, SIGKILL);
    }
  }
  int status = 0;
  Require(::waitpid(pid, &status, 0) == pid, "the program's end");
  Require(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "it ran until it was killed");
  const std::vector<std::string> lines = absl::StrSplit(told, '\n', absl::SkipEmpty());
  return {lines.begin(), lines.end()};
}

TEST(KillTest, WhatIsAcknowledgedIsThereOnce) {
  std::mt19937_64 random(kSeed);
  std::unique_ptr<TempDir> folder;
  Ids acknowledged;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round, ", seed ", kSeed));
    if (round % kRoundsPerDatabase == 0) {
      folder =
          std::make_unique<TempDir>(TempMedium::kMemory);  // which a killed process leaves, too
      acknowledged.clear();
    }
    const std::string path = folder->path() + "/notifier.db";
    acknowledged.merge(
        AcknowledgedUntilKilled(path, absl::StrCat("r", round), 1 + random() % 20'000));
    auto store = SqliteStore::Open({.database = {.path = path}});
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->facts().database.moved_aside, 0);
    EXPECT_TRUE(Includes(IdsIn(**store), acknowledged));
    // And known: sent again, they change nothing.
    std::vector<Event> again;
    for (const std::string& id : acknowledged) {
      if (again.size() < 500) again.push_back(SampleEvent(id));
    }
    const auto appended = (*store)->Append(again);
    ASSERT_TRUE(appended.ok()) << appended.status();
    for (const Appended result : *appended) EXPECT_NE(result, Appended::kStored);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace understudy::testing
