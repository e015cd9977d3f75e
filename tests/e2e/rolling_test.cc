// New versions of both services are rolled out while 500 calls a second are answered, as Kubernetes
// does it: a new router is started and named in DNS, an old one is named no longer, given its pause
// and told to end, and its disk goes with it; the notifier ends before the next one begins. Then
//
//   * every call was answered with a document;
//   * every primary that failed is one event in the notifier's store, exactly.
//
// The caller is what README.md asks callers to be: it finds routers by name, goes round among them,
// and asks another one where one was not available.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <understudy/router/v1/router_service.grpc.pb.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "tests/e2e/notifier_caller.h"
#include "tests/e2e/notifier_process.h"
#include "tests/e2e/router_process.h"
#include "tests/e2e/steady_calls.h"
#include "tests/testing/dns_server.h"
#include "tests/testing/origin.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

namespace v1 = router::v1;
using ::testing::IsEmpty;

constexpr absl::Duration kSoon = absl::Seconds(60);
constexpr int kCallsPerSecond = 500;
constexpr absl::Duration kCallDeadline = absl::Seconds(10);
// Of a router that is told to end: Kubernetes' default of 30 seconds less kPause.
constexpr absl::Duration kLongestStop = absl::Seconds(25);
// Every so many calls one primary is down, and one takes its time.
constexpr int kDownOneIn = 5;
constexpr int kSlowOneIn = 11;
constexpr absl::Duration kSlow = absl::Milliseconds(400);
constexpr int kReplicas = 2;
// Between the end of a router's name in DNS and SIGTERM (preStop), and of each state that is to be
// seen under load.
constexpr absl::Duration kPause = absl::Seconds(5);
constexpr char kAccount[] = "AC00000000000000000000000000000001";
constexpr char kName[] = "understudy-router";
constexpr char kGood[] = "<Response><Say>primary</Say></Response>";
constexpr char kFallback[] = "<Response><Say>fallback</Say></Response>";

constexpr int kResolveAgainMs = 1000;

// What README.md asks of callers: its one block of JSON.
std::string ServiceConfig() {
  std::ifstream file(UNDERSTUDY_README);
  std::string json;
  bool is_here = false;
  for (std::string line; std::getline(file, line) && !(is_here && line == "```");) {
    if (is_here) absl::StrAppend(&json, line, "\n");
    is_here = is_here || line == "```json";
  }
  return json;
}

// The nth of four loopback addresses that no other process uses.
std::string PodAddress(int n) {
  const std::string own = OwnLoopbackAddress();
  std::vector<std::string> parts = absl::StrSplit(own, '.');
  int part = 0;  // 1 to 64
  Require(absl::SimpleAtoi(parts[1], &part), own);
  parts[1] = absl::StrCat((part + 64 * n) % 256);
  return absl::StrJoin(parts, ".");
}
constexpr int kPodAddresses = 4;

// The load, and how its calls end.
class Load {
 public:
  Load(std::shared_ptr<grpc::Channel> channel, const Origin& origin)
      : origin_(origin),
        calls_(
            std::move(channel), kCallsPerSecond, [this](SteadyCall& call) { Prepare(call); },
            [this](const SteadyCall& call) { OnEnd(call); }) {}

  void Stop() { calls_.Stop(); }

  int64_t answered() const {
    MutexLock lock(mutex_);
    return answered_;
  }
  std::set<std::string> events() const {
    MutexLock lock(mutex_);
    return events_;
  }
  std::vector<std::string> failures() const {
    MutexLock lock(mutex_);
    return failures_;
  }
  absl::Duration longest() const {
    MutexLock lock(mutex_);
    return longest_;
  }

 private:
  static bool IsDown(int call) { return call % kDownOneIn == 0; }
  static const char* PathOf(int call) {
    return IsDown(call) ? "/down" : call % kSlowOneIn == 0 ? "/slow" : "/good";
  }

