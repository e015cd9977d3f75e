// From calls that went wrong to a notifier (UC-3's other end), over gRPC on both sides: what it
// hears, and what calls notice of a notifier that is away, slow or broken: nothing.
#include <gmock/gmock.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/grpc_error.h"
#include "common/serving/monotonic_clock.h"
#include "services/router/report/notifier_client.h"
#include "tests/e2e/fake_notifier.h"
#include "tests/e2e/router_world.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/origin.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using google::protobuf::util::TimeUtil;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Event = FakeNotifier::Event;
namespace v1 = notifier::v1;

constexpr absl::Duration kSoon = absl::Seconds(30);
constexpr char kIndex[] = "/index";

// A router that reports to a notifier, with web servers of either kind.
class Reporting : public ::testing::Test {
 protected:
  Reporting() {
    good_.OnAny(Reply{.body = kFallbackDocument});
    broken_.OnAny(Reply{.status = 503, .body = "down for a while"});
    config_ = LoopbackConfig();
    config_.notifier = router::NotifierConfig{.target = notifier_.target(),
                                              .outbox_dir = absl::StrCat(dir_.path(), "/outbox")};
  }

  RouterWorld& world() {
    if (world_ == nullptr) world_ = std::make_unique<RouterWorld>(config_);
    return *world_;
  }
  // The router of world() ends as by SIGTERM.
  void Stop(absl::Duration grace) {
    world().router().Stop(grace);
    world_ = nullptr;
  }

  // A call whose primary fails and whose fallback answers: one event. Its id.
  std::string FailOver() {
    const Answer answer = world().Resolve(VoiceRequest(broken_.url(kIndex), good_.url(kIndex)));
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.response.twiml(), kFallbackDocument);
    return absl::StrCat(answer.response.resolution_id(), "-1");
  }
  std::set<std::string> FailOver(int count) {
    std::set<std::string> ids;
    for (int i = 0; i < count; ++i) ids.insert(FailOver());
    return ids;
  }

  std::set<std::string> Arrived() const {
    std::set<std::string> ids;
    for (const auto& [id, event] : notifier_.events()) ids.insert(id);
    return ids;
  }
  double Metric(const std::string& name) {
    return ReadMetric(world().router().admin_port(), absl::StrCat("understudy_outbox_", name));
  }

  const TempDir dir_;
  FakeNotifier notifier_;
  Origin good_;
  Origin broken_;
  router::RouterConfig config_;
  std::unique_ptr<RouterWorld> world_;
};

TEST_F(Reporting, ACallThatFailedOverIsOneEvent) {
  const absl::Time begun_at = absl::Now();
  const std::string id = FailOver();
  ASSERT_TRUE(notifier_.WaitForEvents(1, kSoon));
  const Event event = notifier_.events()[id];
  EXPECT_EQ(event.event_id(), id);
  EXPECT_GE(TimeUtil::TimestampToNanoseconds(event.occurred_at()), absl::ToUnixNanos(begun_at));
  EXPECT_LE(TimeUtil::TimestampToNanoseconds(event.occurred_at()), absl::ToUnixNanos(absl::Now()));
  EXPECT_EQ(event.account_sid(), kAccountSid);
  EXPECT_EQ(event.kind(), v1::KIND_VOICE);
  EXPECT_EQ(event.resource_sid(), "CA0123456789abcdef0123456789abcdef");
  EXPECT_EQ(event.level(), v1::LEVEL_ERROR);
  EXPECT_EQ(event.error_code(), 11200);
  EXPECT_EQ(event.error_url(), broken_.url(kIndex));
  EXPECT_EQ(event.target(), v1::TARGET_PRIMARY);
  EXPECT_EQ(event.outcome(), v1::OUTCOME_FALLBACK_ANSWERED);
  EXPECT_EQ(event.phase(), v1::PHASE_STATUS);
  EXPECT_EQ(event.http_status(), 503);
  EXPECT_EQ(event.attempt_count(), 1);
  EXPECT_EQ(absl::StrCat(event.resolution_id(), "-1"), id);
  EXPECT_EQ(event.response_excerpt(), "down for a while");
  EXPECT_EQ(event.parameters().at("CallSid"), "CA0123456789abcdef0123456789abcdef");
  EXPECT_EQ(event.parameters().at("AccountSid"), kAccountSid);
  EXPECT_EQ(event.parameters().count("ErrorCode"), 0u);
  EXPECT_EQ(event.request_method(), v1::METHOD_POST);
  EXPECT_EQ(event.request_headers().count("I-Twilio-Idempotency-Token"), 1u);
  ASSERT_EQ(event.attempts_size(), 1);
  EXPECT_EQ(event.attempts(0).url(), broken_.url(kIndex));
  EXPECT_EQ(event.attempts(0).http_status(), 503);
  EXPECT_EQ(event.attempts(0).error_code(), 11200);
  EXPECT_EQ(event.attempts(0).phase(), v1::PHASE_STATUS);
  EXPECT_GT(TimeUtil::DurationToNanoseconds(event.attempts(0).total()), 0);
  EXPECT_THAT(notifier_.events(), SizeIs(1));
}

