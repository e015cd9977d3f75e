#include "services/router/report/error_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace understudy::router {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kDate = absl::FromUnixSeconds(1700000000);

Call VoiceCall() {
  return {.id = "0123456789abcdef0123456789abcdef",
          .kind = Kind::kVoice,
          .account_sid = "AC00000000000000000000000000000001",
          .parameters = {{"CallSid", "CA1"}, {"MessageSid", "SM1"}}};
}

Fault PrimaryFault() {
  return {.code = 11200,
          .target = Target::kPrimary,
          .url = "http://www.example.com/index",
          .phase = Phase::kStatus,
          .http_status = 503,
          .detail = "the server answered 503",
          .attempts = 2,
          .elapsed = absl::Milliseconds(40),
          .response_excerpt = "down"};
}

Fault FallbackFault() {
  return {.code = 11205, .target = Target::kFallback, .url = "http://fallback.example.com/index"};
}

std::vector<ErrorEvent> Events(const Outcome& outcome) {
  return EventsOf(VoiceCall(), "+14155550199", outcome, kDate);
}

TEST(EventsOfTest, ACallThatWentWellIsNone) {
  EXPECT_THAT(Events({.source = Source::kPrimary}), IsEmpty());
}

TEST(EventsOfTest, ACallThatFailedOverIsOneThatSaysWhoAnswered) {
  const auto events = Events({.source = Source::kFallback, .faults = {PrimaryFault()}});
  ASSERT_THAT(events, SizeIs(1));
  const ErrorEvent& event = events[0];
  EXPECT_EQ(event.event_id, "0123456789abcdef0123456789abcdef-1");
  EXPECT_EQ(event.occurred_at, kDate);
  EXPECT_EQ(event.account_sid, "AC00000000000000000000000000000001");
  EXPECT_EQ(event.kind, Kind::kVoice);
  EXPECT_EQ(event.phone_number, "+14155550199");
  EXPECT_EQ(event.resource_sid, "CA1");
  EXPECT_EQ(event.level, twilio::Level::kError);
  EXPECT_EQ(event.error_code, 11200);
  EXPECT_EQ(event.error_url, "http://www.example.com/index");
  EXPECT_EQ(event.target, Target::kPrimary);
  EXPECT_EQ(event.outcome, EventOutcome::kFallbackAnswered);
  EXPECT_EQ(event.phase, Phase::kStatus);
  EXPECT_EQ(event.http_status, 503);
  EXPECT_EQ(event.detail, "the server answered 503");
  EXPECT_EQ(event.elapsed, absl::Milliseconds(40));
  EXPECT_EQ(event.attempt_count, 2);
  EXPECT_EQ(event.resolution_id, "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(event.response_excerpt, "down");
}

TEST(EventsOfTest, BothTargetsFailingAreTwo) {
  const auto events =
      Events({.source = Source::kDefault, .faults = {PrimaryFault(), FallbackFault()}});
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].target, Target::kPrimary);
  EXPECT_EQ(events[1].target, Target::kFallback);
  EXPECT_EQ(events[1].error_code, 11205);
  for (const ErrorEvent& event : events) {
    EXPECT_EQ(event.outcome, EventOutcome::kDefaultAnswered);
  }
  EXPECT_NE(events[0].event_id, events[1].event_id);
}

TEST(EventsOfTest, AnEventHasItsOwnTargetsAttemptsAndRequest) {
  Outcome outcome = {.source = Source::kDefault, .faults = {PrimaryFault(), FallbackFault()}};
  outcome.attempts = {{.target = Target::kPrimary, .http_status = 301},
                      {.target = Target::kPrimary, .http_status = 503},
                      {.target = Target::kFallback, .error_code = 11205}};
  outcome.faults[0].evidence = {.parameters = {{"Digits", "1234"}, {"From", "+14155550100"}},
                                .request_headers = {{"I-Twilio-Idempotency-Token", "t"}},
                                .response_headers = {{"Set-Cookie", "a=b"}, {"Server", "nginx"}}};
  outcome.faults[1].evidence = {.parameters = {{"ErrorCode", "11200"}}};
  const auto events = Events(outcome);
  ASSERT_THAT(events, SizeIs(2));
  ASSERT_THAT(events[0].attempts, SizeIs(2));
  EXPECT_EQ(events[0].attempts[0].http_status, 301);
  EXPECT_EQ(events[0].attempts[1].http_status, 503);
  EXPECT_EQ(events[0].parameters,
            (twilio::Form{{"Digits", "[not kept]"}, {"From", "+14155550100"}}));
  EXPECT_EQ(events[0].request_headers, (twilio::Form{{"I-Twilio-Idempotency-Token", "t"}}));
  EXPECT_EQ(events[0].response_headers, (twilio::Form{{"Server", "nginx"}}));
  ASSERT_THAT(events[1].attempts, SizeIs(1));
  EXPECT_EQ(events[1].attempts[0].error_code, 11205);
  EXPECT_EQ(events[1].parameters, (twilio::Form{{"ErrorCode", "11200"}}));
  EXPECT_THAT(events[1].response_headers, IsEmpty());
}

