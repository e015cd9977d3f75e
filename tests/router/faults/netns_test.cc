// Faults that need a network or a file system of one's own: the process moves into an empty network
// namespace, with nothing in it but loopback, and one of mounts, before any test runs. Needs the
// right to do so (CAP_SYS_ADMIN).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/router/faults/fault_world.h"
#include "tests/testing/dns_server.h"
#include "tests/testing/namespaces.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using router::Phase;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr char kIndex[] = "/index";

constexpr char kNoRoute[] = "192.0.2.1";
constexpr char kUnreachable[] = "192.0.2.2";
constexpr char kProhibited[] = "192.0.2.3";
constexpr char kNoRouteV6[] = "2001:db8::1";

// All of the above, and loopback, may be dialled.
router::FetcherOptions OpenWorld() {
  return ShutLoopback({"127.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"});
}

bool Shell(const std::string& command) {
  return system(command.c_str()) == 0;
}

class Netns : public ::testing::Test {
 protected:
  void SetUp() override { NeedNamespaces(CLONE_NEWNET | CLONE_NEWNS); }

  static std::string UrlOf(absl::string_view host, int port = 80) {
    return absl::StrCat("http://", host, ":", port, kIndex);
  }
};

ExpectedFault Unreachable() {
  return {.classic = 11205,
          .specific = 11202,
          .phase = Phase::kConnect,
          .detail = "the server cannot be reached",
          .attempts = 2,
          .no_later = absl::Milliseconds(100)};
}

TEST_F(Netns, T3_NoRoute) {
  FaultWorld world(OpenWorld());
  world.ExpectFallback(UrlOf(kNoRoute), Unreachable());
  world.ExpectFallback(UrlOf(absl::StrCat("[", kNoRouteV6, "]")), Unreachable());
}

TEST_F(Netns, T3_HostUnreachable) {
  ASSERT_TRUE(Shell(absl::StrCat("ip route replace unreachable ", kUnreachable)))
      << "is iproute2 here?";
  FaultWorld world(OpenWorld());
  world.ExpectFallback(UrlOf(kUnreachable), Unreachable());
}

TEST_F(Netns, T3_Prohibited) {
  ASSERT_TRUE(Shell(absl::StrCat("ip route replace prohibit ", kProhibited)))
      << "is iproute2 here?";
  FaultWorld world(OpenWorld());
  world.ExpectFallback(UrlOf(kProhibited), Unreachable());
}

TEST_F(Netns, T3_TheNextAddressIsDialledAtOnce) {
  DnsServer names;
  router::FetcherOptions options = OpenWorld();
  options.dns_servers = {names.address()};
  FaultWorld world(options);
  Origin primary;
  primary.On(kIndex, Reply{.body = kPrimaryDocument, .closes = true});
  for (const std::string first : {kNoRoute, kNoRouteV6}) {
    SCOPED_TRACE(first);
    const std::string host = first == kNoRoute ? "v4.example.test" : "v6.example.test";
    names.On(host, {.addresses = {first, "127.0.0.1"}});
    const Answer answer = world.ExpectPrimary(primary.url_for_host(host, kIndex));
    EXPECT_EQ(answer.outcome.attempts.size(), 1u);
    EXPECT_LT(answer.took, absl::Milliseconds(100));
  }
}

// Drops a share of all packets while it lives.
class PacketLoss {
 public:
  explicit PacketLoss(double share) : share_(share) { Require(Change("-A"), "an iptables rule"); }
  ~PacketLoss() { Change("-D"); }
  PacketLoss(const PacketLoss&) = delete;
  PacketLoss& operator=(const PacketLoss&) = delete;

 private:
  bool Change(absl::string_view how) const {
    return Shell(absl::StrCat("iptables -w ", how,
                              " INPUT -p tcp -m statistic --mode random --probability ", share_,
                              " -j DROP"));
  }

  const double share_;
};

// Which packets are lost is chance, so what comes of a call is one of few things, and in time.
TEST_F(Netns, T11_LostPacketsAndADelayEndInAnAnswerInTime) {
  constexpr size_t kCalls = 20;
  constexpr absl::Duration kBudget = absl::Seconds(3);
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, Script{}
                         .Wait(absl::Milliseconds(300))
                         .Send(ToBytes({.body = kPrimaryDocument, .closes = true})));
  std::vector<Answer> answers(kCalls);
  {
    const PacketLoss loss(0.3);
    std::vector<std::thread> callers;
    for (Answer& answer : answers) {
      callers.emplace_back([&] {
        answer = world.Resolve(primary.url(absl::StrCat(kIndex, "#ct=2000")),
                               {.limits = {.total_timeout = kBudget}});
      });
    }
    for (std::thread& caller : callers) caller.join();
  }
  int primary_answers = 0;
  for (const Answer& answer : answers) {
    EXPECT_LE(answer.took, 2 * kBudget + kSlack);
    if (answer.outcome.source == router::Source::kPrimary) {
      ++primary_answers;
      EXPECT_EQ(answer.outcome.document, kPrimaryDocument);
    }
    for (const router::Fault& fault : answer.outcome.faults) {
      EXPECT_EQ(fault.code, 11205) << fault.detail;
      EXPECT_THAT(fault.detail,
                  AnyOf(HasSubstr("total time was over"), HasSubstr("connect timeout")));
    }
  }
  EXPECT_GE(primary_answers, 1);
}

// Trusts what the system trusts, besides its file of authorities, if it lets libcurl have its way.
TEST_F(Netns, S21_TheSystemsAuthoritiesAreNotOurs) {
  const TestAuthority theirs("the root of another");
  const TempDir system_store;
  theirs.WriteCaFile(system_store.path());
  ASSERT_TRUE(Shell(absl::StrCat("openssl rehash ", system_store.path())));
  ASSERT_EQ(mount(system_store.path().c_str(), "/etc/ssl/certs", nullptr, MS_BIND, nullptr), 0)
      << std::strerror(errno);
  {
    FaultWorld world;
    Origin primary(
        {.tls = TlsOptions{.certificate = theirs.Issue({.ip_addresses = {"127.0.0.1"}})}});
    primary.On(kIndex, Reply{.body = kPrimaryDocument});
    world.ExpectFallback(primary.url(kIndex),
                         {.classic = 11237, .phase = Phase::kTls, .detail = "no trusted root"});
    EXPECT_TRUE(primary.requests().empty());
  }
  EXPECT_EQ(umount("/etc/ssl/certs"), 0) << std::strerror(errno);
}

}  // namespace
}  // namespace understudy::testing