TEST_F(Reporting, Uc1_17_BothTargetsFailingAreTwo) {
  const ClosedPort closed;
  const std::string fallback = absl::StrCat("http://127.0.0.1:", closed.port(), kIndex);
  const Answer answer = world().Resolve(MessageRequest(broken_.url(kIndex), fallback));
  EXPECT_EQ(answer.response.source(), router::v1::SOURCE_DEFAULT);
  ASSERT_TRUE(notifier_.WaitForEvents(2, kSoon));
  const std::string id = answer.response.resolution_id();
  const Event first = notifier_.events()[absl::StrCat(id, "-1")];
  const Event second = notifier_.events()[absl::StrCat(id, "-2")];
  for (const Event& event : {first, second}) {
    EXPECT_EQ(event.kind(), v1::KIND_MESSAGING);
    EXPECT_EQ(event.resource_sid(), "SM0123456789abcdef0123456789abcdef");
    EXPECT_EQ(event.outcome(), v1::OUTCOME_DEFAULT_ANSWERED);
    EXPECT_EQ(event.resolution_id(), id);
  }
  EXPECT_EQ(first.error_code(), 11200);
  EXPECT_EQ(first.error_url(), broken_.url(kIndex));
  EXPECT_EQ(second.target(), v1::TARGET_FALLBACK);
  EXPECT_EQ(second.error_code(), 11205);
  EXPECT_EQ(second.error_url(), fallback);
  EXPECT_EQ(second.attempt_count(), 2);
  ASSERT_EQ(second.attempts_size(), 2);
  EXPECT_EQ(second.attempts(1).phase(), v1::PHASE_CONNECT);
  EXPECT_EQ(second.parameters().at("ErrorCode"), "11200");
  EXPECT_EQ(second.parameters().at("ErrorUrl"), broken_.url(kIndex));
}

TEST_F(Reporting, ADocumentWithWarningsIsOne) {
  broken_.OnAny(Reply{.body = "<Response><Sey>x</Sey></Response>"});
  const Answer answer = world().Resolve(VoiceRequest(broken_.url(kIndex), ""));
  EXPECT_EQ(answer.response.source(), router::v1::SOURCE_PRIMARY);
  ASSERT_TRUE(notifier_.WaitForEvents(1, kSoon));
  const Event event = notifier_.events().begin()->second;
  EXPECT_EQ(event.level(), v1::LEVEL_WARNING);
  EXPECT_EQ(event.error_code(), 12200);
  EXPECT_EQ(event.error_url(), broken_.url(kIndex));
  EXPECT_EQ(event.outcome(), v1::OUTCOME_WARNING);
}

TEST_F(Reporting, AHealthyCallIsNone) {
  const Answer answer = world().Resolve(VoiceRequest(good_.url(kIndex), ""));
  EXPECT_EQ(answer.response.source(), router::v1::SOURCE_PRIMARY);
  const std::string id = FailOver();  // so that there is something to wait for
  ASSERT_TRUE(notifier_.WaitForEvents(1, kSoon));
  EXPECT_THAT(Arrived(), ::testing::ElementsAre(id));
}

