// The promise of the outbox, kept by real processes: an event whose call was answered arrives,
// whenever the router is killed (P3).
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <understudy/router/v1/router_service.grpc.pb.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "tests/e2e/fake_notifier.h"
#include "tests/e2e/router_process.h"
#include "tests/testing/origin.h"
#include "tests/testing/program.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;
namespace v1 = router::v1;

constexpr absl::Duration kSoon = absl::Seconds(30);
constexpr absl::Duration kPatience = absl::Seconds(1);

constexpr char kConfig[] = R"(grpc: {listen: "127.0.0.1:0"}
admin: {listen: "127.0.0.1:0"}
accounts: [{sid: AC00000000000000000000000000000001}]
numbers:
  - phone_number: "+14155550199"
    account_sid: AC00000000000000000000000000000001
    voice: {url: "$0", fallback_url: "$1"}
egress: {allow: [127.0.0.0/8]}
notifier: {target: "$2", outbox_dir: "$3/outbox"}
)";

// A router's configuration, the web servers it names, and a notifier.
class Crash : public ::testing::Test {
 protected:
  Crash() {
    broken_.OnAny(Reply{.status = 503});
    good_.OnAny(Reply{.body = "<Response/>"});
    config_ = dir_.Write("router.yaml", absl::Substitute(kConfig, broken_.url("/"), good_.url("/"),
                                                         notifier_.target(), dir_.path()));
  }

  std::set<std::string> Arrived() const {
    std::set<std::string> ids;
    for (const auto& [id, event] : notifier_.events()) ids.insert(id);
    return ids;
  }

  const TempDir dir_;
  FakeNotifier notifier_;
  Origin broken_;
  Origin good_;
  std::string config_;
};

// Callers who call over and over until the router is gone. Each call fails over, so it is an event.
class Callers {
 public:
  Callers(int port, int count) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this, port] { Call(port); });
  }
  ~Callers() { Join(); }

  // The router must be gone, or about to go.
  void Join() {
    is_over_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  [[nodiscard]] bool WaitForAnswers(size_t count) const {
    return WaitFor([&] { return event_ids().size() >= count; }, kSoon);
  }
  // Of the calls that were answered.
  std::set<std::string> event_ids() const {
    MutexLock lock(mutex_);
    return event_ids_;
  }

 private:
  void Call(int port) {
    // A channel each: gRPC shares those with equal options.
    grpc::ChannelArguments options;
    options.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto stub = v1::RouterService::NewStub(grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials(), options));
    v1::ResolveTwiMLRequest request;
    request.set_kind(v1::KIND_VOICE);
    request.set_phone_number("+14155550199");
    while (!is_over_) {
      grpc::ClientContext context;
      // Until the router is there; but it may be gone before that.
      const bool waits = !has_answered_;
      context.set_wait_for_ready(waits);
      if (waits) context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
      v1::ResolveTwiMLResponse response;
      const grpc::Status status = stub->ResolveTwiML(&context, request, &response);
      if (waits && status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) continue;
      if (!status.ok()) return;
      has_answered_ = true;
      MutexLock lock(mutex_);
      event_ids_.insert(absl::StrCat(response.resolution_id(), "-1"));
    }
  }

  std::atomic<bool> is_over_ = false;
  std::atomic<bool> has_answered_ = false;
  mutable Mutex mutex_;
  std::set<std::string> event_ids_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

TEST_F(Crash, P3_KilledAtAnyMomentTheRouterLosesNoEventOfAnAnsweredCall) {
  constexpr int kRounds = 20;
  constexpr int kCallers = 4;
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  const auto roll = [&](int sides) {
    return std::uniform_int_distribution<int>(0, sides - 1)(random);
  };
  std::set<std::string> answered;
  int64_t late = 0;  // not yet at the notifier when the router was killed
  for (int round = 0; round < kRounds; ++round) {
    // The notifier has its own troubles.
    const int trouble = roll(4);
    if (trouble == 0) notifier_.Stop();
    if (trouble == 1) notifier_.LoseAnswers(1 + roll(3));
    RouterProcess router(config_);
    ASSERT_TRUE(router.Ready());
    Callers callers(router.grpc_port(), kCallers);
    const bool calls_are_answered = callers.WaitForAnswers(static_cast<size_t>(1 + roll(150)));
    router.Signal(SIGKILL);
    callers.Join();
    EXPECT_EQ(router.WaitForExit(), -1);
    ASSERT_TRUE(calls_are_answered);
    const std::set<std::string> arrived = Arrived();
    for (const std::string& id : callers.event_ids()) late += arrived.count(id) == 0 ? 1 : 0;
    answered.merge(callers.event_ids());
    notifier_.Start();
    notifier_.LoseAnswers(0);
  }

  RouterProcess router(config_);
  ASSERT_TRUE(router.Ready());
  const auto missing = [&] {
    const std::set<std::string> arrived = Arrived();
    std::vector<std::string> ids;
    std::set_difference(answered.begin(), answered.end(), arrived.begin(), arrived.end(),
                        std::back_inserter(ids));
    return ids;
  };
  EXPECT_TRUE(WaitFor([&] { return missing().empty(); }, kSoon)) << missing().size();
  EXPECT_EQ(notifier_.conflicts(), 0);
  EXPECT_GT(late, 0) << "else nothing was tried";
  RecordProperty("answered", static_cast<int>(answered.size()));
  RecordProperty("late", static_cast<int>(late));
  RecordProperty("duplicates", notifier_.duplicates());
}

TEST_F(Crash, P1_SigtermSendsWhatWaitsAndExitsWithZero) {
  RouterProcess router(config_);
  ASSERT_TRUE(router.Ready());
  Callers callers(router.grpc_port(), 4);
  EXPECT_TRUE(callers.WaitForAnswers(100));
  router.Signal(SIGTERM);
  callers.Join();
  EXPECT_EQ(router.WaitForExit(), 0);
  const std::set<std::string> arrived = Arrived();
  for (const std::string& id : callers.event_ids()) EXPECT_EQ(arrived.count(id), 1u) << id;
}

TEST_F(Crash, P2_ASecondSigtermDoesNotWaitForTheNotifierAndLosesNothing) {
  notifier_.Hang(true);
  std::set<std::string> ids;
  {
    RouterProcess router(config_);
    ASSERT_TRUE(router.Ready());
    Callers callers(router.grpc_port(), 1);
    EXPECT_TRUE(callers.WaitForAnswers(10));
    router.Signal(SIGTERM);
    callers.Join();
    EXPECT_TRUE(router.WaitForLog("stopping"));
    router.Signal(SIGTERM);
    EXPECT_EQ(router.WaitForExit(), 1);
    ids = callers.event_ids();
  }
  notifier_.Hang(false);
  RouterProcess router(config_);
  ASSERT_TRUE(router.Ready());
  EXPECT_TRUE(WaitFor(
      [&] {
        const std::set<std::string> arrived = Arrived();
        return std::includes(arrived.begin(), arrived.end(), ids.begin(), ids.end());
      },
      kSoon));
}

TEST_F(Crash, O7_ATakenOutboxIsSaidInWords) {
  RouterProcess router(config_);
  ASSERT_TRUE(router.Ready());
  const ProgramEnd second = RunProgram({UNDERSTUDY_ROUTER_BINARY, "--config", config_});
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.err, HasSubstr("/outbox belongs to a process that is running"));
}

}  // namespace
}  // namespace understudy::testing
