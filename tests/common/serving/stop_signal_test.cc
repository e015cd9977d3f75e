#include "common/serving/stop_signal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

namespace understudy::serving {
namespace {

using Event = StopSignal::Event;

TEST(StopSignalTest, TellsStopFromReload) {
  StopSignal signal;
  const struct {
    int number;
    Event event;
  } kCases[] = {{SIGTERM, Event::kStop}, {SIGINT, Event::kStop}, {SIGHUP, Event::kReload}};
  for (const auto& c : kCases) {
    ASSERT_EQ(::kill(::getpid(), c.number), 0);
    EXPECT_EQ(signal.Wait(absl::InfiniteDuration()), c.event) << c.number;
  }
}

TEST(StopSignalTest, TimesOut) {
  StopSignal signal;
  EXPECT_EQ(signal.Wait(absl::ZeroDuration()), Event::kTimeout);
  EXPECT_EQ(signal.Wait(-absl::InfiniteDuration()), Event::kTimeout);
  EXPECT_EQ(signal.Wait(absl::Milliseconds(1)), Event::kTimeout);
}

TEST(StopSignalTest, KeepsASignalUntilItIsAskedFor) {
  StopSignal signal;
  ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
  ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
  EXPECT_EQ(signal.Wait(absl::ZeroDuration()), Event::kReload);
  EXPECT_EQ(signal.Wait(absl::ZeroDuration()), Event::kTimeout);
}

TEST(StopSignalTest, WakesAWaitingThread) {
  StopSignal signal;
  std::thread sender([] { ::kill(::getpid(), SIGTERM); });
  EXPECT_EQ(signal.Wait(absl::Seconds(60)), Event::kStop);
  sender.join();
}

TEST(StopSignalTest, MakesABrokenPipeAnErrorOfTheWrite) {
  StopSignal signal;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  ::close(ends[1]);
}

}  // namespace
}  // namespace understudy::serving