  void Prepare(SteadyCall& call) const {
    call.request.set_kind(v1::KIND_VOICE);
    call.request.set_account_sid(kAccount);
    call.request.set_request_id(absl::StrCat("call-", call.number));
    call.request.mutable_handler()->set_url(origin_.url(PathOf(call.number)));
    call.request.mutable_handler()->set_fallback_url(origin_.url("/fallback"));
    call.context.set_deadline(absl::ToChronoTime(absl::Now() + kCallDeadline));
  }

  void OnEnd(const SteadyCall& call) {
    MutexLock lock(mutex_);
    longest_ = std::max(longest_, call.took);
    if (!call.status.ok()) {
      failures_.push_back(
          absl::StrCat(call.status.error_code(), ": ", call.status.error_message()));
    } else if (call.response.twiml() != (IsDown(call.number) ? kFallback : kGood)) {
      failures_.push_back(call.response.twiml());
    } else {
      ++answered_;
      if (IsDown(call.number)) {
        events_.insert(absl::StrCat(call.response.resolution_id(), "-1"));
      }
    }
  }

  const Origin& origin_;
  mutable Mutex mutex_;
  int64_t answered_ GUARDED_BY(mutex_) = 0;
  std::set<std::string> events_ GUARDED_BY(mutex_);
  std::vector<std::string> failures_ GUARDED_BY(mutex_);
  absl::Duration longest_ GUARDED_BY(mutex_);
  SteadyCalls calls_;
};

// Routers by the name of their headless service, and one notifier.
class Cluster {
 public:
  Cluster() {
    origin_.On("/good", Reply{.body = kGood});
    origin_.On("/down", Reply{.status = 503, .body = "down for a while"});
    origin_.On("/fallback", Reply{.body = kFallback});
    origin_.On("/slow", Script{}.Wait(kSlow).Send(ToBytes(Reply{.body = kGood})));
    StartNotifier();
    notifier_port_ = notifier_->grpc_port();
    caller_.emplace(absl::StrCat(notifier_address_, ":", notifier_port_));
    for (int i = 0; i < kReplicas; ++i) StartRouter();
  }

  const Origin& origin() const { return origin_; }

