// tools/run.sh, which `make run` is: both services run, and end together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "services/cli/service_process.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kSoon = absl::Seconds(30);

class RunScriptTest : public ::testing::Test {
 protected:
  RunScriptTest() {
    folder_.Write("router.yaml",
                  "grpc: {listen: 127.0.0.1:0}\n"
                  "admin: {listen: 127.0.0.1:0}\n"
                  "notifier: {target: \"dns:///127.0.0.1:9\", outbox_dir: \"" +
                      files() + "/outbox\"}\n");
    folder_.Write("notifier.yaml",
                  "grpc:\n"
                  "  listen: 127.0.0.1:0\n"
                  "http: {listen: 127.0.0.1:0}\n"
                  "admin: {listen: 127.0.0.1:0}\n"
                  "store: {sqlite: notifier.db}\n"
                  "mail: {from: understudy@example.com, directory: mail}\n"
                  "alerts: {routes: [{to: [ops@example.com]}]}\n");
  }

  absl::StatusOr<std::unique_ptr<cli::ServiceProcess>> Run() {
    const std::string script = scripts_.Write(
        "run", absl::StrCat("#!/bin/sh\nexec ", UNDERSTUDY_CHECKOUT, "/tools/run.sh ",
                            std::filesystem::path(UNDERSTUDY_ROUTER_BINARY).parent_path().string(),
                            " ", folder_.path(), " ", files(), "\n"));
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    return cli::ServiceProcess::Start(script, "", kSoon);
  }

  std::string files() const { return scripts_.path() + "/files"; }

  TempDir folder_;
  TempDir scripts_;
};

std::string Content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool HasCount(const std::vector<cli::LogLine>& log, const char* message, int count) {
  return std::count_if(log.begin(), log.end(), [&](const cli::LogLine& line) {
           return line.Text("message") == message;
         }) == count;
}

TEST_F(RunScriptTest, BothRunAndStopWithoutABadStatus) {
  auto run = Run();
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_TRUE(
      (*run)->WaitForLog(kSoon, [](const auto& log) { return HasCount(log, "serving", 2); }));
  EXPECT_TRUE(std::filesystem::exists(files() + "/notifier.db"));
  EXPECT_TRUE(std::filesystem::exists(files() + "/outbox"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/notifier.db"));
  EXPECT_TRUE((*run)->Stop(kSoon).ok());
  EXPECT_TRUE(HasCount((*run)->log(), "stopped", 2));
}

TEST_F(RunScriptTest, OneThatCannotStartEndsTheOther) {
  folder_.Write("router.yaml", "nonsense: true\n");
  const auto run = Run();  // it depends whether the notifier serves before it is ended
  const absl::Status end = run.ok() ? (*run)->Stop(kSoon) : run.status();
  EXPECT_THAT(std::string(end.message()), HasSubstr("ended with status 2"));
}

TEST_F(RunScriptTest, TheRouterReportsToTheNotifierUnlessItHasAnother) {
  folder_.Write("router.yaml", "nonsense: true\n");
  folder_.Write("notifier.yaml", "grpc:\n  listen: 127.0.0.1:1234   # a port\n");
  EXPECT_FALSE(Run().ok());
  const std::string nonsense = "nonsense: true\n";
  EXPECT_EQ(Content(files() + "/router.yaml"),
            absl::StrCat(nonsense, "\nnotifier:\n  target: dns:///127.0.0.1:1234\n  outbox_dir: ",
                         files(), "/outbox\n"));

  const std::string another = "notifier: {target: \"dns:///other:1\", outbox_dir: /nowhere}\n";
  folder_.Write("router.yaml", nonsense + another);
  EXPECT_FALSE(Run().ok());
  EXPECT_EQ(Content(files() + "/router.yaml"), nonsense + another);
}

}  // namespace
}  // namespace understudy::testing
