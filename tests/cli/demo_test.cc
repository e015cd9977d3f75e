// The demo, with the real services: it passes, and it can fail.
#include "services/cli/demo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "services/cli/mail_text.h"
#include "services/cli/service_process.h"
#include "tests/testing/http_client.h"
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

std::vector<std::filesystem::path> FilesIn(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  return files;
}

std::string Executable(const TempDir& folder, const std::string& script) {
  const std::string path = folder.Write("service", "#!/bin/sh\n" + script);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

std::string Content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What RunDemo prints; `is_good` is what it returns. `interrupts`, if any, is asked with what it
// has printed so far.
std::string TextOfDemo(cli::DemoOptions options, bool& is_good,
                       const std::function<bool(const std::string&)>& interrupts = {}) {
  std::FILE* out = std::tmpfile();
  if (out == nullptr) return "";
  if (interrupts) {
    options.is_interrupted = [&] {
      std::fflush(out);
      std::string text(1 << 16, '\0');
      const ssize_t size = pread(fileno(out), text.data(), text.size(), 0);
      text.resize(size > 0 ? static_cast<size_t>(size) : 0);
      return interrupts(text);
    };
  }
  is_good = cli::RunDemo(options, {}, out);
  std::rewind(out);
  std::string text(1 << 16, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), out));
  std::fclose(out);
  return text;
}

TEST(DemoTest, PassesAndLeavesNothingBehindButTheMails) {
  const TempDir folder;
  const ProgramEnd end = Demo(folder);
  EXPECT_EQ(end.status, 0) << end.out << end.err;
  EXPECT_THAT(end.err, IsEmpty());
  EXPECT_THAT(end.out, Not(HasSubstr("NOT AS EXPECTED")));
  EXPECT_THAT(end.out, HasSubstr("7  An SMS"));
  EXPECT_THAT(end.out,
              HasSubstr("+4  understudy_resolutions_total{kind=\"voice\",source=\"fallback\"}"));
  EXPECT_THAT(end.out, HasSubstr("+7  understudy_outbox_sent_total"));
  EXPECT_THAT(end.out,
              HasSubstr("subject   [understudy] 12100 Document parse failure at 127.0.0.1"));
  EXPECT_THAT(end.out, HasSubstr("text      Failing: 12100 Document parse failure at 127.0.0.1"));
  EXPECT_THAT(end.out, HasSubstr("The operators' page"));
  EXPECT_THAT(end.out, Not(HasSubstr("\x1b")));

  const auto left = FilesIn(folder.path());
  ASSERT_EQ(left.size(), 1U);
  EXPECT_THAT(end.out, HasSubstr("The mails stay in\n" + left.front().string()));
  const auto mails = FilesIn(left.front());
  EXPECT_EQ(mails.size(), 6U);
  for (const auto& mail : mails) {
    EXPECT_THAT(cli::PlainTextOf(Content(mail)), HasSubstr("WHAT BECAME OF THE"));
    EXPECT_THAT(end.out, HasSubstr("file      " + mail.string()));
  }
}

TEST(DemoTest, StaysUpWithItsPageUntilInterrupted) {
  const TempDir mails;
  bool is_good = false;
  std::string page;
  const std::string text = TextOfDemo(
      {.router_binary = UNDERSTUDY_ROUTER_BINARY,
       .notifier_binary = UNDERSTUDY_NOTIFIER_BINARY,
       .mail_directory = mails.path(),
       .stays = true},
      is_good, [&](const std::string& so_far) {
        const std::string before = "http://127.0.0.1:";
        const size_t stays = so_far.find("Until Ctrl-C.");
        if (stays == std::string::npos) return false;
        const size_t at = so_far.rfind(before, stays);
        HttpClient client(std::atoi(&so_far[at + before.size()]));
        const auto answer = client.Ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        if (answer.has_value()) page = answer->body;
        return true;
      });
  EXPECT_TRUE(is_good) << text;
  EXPECT_THAT(page, HasSubstr("6 groups of failures are open."));
  EXPECT_THAT(text, HasSubstr("All as it should be"));
}