TEST(EventsOfTest, AWarningHasTheRequestOfItsDocument) {
  const auto events = Events({.source = Source::kFallback,
                              .attempts = {{.target = Target::kPrimary, .http_status = 503},
                                           {.target = Target::kFallback, .http_status = 200}},
                              .faults = {PrimaryFault()},
                              .warnings = {{.code = 12200}},
                              .evidence = {.parameters = {{"ErrorCode", "11200"}}}});
  ASSERT_THAT(events, SizeIs(2));
  ASSERT_THAT(events[1].attempts, SizeIs(1));
  EXPECT_EQ(events[1].attempts[0].http_status, 200);
  EXPECT_EQ(events[1].parameters, (twilio::Form{{"ErrorCode", "11200"}}));
}

TEST(EventsOfTest, ADocumentWithWarningsIsOneHoweverManyThereAre) {
  const Warning first = {.code = 12200, .message = "no verb <Sey>", .line = 1, .column = 11};
  Outcome outcome = {.source = Source::kPrimary,
                     .document_url = "http://www.example.com/index",
                     .warnings = {first}};
  auto events = Events(outcome);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].level, twilio::Level::kWarning);
  EXPECT_EQ(events[0].error_code, 12200);
  EXPECT_EQ(events[0].error_url, "http://www.example.com/index");
  EXPECT_EQ(events[0].target, Target::kPrimary);
  EXPECT_EQ(events[0].outcome, EventOutcome::kWarning);
  EXPECT_EQ(events[0].detail, "line 1, column 11: no verb <Sey>");
  EXPECT_EQ(events[0].occurred_at, kDate);

  outcome.warnings.resize(3, first);
  events = Events(outcome);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].detail, "line 1, column 11: no verb <Sey> (and 2 more)");

  // The worst of them is what the event is about.
  outcome.warnings[1] = {.code = 13231,
                         .level = twilio::Level::kError,
                         .message = "bad value",
                         .line = 2,
                         .column = 3};
  events = Events(outcome);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].level, twilio::Level::kError);
  EXPECT_EQ(events[0].error_code, 13231);
  EXPECT_EQ(events[0].detail, "line 2, column 3: bad value (and 2 more)");
}

TEST(EventsOfTest, AFallbackWithWarningsIsAFailureAndAWarning) {
  const auto events = Events({.source = Source::kFallback,
                              .document_url = "http://fallback.example.com/index",
                              .faults = {PrimaryFault()},
                              .warnings = {{.code = 12200}}});
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].level, twilio::Level::kError);
  EXPECT_EQ(events[1].level, twilio::Level::kWarning);
  EXPECT_EQ(events[1].target, Target::kFallback);
}

TEST(EventsOfTest, WhatHadFailedBeforeTheCallerWentAwayIsTold) {
  EXPECT_THAT(Events({.cancelled = true}), IsEmpty());
  const auto events = Events({.cancelled = true, .faults = {PrimaryFault()}});
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].outcome, EventOutcome::kUnknown);
}

TEST(EventsOfTest, AMessageIsNamedByItsOwnSid) {
  Call call = VoiceCall();
  call.kind = Kind::kMessaging;
  const Outcome outcome = {.faults = {PrimaryFault()}};
  EXPECT_EQ(EventsOf(call, "", outcome, kDate)[0].resource_sid, "SM1");
  call.parameters.clear();
  EXPECT_EQ(EventsOf(call, "", outcome, kDate)[0].resource_sid, "");
}

}  // namespace
}  // namespace understudy::router
