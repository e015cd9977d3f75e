// Processes that change numbers are killed at random moments: what was acknowledged is there, and
// of what was not, all or nothing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/router/routes/numbers_world.h"
#include "tests/testing/require.h"
#include "tests/testing/socket.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

constexpr int kRounds = 25;
constexpr uint64_t kSeed = 20261124;

// What a number may be, by what was told: "-" is gone.
using Expected = std::map<std::string, std::set<std::string>>;

// Runs the program until it has told `bytes`, and takes what it told into `expected`.
void ChangeUntilKilled(const std::string& path, int seed, size_t bytes, Expected& expected) {
  int ends[2];
  Require(::pipe2(ends, O_CLOEXEC) == 0, "a pipe");
  Socket reader(ends[0]);
  Socket writer(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, writer.fd(), STDOUT_FILENO);
  std::vector<std::string> words = {UNDERSTUDY_CHANGE_NUMBERS_UNTIL_KILLED, path,
                                    absl::StrCat(seed)};
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
  for (const absl::string_view line : absl::StrSplit(told, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(line, ' ');
    Require(parts.size() == 3, line);
    std::set<std::string>& values =
        expected.try_emplace(parts[0], std::set<std::string>{"-"}).first->second;
    if (parts[1] == "is") values.clear();
    values.insert(parts[2]);
  }
}

TEST(NumbersKillTest, WhatIsAcknowledgedIsThere) {
  std::mt19937_64 random(kSeed);
  const TempDir folder(TempMedium::kMemory);  // which a killed process leaves, too
  const std::string path = folder.path() + "/numbers.db";
  Expected expected;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round, ", seed ", kSeed));
    ChangeUntilKilled(path, round, 1 + random() % 20'000, expected);
    const auto store = OpenStore(path);
    std::map<std::string, std::string> found;
    for (const auto& number : ListAll(*store, kOwner)) {
      found[number.phone_number] = number.friendly_name;
    }
    for (auto& [phone, values] : expected) {
      const std::string value = found.count(phone) == 0 ? "-" : found[phone];
      EXPECT_EQ(values.count(value), 1u) << phone << " is " << value;
      values = {value};
      found.erase(phone);
    }
    EXPECT_TRUE(found.empty());
    // What calls go by is the same.
    router::PackedTexts texts;
    router::NumbersSnapshot snapshot;
    ASSERT_TRUE(store->Refresh(texts, snapshot).ok());
    for (const auto& [phone, values] : expected) {
      EXPECT_EQ(snapshot.table.FindNumber(phone).has_value(), *values.begin() != "-") << phone;
    }
  }
}

}  // namespace
}  // namespace understudy::testing
