// The demo, with the real router: it passes, and it can fail.
#include "services/cli/demo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "services/cli/router_process.h"
#include "tests/testing/program.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Runs the demo with its temporary files in `folder`.
ProgramEnd Demo(const TempDir& folder, std::vector<std::string> options = {}) {
  options.insert(options.begin(), {UNDERSTUDY_BINARY, "demo"});
  return RunProgram(options, Stdout::kPipe, {"TMPDIR=" + folder.path()});
}

bool IsEmptyFolder(const TempDir& folder) {
  return std::filesystem::is_empty(folder.path());
}

std::string Executable(const TempDir& folder, const std::string& script) {
  const std::string path = folder.Write("router", "#!/bin/sh\n" + script);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

TEST(DemoTest, PassesAndLeavesNothingBehind) {
  const TempDir folder;
  const ProgramEnd end = Demo(folder);
  EXPECT_EQ(end.status, 0) << end.out << end.err;
  EXPECT_THAT(end.err, IsEmpty());
  EXPECT_THAT(end.out, Not(HasSubstr("NOT AS EXPECTED")));
  EXPECT_THAT(end.out, HasSubstr("7  An SMS"));
  EXPECT_THAT(end.out,
              HasSubstr("+4  understudy_resolutions_total{kind=\"voice\",source=\"fallback\"}"));
  EXPECT_THAT(end.out, Not(HasSubstr("\x1b")));
  EXPECT_TRUE(IsEmptyFolder(folder));
}

TEST(DemoTest, NoticesAFallbackThatDoesNotWork) {
  std::FILE* out = std::tmpfile();
  ASSERT_NE(out, nullptr);
  EXPECT_FALSE(
      cli::RunDemo({.router_binary = UNDERSTUDY_ROUTER_BINARY, .fallback_works = false}, {}, out));
  std::rewind(out);
  std::string text(1 << 16, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), out));
  std::fclose(out);
  for (const char* noticed :
       {"the answer: expected fallback answered, came default document answered",
        "the requests: expected primary 11200, fallback 0, came primary 11200, fallback 11200",
        "the event's outcome: expected OUTCOME_FALLBACK_ANSWERED, came OUTCOME_DEFAULT_ANSWERED",
        "the events: expected primary 11200, came primary 11200, fallback 11200",
        "understudy_resolutions_total{kind=\"voice\",source=\"fallback\"}: expected +4, came +0",
        "understudy_attempts_total{error_code=\"11200\",target=\"fallback\"}: expected not to move",
        "Not all as it should be"}) {
    EXPECT_THAT(text, HasSubstr(noticed));
  }
}

TEST(DemoTest, NoticesARouterThatIsNone) {
  const TempDir folder;
  const TempDir binaries;
  const struct {
    std::string binary;
    const char* said;
  } kCases[] = {
      {"/nonexistent", "cannot run /nonexistent"},
      {Executable(binaries, "echo I am no router >&2\nexit 3\n"),
       "ended with status 3 and never served; it said:\nI am no router"},
  };
  for (const auto& c : kCases) {
    const ProgramEnd end = Demo(folder, {"--router-binary", c.binary});
    EXPECT_EQ(end.status, 1);
    EXPECT_THAT(end.out, HasSubstr(c.said));
    EXPECT_TRUE(IsEmptyFolder(folder));
  }
}

TEST(DemoTest, NoticesARouterThatDoesNotEndWell) {
  const TempDir folder;
  const TempDir binaries;
  // A real router, but for the status it ends with.
  const std::string binary =
      Executable(binaries, std::string(UNDERSTUDY_ROUTER_BINARY) +
                               " \"$@\" &\ntrap 'kill $!; wait $!; exit 9' TERM\nwait $!\n");
  const ProgramEnd end = Demo(folder, {"--router-binary", binary});
  EXPECT_EQ(end.status, 1) << end.out;
  EXPECT_THAT(end.out, HasSubstr("the router ended with status 9"));
}

TEST(DemoTest, AnInterruptedDemoCleansUp) {
  std::FILE* out = std::tmpfile();
  ASSERT_NE(out, nullptr);
  int asked = 0;
  EXPECT_FALSE(cli::RunDemo({.router_binary = UNDERSTUDY_ROUTER_BINARY,
                             .is_interrupted = [&asked] { return ++asked == 2; }},
                            {}, out));
  EXPECT_EQ(asked, 2);
  std::fclose(out);
}

// Empty once the process has ended.
std::string CommandLineOf(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/cmdline");
  std::string text;
  std::getline(file, text, '\0');
  return text;
}

TEST(RouterProcessTest, ASilentOneIsGivenUpAndItsChildrenAreKilled) {
  const TempDir folder;
  const std::string pid_path = folder.path() + "/child";
  const std::string binary =
      Executable(folder, "sleep 1000 &\necho $! > " + pid_path + "\necho waiting >&2\nwait\n");
  const auto started = cli::RouterProcess::Start(binary, "no.yaml", absl::Seconds(2));
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(std::string(started.status().message()),
              AllOf(HasSubstr("does not serve after 2s"), HasSubstr("waiting")));
  std::string child;
  std::ifstream(pid_path) >> child;
  ASSERT_FALSE(child.empty());
  EXPECT_TRUE(WaitFor([&] { return CommandLineOf(child).empty(); }, absl::Seconds(5)));
}

TEST(RouterProcessTest, TellsItsLastWordsOnly) {
  const TempDir folder;
  const std::string binary =
      Executable(folder, "for i in 1 2 3 4 5 6; do echo line $i; done >&2\n");
  const auto started = cli::RouterProcess::Start(binary, "no.yaml", absl::Seconds(5));
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(std::string(started.status().message()),
              EndsWith("it said:\nline 2\nline 3\nline 4\nline 5\nline 6"));
}

TEST(RouterProcessTest, ReadsTheLogAndIsNotStoppedByALongLine) {
  const TempDir folder;
  const std::string binary = Executable(folder, R"(
head -c 70000 /dev/zero | tr '\0' x >&2
echo >&2
echo '{"message": "serving", "grpc_port": 1, "admin_port": 2}' >&2
echo '{"message": "error event", "resolution_id": "a", "event_level": "error",' \
     '"error_code": 11200}' >&2
echo '{"message": "error event", "resolution_id": "b"}' >&2
echo '{"message": "resolution", "resolution_id": "a"}' >&2
while true; do sleep 1; done
)");
  const auto started = cli::RouterProcess::Start(binary, "no.yaml", absl::Seconds(5));
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_EQ((*started)->grpc_port(), 1);
  EXPECT_EQ((*started)->admin_port(), 2);
  const auto events = (*started)->EventsOf("a", absl::Seconds(5));
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_EQ(*events, (std::vector<cli::LoggedEvent>{{.level = "error", .error_code = 11200}}));
  EXPECT_EQ((*started)->EventsOf("b", absl::Milliseconds(20)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string((*started)->Stop(absl::Seconds(5)).message()),
              HasSubstr("the router ended with signal 15"));
}

}  // namespace
}  // namespace understudy::testing
