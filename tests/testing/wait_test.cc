#include "tests/testing/wait.h"

#include <atomic>
#include <thread>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace understudy::testing {
namespace {

TEST(WaitForTest, AsksOnceEvenWithoutTime) {
  int asked = 0;
  EXPECT_TRUE(WaitFor([&] { return ++asked == 1; }, absl::ZeroDuration()));
  EXPECT_EQ(asked, 1);
  EXPECT_FALSE(WaitFor([&] { return ++asked == 1; }, absl::ZeroDuration()));
  EXPECT_EQ(asked, 2);
}

TEST(WaitForTest, SeesWhatAnotherThreadDoes) {
  std::atomic<bool> is_done = false;
  std::thread other([&] { is_done = true; });
  EXPECT_TRUE(WaitFor([&] { return is_done.load(); }, absl::Seconds(10)));
  other.join();
}

TEST(WaitForTest, GivesUpAtTheBound) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(WaitFor([] { return false; }, absl::Milliseconds(20)));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(20));
}

}  // namespace
}  // namespace understudy::testing