TEST(DemoTest, PutsTheMailsWhereItIsTold) {
  const TempDir folder;
  const TempDir mails;
  const std::string directory = mails.path() + "/new/mail";
  const ProgramEnd end = Demo(folder, {"--mail-directory", directory});
  EXPECT_EQ(end.status, 0) << end.out << end.err;
  EXPECT_EQ(FilesIn(directory).size(), 6U);
  EXPECT_THAT(FilesIn(folder.path()), IsEmpty());

  const ProgramEnd refused =
      Demo(folder, {"--mail-directory", mails.Write("file", "no folder") + "/mail"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.out, HasSubstr("cannot make "));
}

TEST(DemoTest, NoticesAFallbackThatDoesNotWork) {
  const TempDir mails;
  bool is_good = true;
  const std::string text = TextOfDemo({.router_binary = UNDERSTUDY_ROUTER_BINARY,
                                       .notifier_binary = UNDERSTUDY_NOTIFIER_BINARY,
                                       .mail_directory = mails.path(),
                                       .fallback_works = false},
                                      is_good);
  EXPECT_FALSE(is_good);
  for (const char* noticed :
       {"the answer: expected fallback answered, came default document answered",
        "the requests: expected primary 11200, fallback 0, came primary 11200, fallback 11200",
        "the event's outcome: expected OUTCOME_FALLBACK_ANSWERED, came OUTCOME_DEFAULT_ANSWERED",
        "the events: expected primary 11200, came primary 11200, fallback 11200",
        "the events kept: expected 7, came 12", "the groups: expected 6, came 8",
        "understudy_resolutions_total{kind=\"voice\",source=\"fallback\"}: expected +4, came +0",
        "understudy_attempts_total{error_code=\"11200\",target=\"fallback\"}: expected not to move",
        "understudy_outbox_sent_total: expected +7, came +12", "Not all as it should be"}) {
    EXPECT_THAT(text, HasSubstr(noticed));
  }
}

TEST(DemoTest, NoticesMailToSomebodyElse) {
  const TempDir folder;
  const TempDir binaries;
  const std::string binary =
      Executable(binaries, "sed -i s/ops@example.com/nobody@example.com/ $2\nexec " +
                               std::string(UNDERSTUDY_NOTIFIER_BINARY) + " \"$@\"\n");
  const ProgramEnd end = Demo(folder, {"--notifier-binary", binary});
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.out,
              HasSubstr("the recipient: expected ops@example.com, came nobody@example.com"));
}

TEST(DemoTest, NoticesAServiceThatIsNone) {
  const TempDir folder;
  const TempDir binaries;
  const struct {
    std::string binary;
    const char* said;
  } kCases[] = {
      {"/nonexistent", "cannot run /nonexistent"},
      {Executable(binaries, "echo I am no service >&2\nexit 3\n"),
       "ended with status 3 and never served; it said:\nI am no service"},
  };
  for (const char* option : {"--router-binary", "--notifier-binary"}) {
    for (const auto& c : kCases) {
      const ProgramEnd end = Demo(folder, {option, c.binary});
      EXPECT_EQ(end.status, 1);
      EXPECT_THAT(end.out, HasSubstr(c.said));
      EXPECT_THAT(FilesIn(folder.path()), IsEmpty());
    }
  }
}

TEST(DemoTest, NoticesAServiceThatDoesNotEndWell) {
  const TempDir folder;
  const TempDir binaries;
  const struct {
    const char* option;
    std::string real;
  } kCases[] = {{"--router-binary", UNDERSTUDY_ROUTER_BINARY},
                {"--notifier-binary", UNDERSTUDY_NOTIFIER_BINARY}};
  for (const auto& c : kCases) {
    // A real one, but for the status it ends with.
    const std::string binary =
        Executable(binaries, c.real + " \"$@\" &\ntrap 'kill $!; wait $!; exit 9' TERM\nwait $!\n");
    const ProgramEnd end = Demo(folder, {c.option, binary});
    EXPECT_EQ(end.status, 1) << end.out;
    EXPECT_THAT(end.out, HasSubstr("service ended with status 9"));
  }
}