  std::shared_ptr<grpc::Channel> Channel() {
    grpc::ChannelArguments options;
    options.SetServiceConfigJSON(ServiceConfig());
    options.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kResolveAgainMs);
    return grpc::CreateCustomChannel(
        absl::StrCat("dns://", dns_.address(), "/", kName, ":", router_port_),
        grpc::InsecureChannelCredentials(), options);
  }

  // maxSurge 1, maxUnavailable 0: each router is replaced by one that is ready before.
  void RollRouters() {
    for (int i = 0; i < kReplicas; ++i) {
      StartRouter();
      EndOldestRouter();
    }
  }

  // A StatefulSet's one pod is gone before the next one begins.
  void RestartNotifier() {
    StopNotifier();
    StartNotifier();
  }

  // As when both are given a new version at once.
  void RollARouterWhileTheNotifierIsAway() {
    StartRouter();
    StopNotifier();
    std::thread ends([this] { EndOldestRouter(); });
    absl::SleepFor(kPause + absl::Seconds(1));  // the router is in the midst of its end
    StartNotifier();
    ends.join();
  }

  NotifierCaller& notifier() { return *caller_; }

 private:
  struct Pod {
    std::string address = {};
    std::string disk = {};
    std::unique_ptr<RouterProcess> process = {};
  };

  void StartRouter() {
    Pod pod{.address = PodAddress(started_routers_ % kPodAddresses),
            .disk = absl::StrCat(dir_.path(), "/router-", started_routers_)};
    ++started_routers_;
    std::filesystem::create_directory(pod.disk);
    const std::string config = dir_.Write(
        absl::StrCat("router-", started_routers_, ".yaml"),
        absl::StrCat("grpc: {listen: \"", pod.address, ":", router_port_, "\"}\n",
                     "admin: {listen: \"", pod.address, ":0\"}\n", "accounts: [{sid: ", kAccount,
                     "}]\n", "notifier: {target: \"dns:///", notifier_address_, ":", notifier_port_,
                     "\", outbox_dir: ", pod.disk, "/outbox}\n",
                     "egress: {allow: [127.0.0.0/8]}\n"));
    pod.process = std::make_unique<RouterProcess>(config);
    Require(pod.process->Ready(), "a router that serves");
    router_port_ = pod.process->grpc_port();
    routers_.push_back(std::move(pod));
    SetNames(0);
  }

  void EndOldestRouter() {
    SetNames(1);
    absl::SleepFor(kPause);  // preStop, while the load goes on
    Stop(*routers_.front().process, "router");
    std::filesystem::remove_all(routers_.front().disk);
    routers_.erase(routers_.begin());
  }

  // All but the oldest `leaving` routers are named.
  void SetNames(size_t leaving) {
    DnsAnswer answer;
    for (size_t i = leaving; i < routers_.size(); ++i) {
      answer.addresses.push_back(routers_[i].address);
    }
    dns_.On(kName, answer);
  }

  void StartNotifier() {
    const std::string config = dir_.Write(
        "notifier.yaml",
        absl::StrCat("grpc: {listen: \"", notifier_address_, ":", notifier_port_, "\"}\n",
                     "http: {listen: \"127.0.0.1:0\"}\n", "admin: {listen: \"127.0.0.1:0\"}\n",
                     "store: {sqlite: ", dir_.path(), "/notifier.db}\n",
                     "mail: {from: u@example.com, directory: ", dir_.path(), "/mail}\n",
                     "alerts: {routes: [{to: [ops@example.com]}]}\n"));
    notifier_ = std::make_unique<NotifierProcess>(config, NotifierProcess::KeepLog::kUntilReady);
    Require(notifier_->Ready(), "a notifier that serves");
  }

  void StopNotifier() { Stop(*notifier_, "notifier"); }

  void Stop(ServiceProcess& process, const std::string& name) {
    const absl::Time begun_at = absl::Now();
    process.Signal(SIGTERM);
    EXPECT_EQ(process.WaitForExit(), 0) << name;
    EXPECT_LT(absl::Now() - begun_at, kLongestStop) << name;
    std::printf(
        "the %s stopped in %s\n", name.c_str(),
        absl::FormatDuration(absl::Trunc(absl::Now() - begun_at, absl::Milliseconds(1))).c_str());
  }

  const TempDir dir_;
  const std::string notifier_address_ = OwnLoopbackAddress();
  Origin origin_;
  DnsServer dns_;
  int router_port_ = 0;
  int notifier_port_ = 0;
  int started_routers_ = 0;
  std::vector<Pod> routers_;  // oldest first
  std::unique_ptr<NotifierProcess> notifier_;
  std::optional<NotifierCaller> caller_;
};

TEST(SlowRolling, P7_NoCallFailsAndNoEventIsLostOrDoubled) {
  Cluster cluster;
  Load load(cluster.Channel(), cluster.origin());
  ASSERT_TRUE(WaitFor([&] { return load.answered() > kCallsPerSecond; }, kSoon));
  cluster.RollRouters();
  cluster.RestartNotifier();
  cluster.RollARouterWhileTheNotifierIsAway();
  load.Stop();
  EXPECT_THAT(load.failures(), IsEmpty());

  const std::set<std::string> expected = load.events();
  const auto counted = [&] {
    int64_t count = 0;
    for (const auto& group : cluster.notifier().Groups(kAccount).groups) {
      count += group.event_count();
    }
    return count;
  };
  EXPECT_TRUE(WaitFor([&] { return counted() >= static_cast<int64_t>(expected.size()); }, kSoon));
  const NotifierCaller::Listed listed = cluster.notifier().Events(kAccount);
  ASSERT_TRUE(listed.status.ok()) << listed.status.error_message();
  std::set<std::string> stored;
  for (const auto& event : listed.events) stored.insert(event.event_id());
  EXPECT_EQ(stored.size(), listed.events.size()) << "an event is stored twice";
  EXPECT_EQ(stored, expected);
  EXPECT_EQ(counted(), static_cast<int64_t>(expected.size()));
  std::printf("%" PRId64 " calls answered, the longest in %s; %zu events\n", load.answered(),
              absl::FormatDuration(load.longest()).c_str(), stored.size());
}

