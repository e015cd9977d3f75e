#include "services/router/fetch/event_poll.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <thread>

#include "common/serving/monotonic_clock.h"

namespace understudy::router {
namespace {

using serving::MonotonicNow;

// Long enough that a test which waits for it has failed.
constexpr absl::Duration kLong = absl::Seconds(20);

// Two connected sockets.
class Pair {
 public:
  Pair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds_.data()), 0); }
  ~Pair() {
    for (int fd : fds_) {
      if (fd >= 0) close(fd);
    }
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  int ours() const { return fds_[0]; }
  void PeerSends() { EXPECT_EQ(write(fds_[1], "x", 1), 1); }
  void PeerLeaves() {
    close(fds_[1]);
    fds_[1] = -1;
  }

 private:
  std::array<int, 2> fds_ = {-1, -1};
};

TEST(EventPollTest, TellsWhatAnFdIsReadyForAndWhoseItIs) {
  EventPoll poll;
  ASSERT_TRUE(poll.ok());
  Pair names;
  Pair transfers;
  poll.Watch(names.ours(), EventPoll::Owner::kNames, /*read=*/true, /*write=*/false);
  poll.Watch(transfers.ours(), EventPoll::Owner::kTransfers, /*read=*/true, /*write=*/false);
  EXPECT_TRUE(poll.Wait(absl::ZeroDuration()).empty());

  names.PeerSends();
  const std::vector<EventPoll::Event> readable = poll.Wait(kLong);
  ASSERT_EQ(readable.size(), 1u);
  EXPECT_EQ(readable[0].owner, EventPoll::Owner::kNames);
  EXPECT_EQ(readable[0].fd, names.ours());
  EXPECT_TRUE(readable[0].readable);
  EXPECT_FALSE(readable[0].writable);
  EXPECT_FALSE(readable[0].failed);

  poll.Watch(names.ours(), EventPoll::Owner::kNames, false, false);
  poll.Watch(transfers.ours(), EventPoll::Owner::kTransfers, /*read=*/false, /*write=*/true);
  const std::vector<EventPoll::Event> writable = poll.Wait(kLong);
  ASSERT_EQ(writable.size(), 1u);
  EXPECT_EQ(writable[0].owner, EventPoll::Owner::kTransfers);
  EXPECT_TRUE(writable[0].writable);
  EXPECT_FALSE(writable[0].readable);
}

TEST(EventPollTest, SaysNothingOfWhatIsNoLongerWatched) {
  EventPoll poll;
  Pair pair;
  pair.PeerSends();
  poll.Watch(pair.ours(), EventPoll::Owner::kTransfers, false, false);  // never was
  EXPECT_TRUE(poll.Wait(absl::ZeroDuration()).empty());
  poll.Watch(pair.ours(), EventPoll::Owner::kTransfers, true, true);
  EXPECT_EQ(poll.Wait(kLong).size(), 1u);
  poll.Watch(pair.ours(), EventPoll::Owner::kTransfers, false, false);
  EXPECT_TRUE(poll.Wait(absl::ZeroDuration()).empty());
  poll.Watch(pair.ours(), EventPoll::Owner::kTransfers, true, false);
  EXPECT_EQ(poll.Wait(kLong).size(), 1u);
}

TEST(EventPollTest, SaysNothingOfWhatRestsUntilItIsWatchedAgain) {
  EventPoll poll;
  Pair pair;
  poll.Rest(pair.ours());  // never was watched
  poll.Watch(pair.ours(), EventPoll::Owner::kTransfers, true, false);
  poll.Rest(pair.ours());
  poll.Watch(pair.ours(), EventPoll::Owner::kTransfers, true, false);
  pair.PeerSends();
  EXPECT_EQ(poll.Wait(kLong).size(), 1u);  // nothing happened while it rested
  poll.Rest(pair.ours());
  EXPECT_TRUE(poll.Wait(absl::Milliseconds(1)).empty());
  EXPECT_TRUE(poll.Wait(absl::Milliseconds(1)).empty());
  poll.Watch(pair.ours(), EventPoll::Owner::kTransfers, true, false);
  EXPECT_EQ(poll.Wait(kLong).size(), 1u);  // and neither is anything lost that did
}

TEST(EventPollTest, AForgottenNumberMayBeAnotherSocketNext) {
  EventPoll poll;
  auto first = std::make_unique<Pair>();
  const int fd = first->ours();
  poll.Watch(fd, EventPoll::Owner::kTransfers, true, false);
  poll.Rest(fd);
  poll.Forget(fd);
  poll.Forget(fd);
  first.reset();
  Pair second;
  ASSERT_EQ(second.ours(), fd);
  poll.Watch(fd, EventPoll::Owner::kTransfers, true, false);
  second.PeerSends();
  EXPECT_EQ(poll.Wait(kLong).size(), 1u);
}

TEST(EventPollTest, ANumberThatIsAnothersIsWatchedAfresh) {
  EventPoll poll;
  auto first = std::make_unique<Pair>();
  const int fd = first->ours();
  poll.Watch(fd, EventPoll::Owner::kTransfers, true, false);
  poll.Rest(fd);
  first.reset();  // not forgotten
  Pair second;
  ASSERT_EQ(second.ours(), fd);
  poll.Watch(fd, EventPoll::Owner::kNames, true, false);
  second.PeerSends();
  ASSERT_EQ(poll.Wait(kLong).size(), 1u);
  EXPECT_EQ(poll.Wait(kLong)[0].owner, EventPoll::Owner::kNames);
}

TEST(EventPollTest, APeerThatLeavesIsReadable) {
  EventPoll poll;
  Pair pair;
  poll.Watch(pair.ours(), EventPoll::Owner::kTransfers, true, false);
  pair.PeerLeaves();
  const std::vector<EventPoll::Event> events = poll.Wait(kLong);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(events[0].readable);
}

TEST(EventPollTest, WakeEndsThePresentOrTheNextWait) {
  EventPoll poll;
  poll.Wake();
  poll.Wake();
  const absl::Time begun_at = MonotonicNow();
  EXPECT_TRUE(poll.Wait(kLong).empty());
  EXPECT_TRUE(poll.Wait(absl::ZeroDuration()).empty());  // both wakes were swallowed

  std::thread waker([&poll] { poll.Wake(); });
  EXPECT_TRUE(poll.Wait(kLong).empty());
  waker.join();
  EXPECT_LT(MonotonicNow() - begun_at, kLong);
}

TEST(EventPollTest, WaitsItsTimeAndNotAMomentLess) {
  EventPoll poll;
  for (const absl::Duration timeout :
       {absl::Microseconds(100), absl::Milliseconds(1), absl::Microseconds(2500)}) {
    const absl::Time begun_at = MonotonicNow();
    EXPECT_TRUE(poll.Wait(timeout).empty());
    EXPECT_GE(MonotonicNow() - begun_at, timeout);
  }
  EXPECT_TRUE(poll.Wait(-absl::Seconds(1)).empty());
}

}  // namespace
}  // namespace understudy::router