TEST(DemoTest, AnInterruptedDemoCleansUp) {
  // The second time between two calls, the ninth while it waits for mail.
  for (const int when : {2, 9}) {
    const TempDir mails;
    int asked = 0;
    bool is_good = true;
    const std::string text = TextOfDemo({.router_binary = UNDERSTUDY_ROUTER_BINARY,
                                         .notifier_binary = UNDERSTUDY_NOTIFIER_BINARY,
                                         .mail_directory = mails.path(),
                                         .is_interrupted = [&] { return ++asked == when; }},
                                        is_good);
    EXPECT_FALSE(is_good);
    EXPECT_EQ(asked, when);
    EXPECT_THAT(text, EndsWith("NOT AS EXPECTED  interrupted\n"));
  }
}

// Empty once the process has ended.
std::string CommandLineOf(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/cmdline");
  std::string text;
  std::getline(file, text, '\0');
  return text;
}

TEST(ServiceProcessTest, ASilentOneIsGivenUpAndItsChildrenAreKilled) {
  const TempDir folder;
  const std::string pid_path = folder.path() + "/child";
  const std::string binary =
      Executable(folder, "sleep 1000 &\necho $! > " + pid_path + "\necho waiting >&2\nwait\n");
  const auto started = cli::ServiceProcess::Start(binary, "no.yaml", absl::Seconds(2));
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(std::string(started.status().message()),
              AllOf(HasSubstr("does not serve after 2s"), HasSubstr("waiting")));
  std::string child;
  std::ifstream(pid_path) >> child;
  ASSERT_FALSE(child.empty());
  EXPECT_TRUE(WaitFor([&] { return CommandLineOf(child).empty(); }, absl::Seconds(5)));
}

TEST(ServiceProcessTest, TellsItsLastWordsOnly) {
  const TempDir folder;
  const std::string binary =
      Executable(folder, "for i in 1 2 3 4 5 6; do echo line $i; done >&2\n");
  const auto started = cli::ServiceProcess::Start(binary, "no.yaml", absl::Seconds(5));
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(std::string(started.status().message()),
              EndsWith("it said:\nline 2\nline 3\nline 4\nline 5\nline 6"));
}

TEST(ServiceProcessTest, ReadsTheLogAndIsNotStoppedByALongLine) {
  const TempDir folder;
  const std::string binary = Executable(folder, R"(
head -c 70000 /dev/zero | tr '\0' x >&2
echo >&2
echo '{"message": "serving", "grpc_port": 1, "admin_port": 2}' >&2
echo '{"message": "error event", "resolution_id": "a", "event_level": "error",' \
     '"error_code": 11200}' >&2
echo '{"message": "resolution", "resolution_id": "a"}' >&2
while true; do sleep 1; done
)");
  const auto started = cli::ServiceProcess::Start(binary, "no.yaml", absl::Seconds(5));
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_EQ((*started)->Port("grpc"), 1);
  EXPECT_EQ((*started)->Port("admin"), 2);
  EXPECT_EQ((*started)->Port("http"), 0);
  const auto has_resolution = [](const std::vector<cli::LogLine>& log) {
    return !log.empty() && log.back().Text("message") == "resolution";
  };
  ASSERT_TRUE((*started)->WaitForLog(absl::Seconds(5), has_resolution));
  const std::vector<cli::LogLine> log = (*started)->log();
  const cli::LogLine& event = log.at(log.size() - 2);
  EXPECT_EQ(event.Text("event_level"), "error");
  EXPECT_EQ(event.Number("error_code"), 11200);
  EXPECT_EQ(event.Text("error_code"), "");
  EXPECT_EQ(event.Number("event_level"), 0);
  const auto has_nothing = [](const std::vector<cli::LogLine>&) { return false; };
  EXPECT_FALSE((*started)->WaitForLog(absl::Milliseconds(20), has_nothing));
  EXPECT_THAT(std::string((*started)->Stop(absl::Seconds(5)).message()),
              HasSubstr("service ended with signal 15"));
}

}  // namespace
}  // namespace understudy::testing