// A call whose web servers say nothing, and an event for a notifier that says nothing: the router
// ends all the same before it is killed, and the call goes on at another one.
TEST(SlowRolling, P1_ARouterThatCannotFinishEndsInTimeAndItsCallGoesOnElsewhere) {
  const std::string address = OwnLoopbackAddress();
  const TempDir dir;
  Origin silent_notifier;
  silent_notifier.OnAccept(Script{}.Stall());
  Origin origin;
  origin.On("/down", Reply{.status = 503});
  origin.On("/fallback", Reply{.body = kFallback});
  origin.OnSequence("/silent", {Script{}.Stall(), Reply{.body = kGood}});
  origin.On("/silent-fallback", Script{}.Stall());
  std::vector<std::unique_ptr<RouterProcess>> routers;
  for (int i = 0; i < 2; ++i) {
    routers.push_back(std::make_unique<RouterProcess>(
        dir.Write(absl::StrCat("router-", i, ".yaml"),
                  absl::StrCat("grpc: {listen: \"", address, ":0\"}\n", "admin: {listen: \"",
                               address, ":0\"}\n", "accounts: [{sid: ", kAccount, "}]\n",
                               "notifier: {target: \"dns:///127.0.0.1:", silent_notifier.port(),
                               "\", outbox_dir: ", dir.path(), "/outbox-", i, "}\n",
                               "egress: {allow: [127.0.0.0/8]}\n"))));
    ASSERT_TRUE(routers.back()->Ready());
  }
  v1::ResolveTwiMLRequest request;
  request.set_kind(v1::KIND_VOICE);
  request.set_account_sid(kAccount);
  const auto call = [&](int router, const char* primary, const char* fallback,
                        v1::ResolveTwiMLResponse& response) {
    // The first of the addresses is asked first.
    grpc::ChannelArguments options;
    options.SetServiceConfigJSON(
        absl::StrReplaceAll(ServiceConfig(), {{"round_robin", "pick_first"}}));
    const auto stub = v1::RouterService::NewStub(grpc::CreateCustomChannel(
        absl::StrCat("ipv4:", address, ":", routers[static_cast<size_t>(router)]->grpc_port(), ",",
                     address, ":", routers[static_cast<size_t>(1 - router)]->grpc_port()),
        grpc::InsecureChannelCredentials(), options));
    request.mutable_handler()->set_url(origin.url(primary));
    request.mutable_handler()->set_fallback_url(origin.url(fallback));
    grpc::ClientContext context;
    return stub->ResolveTwiML(&context, request, &response);
  };
  v1::ResolveTwiMLResponse failed_over;
  ASSERT_TRUE(call(0, "/down", "/fallback", failed_over).ok());
  v1::ResolveTwiMLResponse response;
  grpc::Status status;
  std::thread caller([&] { status = call(0, "/silent", "/silent-fallback", response); });
  EXPECT_TRUE(origin.WaitForRequests(3, kSoon));

  const absl::Time begun_at = absl::Now();
  routers[0]->Signal(SIGTERM);
  EXPECT_EQ(routers[0]->WaitForExit(), 0);
  const absl::Duration took = absl::Now() - begun_at;
  EXPECT_LT(took, kLongestStop);
  EXPECT_TRUE(routers[0]->WaitForLog("events stay in the outbox for the next start"));
  caller.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.twiml(), kGood);
  std::printf("stopped in %s\n", absl::FormatDuration(took).c_str());
}

}  // namespace
}  // namespace understudy::testing
