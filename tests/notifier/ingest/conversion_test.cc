#include "services/notifier/ingest/conversion.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>
#include <understudy/notifier/v1/notifier_service.pb.h>

#include <algorithm>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"

namespace understudy::notifier {
namespace {

using google::protobuf::util::MessageDifferencer;
using google::protobuf::util::TimeUtil;
using serving::CallerError;
using ::testing::ElementsAre;

const absl::Time kNow = absl::FromUnixSeconds(1764000000);

v1::ErrorEvent FullEvent() {
  v1::ErrorEvent event;
  event.set_event_id("E1");
  *event.mutable_occurred_at() = TimeUtil::NanosecondsToTimestamp(1763999999123456789);
  event.set_account_sid("AC00000000000000000000000000000001");
  event.set_kind(v1::KIND_MESSAGING);
  event.set_phone_number("+14155550199");
  event.set_resource_sid("SM1");
  event.set_level(v1::LEVEL_WARNING);
  event.set_error_code(12200);
  event.set_error_url("https://a.test/");
  event.set_target(v1::TARGET_FALLBACK);
  event.set_outcome(v1::OUTCOME_WARNING);
  event.set_phase(v1::PHASE_PARSE);
  event.set_http_status(200);
  event.set_detail("detail");
  *event.mutable_elapsed() = TimeUtil::MillisecondsToDuration(1234);
  event.set_attempt_count(2);
  event.set_resolution_id("R1");
  event.set_response_excerpt("<x/>");
  (*event.mutable_parameters())["From"] = "+14155550100";
  (*event.mutable_parameters())["Body"] = "hello";
  event.set_request_method(v1::METHOD_POST);
  (*event.mutable_request_headers())["Accept"] = "*/*";
  (*event.mutable_response_headers())["Server"] = "nginx";
  v1::Attempt* attempt = event.add_attempts();
  attempt->set_url("https://b.test/");
  attempt->set_method(v1::METHOD_GET);
  attempt->set_remote_address("192.0.2.1:443");
  attempt->set_http_status(302);
  attempt->set_error_code(11200);
  attempt->set_phase(v1::PHASE_STATUS);
  attempt->set_detail("moved");
  *attempt->mutable_dns() = TimeUtil::MicrosecondsToDuration(1);
  *attempt->mutable_connect() = TimeUtil::MicrosecondsToDuration(2);
  *attempt->mutable_tls() = TimeUtil::MicrosecondsToDuration(3);
  *attempt->mutable_first_byte() = TimeUtil::MicrosecondsToDuration(4);
  *attempt->mutable_total() = TimeUtil::MicrosecondsToDuration(5);
  return event;
}

v1::ReportErrorEventsRequest RequestOf(int count) {
  v1::ReportErrorEventsRequest request;
  for (int i = 0; i < count; ++i) *request.add_events() = FullEvent();
  return request;
}

TEST(ReadBatchTest, EveryFieldGoesThereAndBack) {
  const auto read = ReadBatch(RequestOf(1));
  const auto& batch = std::get<Batch>(read);
  ASSERT_EQ(batch.events.size(), 1u);
  Event event = batch.events[0];
  EXPECT_FALSE(Normalize(event, kNow).has_value());
  v1::ErrorEvent back;
  SetEvent(event, &back);
  EXPECT_TRUE(MessageDifferencer::Equals(back, FullEvent())) << back.DebugString();
}

// Each value of each enum, so that none is mistaken for another.
TEST(ReadBatchTest, EveryChoiceGoesThereAndBack) {
  v1::ReportErrorEventsRequest request;
  for (int i = 1; i <= 2; ++i) {
    v1::ErrorEvent* event = request.add_events();
    *event = FullEvent();
    event->set_kind(static_cast<v1::Kind>(i));
    event->set_level(static_cast<v1::Level>(i));
    event->set_target(static_cast<v1::Target>(i));
    event->set_request_method(static_cast<v1::Method>(i));
  }
  for (int i = 1; i <= 4; ++i) {
    *request.add_events() = FullEvent();
    request.mutable_events()->rbegin()->set_outcome(static_cast<v1::Outcome>(i));
  }
  for (int i = 0; i <= 12; ++i) {
    *request.add_events() = FullEvent();
    request.mutable_events()->rbegin()->set_phase(static_cast<v1::Phase>(i));
    request.mutable_events()->rbegin()->mutable_attempts(0)->set_phase(static_cast<v1::Phase>(i));
  }
  const auto read = ReadBatch(request);
  const auto& batch = std::get<Batch>(read);
  ASSERT_EQ(batch.events.size(), static_cast<size_t>(request.events_size()));
  for (int i = 0; i < request.events_size(); ++i) {
    v1::ErrorEvent back;
    SetEvent(batch.events[static_cast<size_t>(i)], &back);
    EXPECT_TRUE(MessageDifferencer::Equals(back, request.events(i))) << back.DebugString();
  }
}

TEST(ReadBatchTest, WhatIsLeftOutOrNewToUsHasAPlainMeaning) {
  v1::ReportErrorEventsRequest request;
  v1::ErrorEvent* event = request.add_events();
  event->set_kind(v1::KIND_VOICE);
  event = request.add_events();
  event->set_kind(v1::KIND_VOICE);
  event->set_level(static_cast<v1::Level>(99));
  event->set_target(static_cast<v1::Target>(99));
  event->set_outcome(static_cast<v1::Outcome>(99));
  event->set_phase(static_cast<v1::Phase>(13));
  event->set_request_method(static_cast<v1::Method>(3));
  const auto read = ReadBatch(request);
  const auto& batch = std::get<Batch>(read);
  ASSERT_EQ(batch.events.size(), 2u);
  for (const Event& e : batch.events) {
    EXPECT_EQ(e, (Event{.occurred_at = absl::InfinitePast()}));
  }
}

TEST(ReadBatchTest, ParametersComeInOneOrder) {
  v1::ReportErrorEventsRequest request = RequestOf(1);
  for (int i = 0; i < 50; ++i) {
    (*request.mutable_events(0)->mutable_parameters())[absl::StrCat("p", i)] = "v";
  }
  const auto read = ReadBatch(request);
  const twilio::Form& form = std::get<Batch>(read).events[0].parameters;
  ASSERT_EQ(form.size(), 52u);
  EXPECT_TRUE(std::is_sorted(form.begin(), form.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
}

TEST(ReadBatchTest, TimesBeyondAllMeasureAreCut) {
  v1::ReportErrorEventsRequest request = RequestOf(2);
  for (int i = 0; i < 2; ++i) {
    const int64_t seconds =
        i == 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
    request.mutable_events(i)->mutable_occurred_at()->set_seconds(seconds);
    request.mutable_events(i)->mutable_elapsed()->set_seconds(seconds);
  }
  auto read = ReadBatch(request);
  auto& batch = std::get<Batch>(read);
  for (Event& event : batch.events) {
    EXPECT_FALSE(Normalize(event, kNow).has_value());
    EXPECT_EQ(event.occurred_at, kNow);
  }
  EXPECT_EQ(batch.events[0].elapsed, kMaxElapsed);
  EXPECT_EQ(batch.events[1].elapsed, absl::ZeroDuration());
}

TEST(ReadBatchTest, HasOneTo500Events) {
  const auto is_good = [](int count) {
    const auto read = ReadBatch(RequestOf(count));
    const auto* error = std::get_if<CallerError>(&read);
    if (error != nullptr) {
      EXPECT_EQ(error->reason, "BATCH_SIZE_INVALID");
      EXPECT_EQ(error->field, "events");
    }
    return error == nullptr;
  };
  EXPECT_FALSE(is_good(0));
  EXPECT_TRUE(is_good(1));
  EXPECT_TRUE(is_good(500));
  EXPECT_FALSE(is_good(501));
}

// Rejected by the door, kept, rejected by Ingest, rejected by the door: by their place.
TEST(ToResponseTest, RejectedEventsAreInTheOrderOfTheRequest) {
  v1::ReportErrorEventsRequest request = RequestOf(4);
  request.mutable_events(0)->set_kind(v1::KIND_UNSPECIFIED);
  request.mutable_events(3)->set_kind(static_cast<v1::Kind>(3));
  request.mutable_events(3)->set_event_id(std::string(1000, 'x'));
  const auto read = ReadBatch(request);
  const auto& batch = std::get<Batch>(read);
  const v1::ReportErrorEventsResponse response =
      ToResponse(batch, {.stored = 1,
                         .duplicates = 7,
                         .rejected = {{.index = 1,
                                       .event_id = "E1",
                                       .refusal = {.reason = "R", .field = "f", .message = "m"}}}});
  EXPECT_EQ(response.duplicates(), 7);
  ASSERT_EQ(response.rejected_size(), 3);
  EXPECT_EQ(response.rejected(0).index(), 0);
  EXPECT_EQ(response.rejected(0).reason(), "KIND_REQUIRED");
  EXPECT_EQ(response.rejected(0).field(), "kind");
  EXPECT_EQ(response.rejected(1).index(), 2);
  EXPECT_EQ(response.rejected(1).reason(), "R");
  EXPECT_EQ(response.rejected(1).event_id(), "E1");
  EXPECT_EQ(response.rejected(2).index(), 3);
  EXPECT_EQ(response.rejected(2).event_id().size(), kMaxEventIdBytes);
}

template <typename Query, typename Request>
std::string ReasonOf(const Request& request) {
  const auto read = ReadQuery(request);
  const auto* error = std::get_if<CallerError>(&read);
  return error == nullptr ? "" : absl::StrCat(error->reason, " ", error->field);
}

TEST(ReadQueryTest, EventsAreFilteredByEverythingAtOnce) {
  v1::ListErrorEventsRequest request;
  request.set_account_sid("AC1");
  request.set_resource_sid("CA1");
  request.set_phone_number("+1");
  request.set_error_code(11200);
  request.set_group_id("17");
  *request.mutable_start_time() = TimeUtil::SecondsToTimestamp(1764000000);
  *request.mutable_end_time() = TimeUtil::SecondsToTimestamp(1764000060);
  request.set_page_token("9");
  request.set_event_id("E1");
  request.set_host("WWW.Example.com:8443");
  const auto read = ReadQuery(request);
  const auto& query = std::get<EventsQuery>(read);
  EXPECT_EQ(query.filter.event_id, "E1");
  EXPECT_EQ(query.filter.host, "www.example.com:8443");
  EXPECT_EQ(query.filter.after_row, 0);
  EXPECT_FALSE(query.filter.oldest_first);
  EXPECT_EQ(query.filter.account_sid, "AC1");
  EXPECT_EQ(query.filter.resource_sid, "CA1");
  EXPECT_EQ(query.filter.phone_number, "+1");
  EXPECT_EQ(query.filter.error_code, 11200);
  EXPECT_EQ(query.filter.group_id, 17);
  EXPECT_EQ(query.filter.start, kNow);
  EXPECT_EQ(query.filter.end, kNow + absl::Minutes(1));
  EXPECT_EQ(query.before_row, 9);
  EXPECT_EQ(query.page_size, kDefaultPageSize);
}

TEST(ReadQueryTest, PageSizesHaveBorders) {
  const struct {
    int32_t asked;
    int given;  // -1: refused
  } kCases[] = {{-1, -1}, {0, 50}, {1, 1}, {200, 200}, {201, 200}, {2147483647, 200}};
  for (const auto& c : kCases) {
    v1::ListErrorEventsRequest events;
    events.set_page_size(c.asked);
    v1::ListErrorGroupsRequest groups;
    groups.set_page_size(c.asked);
    const auto read_events = ReadQuery(events);
    const auto read_groups = ReadQuery(groups);
    if (c.given < 0) {
      EXPECT_EQ(ReasonOf<EventsQuery>(events), "PAGE_SIZE_INVALID page_size");
      EXPECT_EQ(ReasonOf<GroupsQuery>(groups), "PAGE_SIZE_INVALID page_size");
      continue;
    }
    EXPECT_EQ(std::get<EventsQuery>(read_events).page_size, c.given);
    EXPECT_EQ(std::get<GroupsQuery>(read_groups).page_size, c.given);
  }
}

TEST(ReadQueryTest, TokensAndIdsAreOursOrRefused) {
  for (const char* text : {"x", "0", "-1", "1.5", "9223372036854775808", "1 2"}) {
    v1::ListErrorEventsRequest request;
    request.set_page_token(text);
    EXPECT_EQ(ReasonOf<EventsQuery>(request), "PAGE_TOKEN_INVALID page_token") << text;
    request.clear_page_token();
    request.set_group_id(text);
    EXPECT_EQ(ReasonOf<EventsQuery>(request), "GROUP_ID_INVALID group_id") << text;
  }
  for (const char* text : {"x", "-1", "1.5", "4611686018427387905", "9223372036854775808"}) {
    v1::ListErrorEventsRequest request;
    request.set_after_token(text);
    EXPECT_EQ(ReasonOf<EventsQuery>(request), "AFTER_TOKEN_INVALID after_token") << text;
  }
  {
    v1::ListErrorEventsRequest request;
    request.set_after_token("0");
    EXPECT_TRUE(std::get<EventsQuery>(ReadQuery(request)).filter.oldest_first);
    request.set_page_token("9");
    EXPECT_EQ(ReasonOf<EventsQuery>(request), "PAGE_TOKEN_INVALID page_token");
  }
  for (const char* text : {"x", "1", "1.", ".1", "1.x", "1.2.3", "9223372036854775808.1"}) {
    v1::ListErrorGroupsRequest request;
    request.set_page_token(text);
    EXPECT_EQ(ReasonOf<GroupsQuery>(request), "PAGE_TOKEN_INVALID page_token") << text;
  }
  v1::ListErrorGroupsRequest request;
  request.set_page_token(PageToken(Store::GroupPlace{.last_event_row = 12, .id = 34}));
  const auto read = ReadQuery(request);
  const auto& query = std::get<GroupsQuery>(read);
  ASSERT_TRUE(query.before.has_value());
  EXPECT_EQ(query.before->last_event_row, 12);
  EXPECT_EQ(query.before->id, 34);
}

TEST(ReadQueryTest, GroupsAreFilteredByState) {
  v1::ListErrorGroupsRequest request;
  const auto open = [&]() -> std::optional<bool> {
    const auto read = ReadQuery(request);
    return std::get<GroupsQuery>(read).filter.open;
  };
  EXPECT_EQ(open(), std::nullopt);
  request.set_group_id("0");
  EXPECT_EQ(ReasonOf<GroupsQuery>(request), "GROUP_ID_INVALID group_id");
  request.set_group_id("12");
  EXPECT_EQ(std::get<GroupsQuery>(ReadQuery(request)).filter.group_id, 12);
  request.set_host("A.example.com");
  EXPECT_EQ(std::get<GroupsQuery>(ReadQuery(request)).filter.host, "a.example.com");
  request.set_state(v1::GROUP_STATE_OPEN);
  EXPECT_EQ(open(), true);
  request.set_state(v1::GROUP_STATE_RECOVERED);
  EXPECT_EQ(open(), false);
  request.set_state(static_cast<v1::GroupState>(3));
  EXPECT_EQ(ReasonOf<GroupsQuery>(request), "STATE_INVALID state");
}

TEST(SetGroupTest, EveryFieldIsThere) {
  Group group = {.id = 17,
                 .key = {.account_sid = "AC1",
                         .kind = Kind::kMessaging,
                         .error_code = 11200,
                         .host = "a.test:81"},
                 .state = {.open = true, .first_at = kNow, .last_at = kNow + absl::Seconds(1)}};
  group.state.counts.by_outcome = {1, 2, 3, 4};
  v1::ErrorGroup proto;
  SetGroup(group, &proto);
  EXPECT_EQ(proto.group_id(), "17");
  EXPECT_EQ(proto.account_sid(), "AC1");
  EXPECT_EQ(proto.kind(), v1::KIND_MESSAGING);
  EXPECT_EQ(proto.error_code(), 11200);
  EXPECT_EQ(proto.host(), "a.test:81");
  EXPECT_EQ(proto.state(), v1::GROUP_STATE_OPEN);
  EXPECT_EQ(proto.event_count(), 10);
  EXPECT_EQ(proto.fallback_answered_count(), 2);
  EXPECT_EQ(proto.default_answered_count(), 3);
  EXPECT_EQ(proto.warning_count(), 4);
  EXPECT_EQ(proto.first_event_at(), TimeUtil::SecondsToTimestamp(1764000000));
  EXPECT_EQ(proto.last_event_at(), TimeUtil::SecondsToTimestamp(1764000001));
  EXPECT_FALSE(proto.has_last_mail_at());
  group.state.open = false;
  group.state.last_mail_at = kNow;
  SetGroup(group, &proto);
  EXPECT_EQ(proto.state(), v1::GROUP_STATE_RECOVERED);
  EXPECT_TRUE(proto.has_last_mail_at());
}

}  // namespace
}  // namespace understudy::notifier
