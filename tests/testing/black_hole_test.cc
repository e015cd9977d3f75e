#include "tests/testing/black_hole.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/socket.h"

namespace understudy::testing {
namespace {

// Longer than a connect on loopback takes, shorter than the first repeat of a SYN.
constexpr absl::Duration kPatience = absl::Milliseconds(200);

std::string ReadToEnd(const Socket& socket) {
  std::string all;
  std::array<char, 256> bytes;
  for (;;) {
    if (!WaitReadable(socket, absl::Seconds(10))) return all + "(no end)";
    const ssize_t count = recv(socket.fd(), bytes.data(), bytes.size(), 0);
    if (count < 0) return all + "(reset)";
    if (count == 0) return all;
    all.append(bytes.data(), static_cast<size_t>(count));
  }
}

class BlackHoleTest : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Hosts, BlackHoleTest, ::testing::Values("127.0.0.1", "::1"),
                         [](const auto& kind) { return kind.index == 0 ? "IPv4" : "IPv6"; });

TEST_P(BlackHoleTest, LeavesConnectsUnanswered) {
  const BlackHole hole(GetParam());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(Dial(GetParam(), hole.port(), kPatience).is_open());
  }
}

TEST_P(BlackHoleTest, AnswersOnceOpened) {
  BlackHole hole(GetParam());
  ASSERT_FALSE(Dial(GetParam(), hole.port(), kPatience).is_open());
  hole.Open("late");
  for (int i = 0; i < 3; ++i) {
    const Socket socket = Dial(GetParam(), hole.port(), absl::Seconds(5));
    ASSERT_TRUE(socket.is_open());
    ASSERT_TRUE(SendAll(socket, "hello"));
    EXPECT_EQ(ReadToEnd(socket), "late");
  }
}

TEST(BlackHolePortTest, TakesThePortItIsTold) {
  const ClosedPort v4("127.0.0.1");
  const BlackHole hole("::1", v4.port());
  EXPECT_EQ(hole.port(), v4.port());
  EXPECT_FALSE(Dial("::1", hole.port(), kPatience).is_open());
}

TEST(ClosedPortTest, RefusesAtOnce) {
  const ClosedPort closed("127.0.0.2");
  EXPECT_FALSE(Dial("127.0.0.2", closed.port(), absl::Seconds(10)).is_open());
  EXPECT_EQ(errno, ECONNREFUSED);
}

}  // namespace
}  // namespace understudy::testing
