// Events in the notifier's words, and what each way an RPC can end means for them.
#include "services/router/report/notifier_client.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/serving/grpc_error.h"
#include "common/serving/monotonic_clock.h"
#include "common/twilio/kept_form.h"
#include "services/router/report/segment.h"
#include "tests/e2e/fake_notifier.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using google::protobuf::util::MessageDifferencer;
using google::protobuf::util::TimeUtil;
using router::ErrorEvent;
using router::NotifierClient;
using router::SendResult;
using router::ToRecord;
using serving::MonotonicNow;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using State = SendResult::State;
namespace v1 = notifier::v1;

constexpr absl::Duration kSoon = absl::Seconds(30);

ErrorEvent EventCalled(const std::string& id) {
  return {.event_id = id,
          .occurred_at = absl::FromUnixNanos(1700000000123456789),
          .account_sid = "AC00000000000000000000000000000001",
          .kind = router::Kind::kMessaging,
          .phone_number = "+14155550199",
          .resource_sid = "SM0123456789abcdef0123456789abcdef",
          .level = twilio::Level::kError,
          .error_code = 11200,
          .error_url = "http://www.example.com/index",
          .target = router::Target::kFallback,
          .outcome = router::EventOutcome::kDefaultAnswered,
          .phase = router::Phase::kStatus,
          .http_status = 503,
          .detail = "the server said 503",
          .elapsed = absl::Milliseconds(1250),
          .attempt_count = 2,
          .resolution_id = "0123456789abcdef0123456789abcdef",
          .response_excerpt = "<h1>Unavailable</h1>",
          .attempts = {{.url = "http://www.example.com/",
                        .method = router::Method::kGet,
                        .remote_address = "192.0.2.1:80",
                        .http_status = 302,
                        .timings = {.dns = absl::Milliseconds(1),
                                    .connect = absl::Milliseconds(2),
                                    .tls = absl::Milliseconds(3),
                                    .first_byte = absl::Milliseconds(4),
                                    .total = absl::Milliseconds(10)}},
                       {.url = "http://www.example.com/index",
                        .method = router::Method::kPost,
                        .remote_address = "192.0.2.1:80",
                        .http_status = 503,
                        .error_code = 11200,
                        .phase = router::Phase::kStatus,
                        .detail = "the server said 503"}},
          .parameters = {{"From", "+14155550100"}, {"Body", "hello"}},
          .request_headers = {{"I-Twilio-Idempotency-Token", "0123"}},
          .response_headers = {{"Server", "nginx"}}};
}

v1::ErrorEvent Parsed(const ErrorEvent& event) {
  v1::ErrorEvent proto;
  EXPECT_TRUE(proto.ParseFromString(ToRecord(event)));
  return proto;
}

