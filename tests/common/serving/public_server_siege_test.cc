// Many who mean no good at once, and whether the others notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/monotonic_clock.h"
#include "tests/common/serving/public_server_world.h"
#include "tests/testing/http_client.h"
#include "tests/testing/require.h"
#include "tests/testing/wait.h"

namespace understudy::serving {
namespace {

using testing::Get;
using testing::HttpClient;
using testing::Post;
using testing::PublicServerWorld;
using testing::Response;
using testing::Socket;
using testing::WaitFor;

// What takes longer hangs.
constexpr absl::Duration kBound = absl::Seconds(60);
// Sanitizers take their time, and have their own use for memory.
constexpr bool kIsSanitized = sizeof(UNDERSTUDY_SANITIZE) > 1;
// So long that no load of the machine explains it, so short that a stall of seconds shows.
constexpr absl::Duration kNotStalled = kIsSanitized ? absl::Seconds(4) : absl::Seconds(1);

// Asks again and again on connections old and new until `done`; the 99th of 100 waits.
template <typename Done>
absl::Duration SlowestOf100(int port, Done done) {
  std::vector<absl::Duration> waits;
  HttpClient kept(port);
  while (!done() || waits.size() < 1000) {
    const absl::Time begin = MonotonicNow();
    std::optional<Response> response;
    if (waits.size() % 2 == 0) {
      response = kept.Ask(Post("/", "hello"));
      // The last one that this connection was good for.
      if (response.has_value() && response->header("Connection") == "close")
        kept = HttpClient(port);
    } else {
      response = HttpClient(port).Ask(Get("/"));
    }
    EXPECT_TRUE(response.has_value());
    EXPECT_TRUE(response.has_value() && response->status == 200);
    if (::testing::Test::HasFailure()) return absl::InfiniteDuration();
    waits.push_back(MonotonicNow() - begin);
  }
  std::sort(waits.begin(), waits.end());
  const absl::Duration p99 = waits[waits.size() * 99 / 100];
  ::testing::Test::RecordProperty("requests", static_cast<int>(waits.size()));
  ::testing::Test::RecordProperty("p99_us", static_cast<int>(absl::ToInt64Microseconds(p99)));
  ::testing::Test::RecordProperty("max_us",
                                  static_cast<int>(absl::ToInt64Microseconds(waits.back())));
  return p99;
}

size_t ResidentBytes() {
  size_t total_pages = 0;
  size_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> total_pages >> resident_pages;
  return resident_pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// "127.0.0.2" and on: an address for every thousand clients.
std::string AddressOf(size_t client) {
  return absl::StrCat("127.0.0.", 2 + client / 1000);
}

TEST(PublicServerSiegeTest, N11ThousandSlowHeads) {
  PublicServerWorld world;
  std::vector<HttpClient> slow;
  const absl::Time begin = MonotonicNow();
  for (size_t i = 0; i < 1000; ++i) {
    slow.emplace_back(world.port(), testing::HttpClientOptions{.from = AddressOf(i)});
    ASSERT_TRUE(slow.back().Send("GET / HTTP/1.1\r\nX: ")) << i;
  }
  size_t drip = 0;
  const auto all_are_cut_off = [&] {
    slow[drip++ % slow.size()].Send("x");
    return world.count(PublicEvent::kHeadTimeout) >= 1000;
  };
  EXPECT_LE(SlowestOf100(world.port(), all_are_cut_off), kNotStalled);
  EXPECT_GE(MonotonicNow() - begin, PublicLimits().head_time);
  for (HttpClient& client : slow) {
    const std::optional<Response> response = client.Read();
    // Who sent on after the end may have lost the answer.
    if (response.has_value()) {
      EXPECT_EQ(response->status, 408);
    }
    EXPECT_TRUE(client.ServerEnds());
  }
}

TEST(PublicServerSiegeTest, N12FiveThousandIdleConnections) {
  PublicServerWorld world;
  std::vector<HttpClient> idle;
  for (size_t i = 0; i < 5000; ++i) {
    idle.emplace_back(world.port(), testing::HttpClientOptions{.from = AddressOf(i)});
    ASSERT_TRUE(idle.back().Ask(Get("/")).has_value()) << i;
  }
  EXPECT_EQ(world.server().connections(), 5000);
  const absl::Time until = MonotonicNow() + absl::Seconds(2);
  EXPECT_LE(SlowestOf100(world.port(), [&] { return MonotonicNow() > until; }), kNotStalled);
  EXPECT_EQ(world.count(PublicEvent::kEvicted), 0);
  for (HttpClient& client : idle) EXPECT_TRUE(client.Ask(Get("/")).has_value());
}

TEST(PublicServerSiegeTest, IdleConnectionsWeighLittle) {
  auto server = PublicServer::Start(
      {.listen = {.host = "127.0.0.1"}, .limits = {.connections_per_address = 5000}},
      testing::Echo);
  ASSERT_TRUE(server.ok()) << server.status();
  std::vector<HttpClient> idle;
  idle.reserve(4000);
  const std::string request = Get("/", "X: " + std::string(8000, 'x') + "\r\n");
  for (int i = 0; i < 100; ++i) idle.emplace_back((*server)->port()).Ask(request);
  const size_t before = ResidentBytes();
  while (idle.size() < idle.capacity()) {
    ASSERT_TRUE(idle.emplace_back((*server)->port()).Ask(request).has_value());
  }
  const size_t grown = ResidentBytes() - before;
  RecordProperty("bytes_each", static_cast<int>(grown / (idle.size() - 100)));
  if (!kIsSanitized) {
    EXPECT_LE(grown, (idle.size() - 100) * 4000) << "none keeps its last request";
  }
}

TEST(PublicServerSiegeTest, ThousandHalfBodies) {
  const PublicLimits limits = {.body_time = kBound, .held_bytes = size_t{16} << 20};
  PublicServerWorld world(limits);
  const size_t before = ResidentBytes();
  const std::string half = Post("/", std::string(1 << 18, 'x')).substr(0, 1 << 17);
  std::vector<HttpClient> clients;
  size_t held = 0;
  for (size_t i = 0; i < 1000; ++i) {
    clients.emplace_back(world.port(), testing::HttpClientOptions{.from = AddressOf(i)}).Send(half);
    held = std::max(held, world.server().held_bytes());
  }
  EXPECT_TRUE(WaitFor([&] { return world.count(PublicEvent::kHeldBytesFull) > 0; }, kBound));
  // Ordinary requests have their room, also while those who hold the rest are there.
  EXPECT_LE(SlowestOf100(world.port(), [] { return true; }), kNotStalled);
  EXPECT_GT(held, limits.held_bytes / 2);
  EXPECT_LE(held, limits.held_bytes);
  const size_t grown = ResidentBytes() - before;
  RecordProperty("grown_mib", static_cast<int>(grown >> 20));
  // A string may have twice its length, and the allocator keeps some of what it was given back.
  if (!kIsSanitized) {
    EXPECT_LE(grown, 4 * limits.held_bytes + 1000 * limits.request.own_bytes);
  }
  clients.clear();
  EXPECT_TRUE(WaitFor([&] { return world.server().held_bytes() == 0; }, kBound));
}

// Takes all but `left` of the descriptors this process may have.
class FewDescriptors {
 public:
  explicit FewDescriptors(size_t left) {
    testing::Require(getrlimit(RLIMIT_NOFILE, &before_) == 0, "getrlimit");
    rlimit few = before_;
    few.rlim_cur = std::min<rlim_t>(few.rlim_cur, 256);
    testing::Require(setrlimit(RLIMIT_NOFILE, &few) == 0, "setrlimit");
    for (int fd = dup(0); fd >= 0; fd = dup(0)) taken_.emplace_back(fd);
    GiveBack(left);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

  void GiveBack(size_t count) {
    for (; count > 0; --count) taken_.pop_back();
  }

 private:
  rlimit before_ = {};
  std::vector<Socket> taken_;
};

absl::Duration CpuTime() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
}

TEST(PublicServerSiegeTest, WithoutDescriptorsItWaitsForSome) {
  PublicServerWorld world;
  FewDescriptors descriptors(1);  // for the client's side
  HttpClient client(world.port());
  ASSERT_TRUE(client.Send(Get("/")));
  const absl::Time begin = MonotonicNow();
  const absl::Duration cpu_begin = CpuTime();
  ASSERT_TRUE(WaitFor([&] { return world.count(PublicEvent::kNoDescriptors) >= 10; }, kBound));
  const absl::Duration took = MonotonicNow() - begin;
  EXPECT_GE(took, absl::Milliseconds(9 * 50 - 25)) << "it pauses before it tries again";
  EXPECT_LT(CpuTime() - cpu_begin, took / 2) << "it does not spin";
  descriptors.GiveBack(1);
  const std::optional<Response> response = client.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 200);
}

TEST(PublicServerSiegeTest, WithoutDescriptorsAnIdleConnectionMakesRoom) {
  PublicServerWorld world;
  HttpClient idle(world.port());
  ASSERT_TRUE(idle.Ask(Get("/")).has_value());
  FewDescriptors descriptors(1);
  HttpClient client(world.port());
  const std::optional<Response> response = client.Ask(Get("/"));
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 200);
  EXPECT_TRUE(idle.ServerEnds());
  EXPECT_EQ(world.count(PublicEvent::kNoDescriptors), 1);
  EXPECT_EQ(world.count(PublicEvent::kEvicted), 1);
}

// Something of everything, from many threads, for the sanitizers to watch.
TEST(PublicServerSiegeTest, ManyAtOnceOfEveryKind) {
  PublicServerWorld world({.head_time = absl::Milliseconds(50),
                           .body_time = absl::Milliseconds(50),
                           .idle_time = absl::Milliseconds(50),
                           .connections = 24,
                           .handler_threads = 3,
                           .queued_requests = 2});
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&world, &answered, thread] {
      for (int i = 0; i < 60; ++i) {
        HttpClient client(world.port(), {.bound = absl::Seconds(5)});
        switch ((i + thread) % 6) {
          case 0:
            for (int j = 0; j < 5; ++j) {
              const std::optional<Response> response = client.Ask(Get("/"));
              answered += response.has_value() && response->status == 200 ? 1 : 0;
            }
            break;
          case 1:
            client.Send(Get("/") + Get("/") + Post("/", std::string(10000, 'x')));
            client.Read();
            break;
          case 2:
            client.Send("GET / HT");
            client.Read();
            break;
          case 3:
            client.Send(Post("/", "hello"));
            client.Reset();
            break;
          case 4:
            client.Ask("nonsense\r\n\r\n");
            break;
          default:
            client.Ask(Get("/"));
            client.ServerEnds();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(answered, 0);
  world.server().Stop(kBound);
  EXPECT_EQ(world.server().connections(), 0);
  EXPECT_EQ(world.server().held_bytes(), 0u);
}

}  // namespace
}  // namespace understudy::serving
