// The proxy that is shipped for the router's gRPC port (deploy/proxy), attacked: good callers go on
// while somebody else floods it with calls that are cancelled at once (HTTP/2 Rapid Reset), and the
// router behind it does not grow. The figures of docs/threat-model.md, with and without the proxy:
//
//   build/dev/bin/proxy_test --gtest_also_run_disabled_tests --gtest_filter='*Figures*'
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "tests/e2e/reset_flood.h"
#include "tests/e2e/router_process.h"
#include "tests/e2e/steady_calls.h"
#include "tests/testing/origin.h"
#include "tests/testing/require.h"
#include "tests/testing/socket.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

namespace v1 = router::v1;

constexpr absl::Duration kSoon = absl::Seconds(30);
constexpr int kCallsPerSecond = 100;
constexpr absl::Duration kPatience = absl::Seconds(1);  // an answer that comes later is none
constexpr absl::Duration kWindow = absl::Seconds(2);
constexpr int kRounds = 5;  // the median of them counts
constexpr int64_t kMaxGrowthKilobytes = int64_t{64} << 10;
// For the figures: as many as the server takes.
constexpr int kUnboundedRate = 200000;
constexpr char kDocument[] = "<Response><Say>primary</Say></Response>";

// Replaces what must occur `count` times.
void Replace(const std::string& from, const std::string& to, int count, std::string& text) {
  Require(absl::StrReplaceAll({{from, to}}, &text) == count, absl::StrCat("nginx.conf: ", from));
}

// Debian's nginx with the configuration that is shipped, on a port of its own.
class Proxy {
 public:
  explicit Proxy(const std::string& router) : port_(FreePort()) {
    std::ifstream file(UNDERSTUDY_PROXY_CONFIG);
    std::string config{std::istreambuf_iterator<char>(file), {}};
    Replace("listen 50051 ", absl::StrCat("listen 127.0.0.1:", port_, " "), 1, config);
    Replace("server understudy-router-balanced:50051 ", absl::StrCat("server ", router, " "), 2,
            config);
    Replace(" /tmp/", absl::StrCat(" ", dir_.path(), "/"), 6, config);
    const std::string path = dir_.Write("nginx.conf", config);
    const std::string directives = geteuid() == 0 ? "daemon off; user root;" : "daemon off;";
    pid_ = fork();
    Require(pid_ >= 0, "a process");
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      execlp("nginx", "nginx", "-c", path.c_str(), "-p", dir_.path().c_str(), "-g",
             directives.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    Require(WaitFor([&] { return Dial("127.0.0.1", port_, kPatience).is_open(); }, kSoon),
            "a proxy that listens");
  }
  ~Proxy() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  int port() const { return port_; }

 private:
  static int FreePort() { return PortOf(Bind(Transport::kTcp, "127.0.0.1", 0)); }

  const TempDir dir_;
  const int port_;
  pid_t pid_ = -1;
};

class ProxyTest : public ::testing::Test {
 protected:
  ProxyTest() {
    origin_.OnAny(Reply{.body = kDocument});
    router_ = std::make_unique<RouterProcess>(
        dir_.Write("router.yaml",
                   "grpc: {listen: \"127.0.0.1:0\"}\nadmin: {listen: \"127.0.0.1:0\"}\n"
                   "accounts: [{sid: AC00000000000000000000000000000001}]\n"
                   "egress: {allow: [127.0.0.0/8]}\n"));
    Require(router_->Ready(), "a router that serves");
  }

  // Good callers of `port`, from 127.0.0.1.
  void CallAt(int port) {
    grpc::ChannelArguments options;
    options.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    options.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
    calls_ = std::make_unique<SteadyCalls>(
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                  grpc::InsecureChannelCredentials(), options),
        kCallsPerSecond,
        [this](SteadyCall& call) {
          call.request.set_kind(v1::KIND_VOICE);
          call.request.set_account_sid("AC00000000000000000000000000000001");
          call.request.mutable_handler()->set_url(origin_.url("/voice"));
          call.context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
        },
        [this](const SteadyCall& call) {
          if (call.status.ok() && call.response.twiml() == kDocument) ++good_;
        });
    ASSERT_TRUE(WaitFor([&] { return good_ > kCallsPerSecond / 2; }, kSoon));
  }

  // Good answers a second, from now on for a while.
  double Goodput() {
    const int64_t before = good_;
    const absl::Time begun_at = absl::Now();
    absl::SleepFor(kWindow);  // what is measured
    return static_cast<double>(good_ - before) / absl::ToDoubleSeconds(absl::Now() - begun_at);
  }

  // What part of the goodput is left during an attack on `port`.
  double Attack(int port, int connections = 4, int resets_per_second = 20000) {
    const double before = Goodput();
    const int64_t resident = router_->resident_kilobytes();
    double during = 0;
    {
      ResetFlood flood({.host = "127.0.0.1",
                        .port = port,
                        .connections = connections,
                        .resets_per_second = resets_per_second});
      EXPECT_TRUE(WaitFor([&] { return flood.resets() > 1000; }, kSoon));
      during = Goodput();
      std::printf("%" PRId64 " resets on %" PRId64
                  " connections: %.0f good answers a second, %.0f "
                  "before; the router has %" PRId64 " KiB, %" PRId64 " before\n",
                  flood.resets(), flood.connections(), during, before,
                  router_->resident_kilobytes(), resident);
    }
    return during / before;
  }

  const TempDir dir_;
  Origin origin_;
  std::unique_ptr<RouterProcess> router_;
  std::atomic<int64_t> good_ = 0;
  std::unique_ptr<SteadyCalls> calls_;
};

TEST_F(ProxyTest, G9_KeepsHalfTheGoodputUnderRapidReset) {
  const Proxy proxy(absl::StrCat("127.0.0.1:", router_->grpc_port()));
  CallAt(proxy.port());
  const int64_t resident = router_->resident_kilobytes();
  std::vector<double> kept(kRounds);
  for (double& share : kept) share = Attack(proxy.port());
  std::sort(kept.begin(), kept.end());
  EXPECT_GE(kept[kRounds / 2], 0.5);
  EXPECT_LE(router_->peak_resident_kilobytes() - resident, kMaxGrowthKilobytes);
  EXPECT_TRUE(WaitFor([&] { return Goodput() >= 0.9 * kCallsPerSecond; }, kSoon));
}

// Says, and asserts nothing: what is left without the proxy differs from machine to machine.
TEST_F(ProxyTest, DISABLED_FiguresThroughTheProxy) {
  const Proxy proxy(absl::StrCat("127.0.0.1:", router_->grpc_port()));
  CallAt(proxy.port());
  for (int connections : {1, 4}) Attack(proxy.port(), connections, kUnboundedRate);
}

TEST_F(ProxyTest, DISABLED_FiguresOfTheBareRouter) {
  CallAt(router_->grpc_port());
  for (int connections : {1, 4}) Attack(router_->grpc_port(), connections, kUnboundedRate);
  const absl::Time ended_at = absl::Now();
  const bool recovers = WaitFor([&] { return Goodput() >= 0.9 * kCallsPerSecond; }, 2 * kSoon);
  std::printf(recovers ? "as before after %.0f s\n" : "not as before after %.0f s\n",
              absl::ToDoubleSeconds(absl::Now() - ended_at));
}

}  // namespace
}  // namespace understudy::testing
