// `understudy health`, the real binary, against a real router's admin port and what is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/e2e/router_world.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/origin.h"
#include "tests/testing/program.h"

namespace understudy::testing {
namespace {

using ::testing::IsEmpty;

ProgramEnd Health(int port, const std::vector<std::string>& options = {}) {
  std::vector<std::string> words = {UNDERSTUDY_BINARY, "health", absl::StrCat("127.0.0.1:", port)};
  words.insert(words.end(), options.begin(), options.end());
  return RunProgram(words);
}

TEST(HealthCommandTest, ARouterIsReady) {
  RouterWorld world;
  const ProgramEnd end = Health(world.router().admin_port());
  EXPECT_EQ(end.status, 0) << end.err;
  EXPECT_EQ(end.out, "ready\n");
  EXPECT_THAT(end.err, IsEmpty());
}

TEST(HealthCommandTest, WhatIsNotReadySaysWhy) {
  Origin origin;
  const struct {
    Reply reply;
    const char* err;
  } kCases[] = {
      {{.status = 503, .body = "the disk is\x1b full\n"}, "not ready: the disk is\\x1b full"},
      {{.status = 404}, "is no admin port: HTTP 404"},
  };
  for (const auto& c : kCases) {
    origin.On("/readyz", c.reply);
    const ProgramEnd end = Health(origin.port());
    EXPECT_EQ(end.status, 1);
    EXPECT_THAT(end.out, IsEmpty());
    EXPECT_THAT(end.err, ::testing::AllOf(::testing::StartsWith("understudy health: "),
                                          ::testing::EndsWith(absl::StrCat(c.err, "\n"))));
  }
}

TEST(HealthCommandTest, WhereNothingListensOrAnswersItGivesUp) {
  const ClosedPort closed;
  EXPECT_EQ(Health(closed.port()).status, 1);

  Origin silent;
  silent.On("/readyz", Script{}.Stall());
  const absl::Time start = absl::Now();
  const ProgramEnd end = Health(silent.port(), {"--timeout", "100ms"});
  EXPECT_EQ(end.status, 1);
  EXPECT_EQ(end.err,
            absl::StrCat("understudy health: nothing answers at 127.0.0.1:", silent.port(), "\n"));
  EXPECT_LT(absl::Now() - start, absl::Seconds(2));  // the default would take as long
}

}  // namespace
}  // namespace understudy::testing