// What a web server sends may be no UTF-8; one such event must not spoil its batch.
TEST_F(Reporting, BytesOfAnyKindInAResponseDoNoHarm) {
  broken_.OnAny(Reply{.status = 500, .body = std::string("caf\xE9 \xFF\xFE\0 end", 13)});
  FailOver();
  ASSERT_TRUE(notifier_.WaitForEvents(1, kSoon));
  EXPECT_THAT(notifier_.events().begin()->second.response_excerpt(), HasSubstr("caf\xEF\xBF\xBD"));
}

TEST_F(Reporting, P15_CallsDoNotNoticeANotifierThatIsAwayAndItHearsOfThemLater) {
  notifier_.Stop();
  const std::set<std::string> ids = FailOver(50);
  EXPECT_EQ(Metric("events"), 50);
  EXPECT_GT(Metric("bytes"), 0);
  EXPECT_GT(Metric("oldest_seconds"), 0);
  EXPECT_TRUE(WaitFor([&] { return Metric("send_failures_total") >= 2; }, kSoon));
  EXPECT_EQ(Metric("sent_total"), 0);
  notifier_.Start();
  ASSERT_TRUE(notifier_.WaitForEvents(50, kSoon));
  EXPECT_EQ(Arrived(), ids);
  EXPECT_TRUE(WaitFor([&] { return Metric("sent_total") == 50; }, kSoon));
  EXPECT_EQ(Metric("events"), 0);
  EXPECT_EQ(Metric("oldest_seconds"), 0);
  EXPECT_EQ(Metric("dropped_total"), 0);
  EXPECT_EQ(notifier_.conflicts(), 0);
}

TEST_F(Reporting, P15_NorOneThatIsSilent) {
  notifier_.Hang(true);
  const std::string first = FailOver();
  ASSERT_TRUE(WaitFor([&] { return notifier_.rpcs() == 1; }, kSoon));
  const absl::Time begun_at = serving::MonotonicNow();
  const std::set<std::string> ids = FailOver(50);
  EXPECT_EQ(notifier_.rpcs(), 1) << "all were answered while one RPC hung";
  EXPECT_LT(serving::MonotonicNow() - begun_at, router::kReportTimeout);
  notifier_.Hang(false);
  ASSERT_TRUE(notifier_.WaitForEvents(51, kSoon));
  EXPECT_EQ(Arrived().count(first), 1u);
}

TEST_F(Reporting, P15_ARestartingNotifierGetsEveryEvent) {
  std::set<std::string> ids;
  for (int round = 0; round < 5; ++round) {
    ids.merge(FailOver(20));
    notifier_.Stop();
    ids.merge(FailOver(20));
    notifier_.Start();
  }
  ASSERT_TRUE(notifier_.WaitForEvents(ids.size(), kSoon));
  EXPECT_EQ(Arrived(), ids);
  EXPECT_EQ(notifier_.conflicts(), 0);
}

TEST_F(Reporting, O1_AnAnswerThatGetsLostDoublesNothing) {
  notifier_.LoseAnswers(3);
  const std::set<std::string> ids = FailOver(20);
  ASSERT_TRUE(WaitFor([&] { return Metric("sent_total") == 20; }, kSoon));
  EXPECT_EQ(Arrived(), ids);
  EXPECT_GE(notifier_.duplicates(), 1);
  EXPECT_EQ(notifier_.conflicts(), 0) << "the same each time";
  EXPECT_EQ(Metric("send_failures_total"), 3);
}

TEST_F(Reporting, O2_ABusyNotifierIsLeftAloneForAsLongAsItSays) {
  notifier_.Fail(serving::TryLater("too much is waiting", absl::Milliseconds(700)));
  FailOver();
  ASSERT_TRUE(WaitFor([&] { return notifier_.rpcs() == 1; }, kSoon));
  const absl::Time refused_at = serving::MonotonicNow();
  notifier_.Fail(grpc::Status::OK);
  ASSERT_TRUE(notifier_.WaitForEvents(1, kSoon));
  EXPECT_GE(serving::MonotonicNow() - refused_at, absl::Milliseconds(600));
}