TEST(ToRecord, CarriesEveryField) {
  const v1::ErrorEvent event = Parsed(EventCalled("a-1"));
  EXPECT_EQ(event.event_id(), "a-1");
  EXPECT_EQ(TimeUtil::ToString(event.occurred_at()), "2023-11-14T22:13:20.123456789Z");
  EXPECT_EQ(event.account_sid(), "AC00000000000000000000000000000001");
  EXPECT_EQ(event.kind(), v1::KIND_MESSAGING);
  EXPECT_EQ(event.phone_number(), "+14155550199");
  EXPECT_EQ(event.resource_sid(), "SM0123456789abcdef0123456789abcdef");
  EXPECT_EQ(event.level(), v1::LEVEL_ERROR);
  EXPECT_EQ(event.error_code(), 11200);
  EXPECT_EQ(event.error_url(), "http://www.example.com/index");
  EXPECT_EQ(event.target(), v1::TARGET_FALLBACK);
  EXPECT_EQ(event.outcome(), v1::OUTCOME_DEFAULT_ANSWERED);
  EXPECT_EQ(event.phase(), v1::PHASE_STATUS);
  EXPECT_EQ(event.http_status(), 503);
  EXPECT_EQ(event.detail(), "the server said 503");
  EXPECT_EQ(TimeUtil::DurationToMilliseconds(event.elapsed()), 1250);
  EXPECT_EQ(event.attempt_count(), 2);
  EXPECT_EQ(event.resolution_id(), "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(event.response_excerpt(), "<h1>Unavailable</h1>");
  ASSERT_EQ(event.attempts_size(), 2);
  const v1::Attempt& first = event.attempts(0);
  EXPECT_EQ(first.url(), "http://www.example.com/");
  EXPECT_EQ(first.method(), v1::METHOD_GET);
  EXPECT_EQ(first.remote_address(), "192.0.2.1:80");
  EXPECT_EQ(first.http_status(), 302);
  EXPECT_EQ(TimeUtil::DurationToMilliseconds(first.dns()), 1);
  EXPECT_EQ(TimeUtil::DurationToMilliseconds(first.connect()), 2);
  EXPECT_EQ(TimeUtil::DurationToMilliseconds(first.tls()), 3);
  EXPECT_EQ(TimeUtil::DurationToMilliseconds(first.first_byte()), 4);
  EXPECT_EQ(TimeUtil::DurationToMilliseconds(first.total()), 10);
  EXPECT_EQ(event.attempts(1).error_code(), 11200);
  EXPECT_EQ(event.attempts(1).phase(), v1::PHASE_STATUS);
  EXPECT_EQ(event.attempts(1).detail(), "the server said 503");
  EXPECT_EQ(event.request_method(), v1::METHOD_POST);
  EXPECT_EQ(event.parameters().at("From"), "+14155550100");
  EXPECT_EQ(event.parameters().at("Body"), "hello");
  EXPECT_EQ(event.request_headers().at("I-Twilio-Idempotency-Token"), "0123");
  EXPECT_EQ(event.response_headers().at("Server"), "nginx");
  EXPECT_TRUE(event.group_id().empty());  // the notifier's to say
  // A field that is added to the service is added here, or left out on purpose.
  EXPECT_EQ(v1::ErrorEvent::descriptor()->field_count(), 24);
  EXPECT_EQ(v1::Attempt::descriptor()->field_count(), 12);
}

TEST(ToRecord, NamesEveryChoiceAsTheServiceDoes) {
  ErrorEvent event;
  for (int i = 0; i <= static_cast<int>(router::Phase::kParse); ++i) {
    event.phase = static_cast<router::Phase>(i);
    EXPECT_EQ(v1::Phase_Name(Parsed(event).phase()), router::PhaseName(event.phase));
  }
  for (int i = 0; i <= static_cast<int>(router::EventOutcome::kUnknown); ++i) {
    event.outcome = static_cast<router::EventOutcome>(i);
    EXPECT_EQ(v1::Outcome_Name(Parsed(event).outcome()), router::EventOutcomeName(event.outcome));
  }
  event = {.kind = router::Kind::kVoice,
           .level = twilio::Level::kWarning,
           .target = router::Target::kPrimary};
  EXPECT_EQ(Parsed(event).kind(), v1::KIND_VOICE);
  EXPECT_EQ(Parsed(event).level(), v1::LEVEL_WARNING);
  EXPECT_EQ(Parsed(event).target(), v1::TARGET_PRIMARY);
}

// As large as an event has one (common/twilio/kept_form.h).
twilio::Form LargestForm() {
  twilio::Form form;
  for (size_t i = 0; i < twilio::kMaxKeptParameters; ++i) {
    form.push_back({absl::StrCat("name-", i), std::string(50, 'v')});
  }
  return twilio::KeptParameters(form);
}

TEST(ToRecord, TextsAreCutAtTheNotifiersLimits) {
  const struct {
    std::string ErrorEvent::*field;
    const std::string& (v1::ErrorEvent::*proto)() const;
    size_t limit;
  } kRows[] = {
      {&ErrorEvent::account_sid, &v1::ErrorEvent::account_sid, 256},
      {&ErrorEvent::phone_number, &v1::ErrorEvent::phone_number, 256},
      {&ErrorEvent::resource_sid, &v1::ErrorEvent::resource_sid, 256},
      {&ErrorEvent::error_url, &v1::ErrorEvent::error_url, 2048},
      {&ErrorEvent::detail, &v1::ErrorEvent::detail, 4096},
      {&ErrorEvent::resolution_id, &v1::ErrorEvent::resolution_id, 256},
      {&ErrorEvent::response_excerpt, &v1::ErrorEvent::response_excerpt, 4096},
  };
  ErrorEvent largest = EventCalled(std::string(128, 'i'));
  for (const auto& row : kRows) {
    ErrorEvent event;
    event.*row.field = std::string(row.limit, 'x');
    EXPECT_THAT((Parsed(event).*row.proto)(), SizeIs(row.limit));
    event.*row.field += 'x';
    EXPECT_THAT((Parsed(event).*row.proto)(), SizeIs(row.limit));
    event.*row.field = std::string(row.limit - 1, 'x') + "\xC3\xA9";  // cut between characters
    EXPECT_THAT((Parsed(event).*row.proto)(), SizeIs(row.limit - 1));
    event.*row.field = "caf\xE9";  // the wire takes UTF-8 alone
    EXPECT_EQ((Parsed(event).*row.proto)(), "caf\xEF\xBF\xBD");
    largest.*row.field = std::string(100000, '\xE9');
  }
  largest.attempts.assign(100, {.url = std::string(100000, 'u'),
                                .remote_address = std::string(60, 'r'),
                                .http_status = 999,
                                .error_code = 99999,
                                .phase = router::Phase::kParse,
                                .detail = std::string(100000, 'd'),
                                .timings = {.dns = absl::Nanoseconds(1234567890123),
                                            .connect = absl::Nanoseconds(1234567890123),
                                            .tls = absl::Nanoseconds(1234567890123),
                                            .first_byte = absl::Nanoseconds(1234567890123),
                                            .total = absl::Nanoseconds(1234567890123)}});
  largest.parameters = largest.request_headers = largest.response_headers = LargestForm();
  EXPECT_LE(ToRecord(largest).size(), router::kMaxRecordBytes);
}

TEST(ToRecord, OfManyAttemptsTheMiddleOnesAreLeftOut) {
  for (const size_t count : {0, 1, 8, 9, 100}) {
    ErrorEvent event;
    for (size_t i = 0; i < count; ++i) {
      event.attempts.push_back({.detail = std::string(512 + i % 2, 'd')});
      event.attempts.back().http_status = static_cast<int>(i);
    }
    const v1::ErrorEvent proto = Parsed(event);
    ASSERT_EQ(proto.attempts_size(), static_cast<int>(std::min<size_t>(count, 8)));
    for (int i = 0; i < proto.attempts_size(); ++i) {
      const int expected = i < 4 || count <= 8 ? i : static_cast<int>(count) - 8 + i;
      EXPECT_EQ(proto.attempts(i).http_status(), expected);
      EXPECT_THAT(proto.attempts(i).detail(), SizeIs(512));
    }
  }
}

TEST(NotifierClient, HandsOverEvents) {
  FakeNotifier notifier;
  NotifierClient client(notifier.target());
  const SendResult result = client.Report({ToRecord(EventCalled("a")), ToRecord(EventCalled("b"))});
  EXPECT_EQ(result.state, State::kAccepted);
  EXPECT_EQ(result.rejected, 0);
  EXPECT_LE(MonotonicNow() - result.finished_at, kSoon);
  EXPECT_THAT(notifier.events(), SizeIs(2));
  EXPECT_TRUE(MessageDifferencer::Equals(notifier.events()["a"], Parsed(EventCalled("a"))));
}

TEST(NotifierClient, CountsWhatIsRejected) {
  FakeNotifier notifier;
  notifier.RejectWhere([](const auto& event) { return event.event_id() == "b"; });
  NotifierClient client(notifier.target());
  const SendResult result = client.Report({ToRecord(EventCalled("a")), ToRecord(EventCalled("b"))});
  EXPECT_EQ(result.state, State::kAccepted);
  EXPECT_EQ(result.rejected, 1);
  EXPECT_THAT(notifier.events(), SizeIs(1));
}

TEST(NotifierClient, WhatIsNoEventIsRejectedWithoutHoldingUpTheRest) {
  FakeNotifier notifier;
  NotifierClient client(notifier.target());
  SendResult result = client.Report({"\xff\xff", ToRecord(EventCalled("a"))});
  EXPECT_EQ(result.state, State::kAccepted);
  EXPECT_EQ(result.rejected, 1);
  EXPECT_THAT(notifier.events(), SizeIs(1));
  result = client.Report({"\xff\xff"});
  EXPECT_EQ(result.state, State::kAccepted);
  EXPECT_EQ(result.rejected, 1);
  EXPECT_EQ(notifier.rpcs(), 1);
}

TEST(NotifierClient, EachStatusSaysWhatToDo) {
  FakeNotifier notifier;
  NotifierClient client(notifier.target());
  for (int code = 1; code <= 16; ++code) {
    notifier.Fail({static_cast<grpc::StatusCode>(code), "some words"});
    const SendResult result = client.Report({ToRecord(EventCalled("a"))});
    // Whatever else it is, a mistake in the way there must not cost an event.
    EXPECT_EQ(result.state,
              code == grpc::StatusCode::INVALID_ARGUMENT ? State::kRefused : State::kTryLater)
        << code;
    EXPECT_EQ(result.retry_after, absl::ZeroDuration()) << code;
    EXPECT_THAT(result.detail, HasSubstr(": some words")) << code;
  }
}

TEST(NotifierClient, HeedsHowLongToStayAway) {
  FakeNotifier notifier;
  NotifierClient client(notifier.target());
  notifier.Fail(serving::TryLater("too much is waiting", absl::Milliseconds(2500)));
  const SendResult result = client.Report({ToRecord(EventCalled("a"))});
  EXPECT_EQ(result.state, State::kTryLater);
  EXPECT_EQ(result.retry_after, absl::Milliseconds(2500));
  EXPECT_EQ(result.detail, "RESOURCE_EXHAUSTED: too much is waiting");
}

TEST(NotifierClient, ASilentNotifierIsGivenUp) {
  FakeNotifier notifier;
  notifier.Hang(true);
  NotifierClient client(notifier.target(), /*tls=*/nullptr, absl::Milliseconds(200));
  const absl::Time begun_at = MonotonicNow();
  const SendResult result = client.Report({ToRecord(EventCalled("a"))});
  EXPECT_EQ(result.state, State::kTryLater);
  EXPECT_THAT(result.detail, HasSubstr("DEADLINE_EXCEEDED"));
  EXPECT_GE(MonotonicNow() - begun_at, absl::Milliseconds(200));
  notifier.Hang(false);
  EXPECT_EQ(client.Report({ToRecord(EventCalled("a"))}).state, State::kAccepted);
}

TEST(NotifierClient, ANotifierThatIsAwayFailsAtOnceAndIsFoundWhenItIsBack) {
  FakeNotifier notifier;
  notifier.Stop();
  NotifierClient client(notifier.target());
  const absl::Time begun_at = MonotonicNow();
  const SendResult result = client.Report({ToRecord(EventCalled("a"))});
  EXPECT_EQ(result.state, State::kTryLater);
  EXPECT_THAT(result.detail, HasSubstr("UNAVAILABLE"));
  EXPECT_LT(MonotonicNow() - begun_at, router::kReportTimeout / 2);
  notifier.Start();
  EXPECT_TRUE(
      WaitFor([&] { return client.Report({ToRecord(EventCalled("a"))}).state == State::kAccepted; },
              kSoon));
}

TEST(NotifierClient, CancelEndsWhatIsUnderWayAndWhatComes) {
  FakeNotifier notifier;
  notifier.Hang(true);
  NotifierClient client(notifier.target(), /*tls=*/nullptr, 10 * kSoon);
  SendResult result = {.state = State::kAccepted};
  std::thread sender([&] { result = client.Report({ToRecord(EventCalled("a"))}); });
  const bool has_come = WaitFor([&] { return notifier.rpcs() == 1; }, kSoon);
  client.Cancel();
  sender.join();
  EXPECT_TRUE(has_come);
  EXPECT_EQ(result.state, State::kTryLater);
  EXPECT_EQ(client.Report({ToRecord(EventCalled("a"))}).state, State::kTryLater);
  EXPECT_EQ(notifier.rpcs(), 1);
}

}  // namespace
}  // namespace understudy::testing