TEST_F(Reporting, O3_WhatTheNotifierRejectsIsCountedAndTheRestArrives) {
  notifier_.RejectWhere(
      [](const Event& event) { return absl::StrContains(event.error_url(), "/bad"); });
  world().Resolve(VoiceRequest(broken_.url("/bad"), good_.url(kIndex)));
  const std::set<std::string> ids = FailOver(3);
  ASSERT_TRUE(WaitFor([&] { return Metric("sent_total") == 3; }, kSoon));
  EXPECT_EQ(Arrived(), ids);
  EXPECT_EQ(Metric("rejected_total"), 1);
  EXPECT_EQ(Metric("events"), 0);
}

TEST_F(Reporting, O3_OneEventThatSpoilsItsBatchCostsItselfAlone) {
  notifier_.Stop();  // so that they make one batch
  notifier_.RefuseWhere(
      [](const Event& event) { return absl::StrContains(event.error_url(), "/bad"); });
  std::set<std::string> ids = FailOver(17);
  world().Resolve(VoiceRequest(broken_.url("/bad"), good_.url(kIndex)));
  ids.merge(FailOver(17));
  notifier_.Start();
  ASSERT_TRUE(WaitFor([&] { return Metric("events") == 0; }, kSoon));
  EXPECT_EQ(Arrived(), ids);
  EXPECT_EQ(Metric("rejected_total"), 1);
  EXPECT_EQ(Metric("sent_total"), 34);
}

TEST_F(Reporting, P1_AStopSendsWhatWaits) {
  const std::set<std::string> ids = FailOver(30);
  Stop(kSoon);
  EXPECT_EQ(Arrived(), ids);
}

TEST_F(Reporting, P1_AStopWaitsForTheNotifierAsLongAsItMayAndTheNextStartGoesOn) {
  notifier_.Hang(true);
  const std::set<std::string> ids = FailOver(3);
  ASSERT_TRUE(WaitFor([&] { return notifier_.rpcs() == 1; }, kSoon));
  const absl::Time begun_at = serving::MonotonicNow();
  Stop(absl::Milliseconds(300));
  EXPECT_GE(serving::MonotonicNow() - begun_at, absl::Milliseconds(300));
  EXPECT_LT(serving::MonotonicNow() - begun_at, router::kReportTimeout / 2);
  EXPECT_THAT(Arrived(), IsEmpty());
  notifier_.Hang(false);
  world();
  ASSERT_TRUE(notifier_.WaitForEvents(3, kSoon));
  EXPECT_EQ(Arrived(), ids);
}

TEST_F(Reporting, O7_TwoRoutersDoNotShareAnOutbox) {
  world();
  const auto second = router::Router::Start(config_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(absl::StrCat(config_.notifier->outbox_dir, " belongs to a process")));
  world_ = nullptr;
  EXPECT_TRUE(router::Router::Start(config_).ok());
}

// As when a volume goes away: calls are answered, and events arrive all the same.
TEST_F(Reporting, O8_WithoutItsDirectoryTheRouterAnswersAndReports) {
  world();
  std::filesystem::remove_all(config_.notifier->outbox_dir);
  notifier_.Stop();
  const std::set<std::string> ids = FailOver(20);
  notifier_.Start();
  EXPECT_TRUE(notifier_.WaitForEvents(20, kSoon));
  EXPECT_EQ(Arrived(), ids);
  EXPECT_EQ(Metric("dropped_total"), 0);
}

TEST_F(Reporting, WithoutANotifierEventsAreLinesOfTheLog) {
  config_.notifier.reset();
  FailOver();
  EXPECT_EQ(Metric("events"), -1) << "there is no such metric";
  EXPECT_EQ(notifier_.rpcs(), 0);
}

}  // namespace
}  // namespace understudy::testing
