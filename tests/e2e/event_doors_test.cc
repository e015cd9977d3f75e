// NotifierService over gRPC and the same as JSON: what is taken, refused by name, and listed.
#include <gmock/gmock.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/grpc_error.h"
#include "tests/e2e/door_world.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using google::protobuf::util::TimeUtil;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
namespace v1 = notifier::v1;

v1::ErrorEvent EventOf(const std::string& id) {
  v1::ErrorEvent event;
  event.set_event_id(id);
  event.set_account_sid(kNotifierAccount);
  event.set_kind(v1::KIND_VOICE);
  event.set_error_code(11200);
  event.set_error_url("https://www.example.com/voice");
  event.set_outcome(v1::OUTCOME_FALLBACK_ANSWERED);
  return event;
}

struct Reported {
  grpc::Status status = {};
  v1::ReportErrorEventsResponse response = {};
};

class EventDoorsTest : public ::testing::Test {
 protected:
  Reported Report(const std::vector<v1::ErrorEvent>& events) {
    v1::ReportErrorEventsRequest request;
    for (const v1::ErrorEvent& event : events) *request.add_events() = event;
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    Reported reported;
    reported.status = world_.stub().ReportErrorEvents(&context, request, &reported.response);
    return reported;
  }
  v1::ListErrorEventsResponse List(const v1::ListErrorEventsRequest& request) {
    grpc::ClientContext context;
    v1::ListErrorEventsResponse response;
    const grpc::Status status = world_.stub().ListErrorEvents(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  v1::ListErrorGroupsResponse List(const v1::ListErrorGroupsRequest& request) {
    grpc::ClientContext context;
    v1::ListErrorGroupsResponse response;
    const grpc::Status status = world_.stub().ListErrorGroups(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  std::vector<std::string> Ids(const v1::ListErrorEventsRequest& request) {
    std::vector<std::string> ids;
    const v1::ListErrorEventsResponse page = List(request);
    for (const v1::ErrorEvent& event : page.events()) ids.push_back(event.event_id());
    return ids;
  }

  DoorWorld world_;
};

TEST_F(EventDoorsTest, EachBadEventIsRejectedByNameAndTheRestIsKept) {
  std::vector<v1::ErrorEvent> events(6, EventOf("good"));
  events[1].set_account_sid("AC1");
  events[2].set_kind(v1::KIND_UNSPECIFIED);
  events[2].set_event_id("no kind");
  events[3].set_event_id("");
  events[4].set_event_id("negative");
  events[4].set_error_code(-1);
  events[5].set_event_id("last");
  const Reported reported = Report(events);
  ASSERT_TRUE(reported.status.ok()) << reported.status.error_message();
  const char* const kReasons[] = {"ACCOUNT_SID_INVALID", "KIND_REQUIRED", "EVENT_ID_INVALID",
                                  "ERROR_CODE_INVALID"};
  const char* const kFields[] = {"account_sid", "kind", "event_id", "error_code"};
  ASSERT_EQ(reported.response.rejected_size(), 4);
  for (int i = 0; i < 4; ++i) {
    const v1::RejectedEvent& rejected = reported.response.rejected(i);
    EXPECT_EQ(rejected.index(), i + 1);
    EXPECT_EQ(rejected.reason(), kReasons[i]);
    EXPECT_EQ(rejected.field(), kFields[i]);
    EXPECT_FALSE(rejected.message().empty());
    EXPECT_EQ(world_.Metric(absl::StrCat("understudy_events_rejected_total{door=\"grpc\",reason=\"",
                                         kReasons[i], "\"}")),
              1);
  }
  EXPECT_THAT(Ids({}), ElementsAre("last", "good"));
}

TEST_F(EventDoorsTest, N6_N8_N9_ResendingChangesNothingAndAnIdHasOneContent) {
  v1::ErrorEvent event = EventOf("1");
  *event.mutable_occurred_at() = TimeUtil::GetCurrentTime();
  EXPECT_EQ(Report({event}).response.duplicates(), 0);
  EXPECT_EQ(Report({event}).response.duplicates(), 1);
  EXPECT_EQ(Report({event, event}).response.duplicates(), 2);
  event.set_error_code(12100);
  const Reported reported = Report({event, EventOf("2")});
  EXPECT_TRUE(reported.status.ok());
  ASSERT_EQ(reported.response.rejected_size(), 1);
  EXPECT_EQ(reported.response.rejected(0).reason(), "EVENT_ID_CONFLICT");
  EXPECT_EQ(reported.response.rejected(0).event_id(), "1");
  const v1::ListErrorEventsResponse listed = List(v1::ListErrorEventsRequest());
  ASSERT_EQ(listed.events_size(), 2);
  EXPECT_EQ(listed.events(1).error_code(), 11200);
  // Also for the process after this one.
  EXPECT_EQ(world_.Stop(), 0);
  world_.Start();
  EXPECT_EQ(Report({EventOf("2")}).response.duplicates(), 1);
}

TEST_F(EventDoorsTest, ABatchHasALargestSize) {
  std::vector<v1::ErrorEvent> events;
  for (int i = 0; i < 501; ++i) events.push_back(EventOf(absl::StrCat(i)));
  const Reported refused = Report(events);
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(serving::FromStatus(refused.status).reason, "BATCH_SIZE_INVALID");
  EXPECT_EQ(serving::FromStatus(refused.status).field, "events");
  EXPECT_EQ(Report({}).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  events.pop_back();
  // With every text at its limit, it is still one request.
  for (v1::ErrorEvent& event : events) {
    event.set_error_url("https://www.example.com/" + std::string(2024, 'x'));
    event.set_detail(std::string(4096, 'x'));
    event.set_response_excerpt(std::string(4096, 'x'));
    event.set_resolution_id(std::string(256, 'x'));
    event.set_resource_sid(std::string(256, 'x'));
    event.set_phone_number(std::string(256, 'x'));
  }
  const Reported taken = Report(events);
  EXPECT_TRUE(taken.status.ok()) << taken.status.error_message();
  EXPECT_EQ(taken.response.rejected_size(), 0);
  EXPECT_EQ(world_.Metric("understudy_error_events_total{error_code=\"11200\",kind=\"voice\","
                          "outcome=\"fallback_answered\"}"),
            500);
}

TEST_F(EventDoorsTest, EventsAreListedNewestFirstByPageAndFilter) {
  std::vector<v1::ErrorEvent> events;
  for (int i = 0; i < 120; ++i) {
    v1::ErrorEvent event = EventOf(absl::StrCat("e", i));
    event.set_resource_sid(absl::StrCat("CA", i % 2));
    event.set_phone_number(absl::StrCat("+1415555010", i % 3));
    event.set_error_code(i % 4 == 0 ? 12100 : 11200);
    *event.mutable_occurred_at() =
        TimeUtil::GetCurrentTime() - TimeUtil::SecondsToDuration(120 - i);
    events.push_back(event);
  }
  ASSERT_TRUE(Report(events).status.ok());

  for (const int page_size : {0, 1, 40, 60, 119, 120, 200}) {
    v1::ListErrorEventsRequest request;
    request.set_page_size(page_size);
    std::vector<std::string> ids;
    int pages = 0;
    do {
      const v1::ListErrorEventsResponse page = List(request);
      for (const v1::ErrorEvent& event : page.events()) ids.push_back(event.event_id());
      request.set_page_token(page.next_page_token());
      ++pages;
    } while (!request.page_token().empty());
    ASSERT_THAT(ids, SizeIs(120)) << page_size;
    for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], absl::StrCat("e", 119 - i));
    const int size = page_size == 0 ? 50 : page_size;
    EXPECT_EQ(pages, (120 + size - 1) / size) << "no page is empty";
  }

  v1::ListErrorEventsRequest request;
  request.set_page_size(200);
  request.set_resource_sid("CA0");
  EXPECT_THAT(Ids(request), SizeIs(60));
  request.set_phone_number("+14155550100");
  EXPECT_THAT(Ids(request), SizeIs(20));
  request.set_error_code(12100);
  EXPECT_THAT(Ids(request), SizeIs(10));
  request.set_account_sid("AC00000000000000000000000000000002");
  EXPECT_THAT(Ids(request), SizeIs(0));

  request = {};
  request.set_page_size(200);
  *request.mutable_start_time() = events[10].occurred_at();
  *request.mutable_end_time() = events[13].occurred_at();
  EXPECT_THAT(Ids(request), ElementsAre("e12", "e11", "e10"));
  request = {};
  request.mutable_start_time()->set_seconds(std::numeric_limits<int64_t>::min());
  request.mutable_end_time()->set_seconds(std::numeric_limits<int64_t>::max());
  request.set_page_size(200);
  EXPECT_THAT(Ids(request), SizeIs(120));

  request.set_page_token("nonsense");
  grpc::ClientContext context;
  v1::ListErrorEventsResponse response;
  const grpc::Status status = world_.stub().ListErrorEvents(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(serving::FromStatus(status).reason, "PAGE_TOKEN_INVALID");
}

TEST_F(EventDoorsTest, WhatComesLaterIsListedOnceFromATokenOn) {
  v1::ListErrorEventsRequest request;
  request.set_account_sid(kNotifierAccount);
  request.set_page_size(2);
  request.set_after_token(List(request).newest_token());
  EXPECT_EQ(request.after_token(), "0");
  std::vector<std::string> seen;
  int stored = 0;
  int others = 0;
  for (const int more : {1, 0, 5, 2, 4}) {
    std::vector<v1::ErrorEvent> events;
    for (int i = 0; i < more; ++i) events.push_back(EventOf(absl::StrCat("e", stored++)));
    // Moves the token on although it is not listed.
    events.push_back(EventOf(absl::StrCat("other", others++)));
    events.back().set_account_sid("AC00000000000000000000000000000002");
    ASSERT_TRUE(Report(events).status.ok());
    size_t page_size = 0;
    do {
      const v1::ListErrorEventsResponse page = List(request);
      for (const v1::ErrorEvent& event : page.events()) seen.push_back(event.event_id());
      EXPECT_EQ(page.next_page_token(), "");
      EXPECT_NE(page.newest_token(), request.after_token());
      request.set_after_token(page.newest_token());
      page_size = static_cast<size_t>(page.events_size());
    } while (page_size == 2 && seen.size() < static_cast<size_t>(stored));
    EXPECT_THAT(seen, SizeIs(stored));
  }
  EXPECT_THAT(Ids(request), SizeIs(0));
  ASSERT_THAT(seen, SizeIs(stored));
  for (int i = 0; i < stored; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], absl::StrCat("e", i));

  request.set_after_token("1000000");
  grpc::ClientContext context;
  v1::ListErrorEventsResponse response;
  const grpc::Status status = world_.stub().ListErrorEvents(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(serving::FromStatus(status).reason, "AFTER_TOKEN_UNKNOWN");
}

TEST_F(EventDoorsTest, AnEventIsFoundByItsIdAndByItsHost) {
  v1::ErrorEvent elsewhere = EventOf("elsewhere");
  elsewhere.set_error_url("https://Other.example.com:8443/voice");
  ASSERT_TRUE(Report({EventOf("one"), EventOf("two"), elsewhere}).status.ok());
  v1::ListErrorEventsRequest request;
  request.set_event_id("one");
  EXPECT_THAT(Ids(request), ElementsAre("one"));
  request = {};
  request.set_host("other.EXAMPLE.com:8443");
  EXPECT_THAT(Ids(request), ElementsAre("elsewhere"));
  v1::ListErrorGroupsRequest groups;
  groups.set_host("www.example.com");
  ASSERT_EQ(List(groups).groups_size(), 1);
  EXPECT_EQ(List(groups).groups(0).event_count(), 2);
}

TEST_F(EventDoorsTest, GroupsAreListedByPageAndFilter) {
  std::vector<v1::ErrorEvent> events;
  for (int i = 0; i < 30; ++i) {
    v1::ErrorEvent event = EventOf(absl::StrCat("e", i));
    event.set_error_url(absl::StrCat("https://host", i, ".example.com/voice"));
    event.set_error_code(i < 10 ? 12100 : 11200);
    events.push_back(event);
  }
  events.push_back(EventOf("again"));
  events.back().set_error_url("https://HOST0.example.com/other");
  events.back().set_error_code(12100);
  ASSERT_TRUE(Report(events).status.ok());

  for (const int page_size : {7, 10, 15, 30}) {
    v1::ListErrorGroupsRequest request;
    request.set_page_size(page_size);
    std::set<std::string> hosts;
    int pages = 0;
    do {
      const v1::ListErrorGroupsResponse page = List(request);
      for (const v1::ErrorGroup& group : page.groups()) {
        EXPECT_TRUE(hosts.insert(group.host()).second) << group.host();
      }
      request.set_page_token(page.next_page_token());
      ++pages;
    } while (!request.page_token().empty());
    EXPECT_THAT(hosts, SizeIs(30));
    EXPECT_EQ(pages, (30 + page_size - 1) / page_size);
  }

  v1::ListErrorGroupsRequest request;
  request.set_error_code(12100);
  request.set_state(v1::GROUP_STATE_OPEN);
  const v1::ListErrorGroupsResponse groups = List(request);
  ASSERT_EQ(groups.groups_size(), 10);
  EXPECT_EQ(groups.groups(0).host(), "host0.example.com");
  EXPECT_EQ(groups.groups(0).event_count(), 2);
  EXPECT_EQ(groups.groups(0).fallback_answered_count(), 2);
  request.set_state(v1::GROUP_STATE_RECOVERED);
  EXPECT_EQ(List(request).groups_size(), 0);

  v1::ListErrorEventsRequest of_group;
  of_group.set_group_id(groups.groups(0).group_id());
  EXPECT_THAT(Ids(of_group), ElementsAre("again", "e0"));
}

constexpr char kJsonEvent[] =
    R"({"event_id":"j1","account_sid":"AC00000000000000000000000000000001","kind":"KIND_VOICE",
        "error_code":11200,"error_url":"https://www.example.com/","elapsed":"1.5s"})";

TEST_F(EventDoorsTest, JsonIsTheSameService) {
  const Response answer =
      world_.PostJson(absl::StrCat("{\"events\":[", kJsonEvent, ",{\"event_id\":\"bad\"}]}"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  const json body = json::parse(answer.body);
  EXPECT_EQ(body["duplicates"], 0);
  ASSERT_EQ(body["rejected"].size(), 1u);
  EXPECT_EQ(body["rejected"][0]["index"], 1);
  EXPECT_EQ(body["rejected"][0]["event_id"], "bad");
  EXPECT_EQ(body["rejected"][0]["reason"], "KIND_REQUIRED");
  const v1::ListErrorEventsResponse listed = List(v1::ListErrorEventsRequest());
  ASSERT_EQ(listed.events_size(), 1);
  EXPECT_EQ(listed.events(0).event_id(), "j1");
  EXPECT_EQ(listed.events(0).elapsed(), TimeUtil::MillisecondsToDuration(1500));
  // JSON's own names, too; and known already.
  const Response again = world_.PostJson(
      R"({"events":[{"eventId":"j1","accountSid":"AC00000000000000000000000000000001","kind":1,
          "errorCode":11200,"errorUrl":"https://www.example.com/","elapsed":"1.500s"}]})");
  EXPECT_EQ(json::parse(again.body)["duplicates"], 1);
}

TEST_F(EventDoorsTest, N1_JsonThatIsNoBatchIsRefusedWhole) {
  const struct {
    std::string body;
    const char* reason;
  } kCases[] = {
      {"", "JSON_INVALID"},
      {"[]", "JSON_INVALID"},
      {"{", "JSON_INVALID"},
      {"{\"event\":[]}", "JSON_INVALID"},
      {"{\"events\":[{\"error_code\":\"abc\"}]}", "JSON_INVALID"},
      {"{\"events\":[{\"error_code\":99999999999}]}", "JSON_INVALID"},
      {"{\"events\":[{\"kind\":\"KIND_FAX\"}]}", "JSON_INVALID"},
      {"{\"events\":[{\"occurred_at\":\"yesterday\"}]}", "JSON_INVALID"},
      {std::string(100000, '['), "JSON_INVALID"},
      {absl::StrCat("{\"events\":", std::string(100000, '{')), "JSON_INVALID"},
      {"{\"events\":[]}", "BATCH_SIZE_INVALID"},
      {"{}", "BATCH_SIZE_INVALID"},
  };
  std::map<std::string, int> counts;
  for (const auto& c : kCases) {
    EXPECT_EQ(world_.PostJson(c.body).status, 400) << c.body.substr(0, 100);
    EXPECT_EQ(world_.Metric(absl::StrCat(
                  "understudy_events_rejected_total{door=\"events\",reason=\"", c.reason, "\"}")),
              ++counts[c.reason])
        << c.body.substr(0, 100);
  }
  std::string many = kJsonEvent;
  for (int i = 0; i < 500; ++i) absl::StrAppend(&many, ",{}");
  EXPECT_EQ(world_.PostJson(absl::StrCat("{\"events\":[", many, "]}")).status, 400);
  EXPECT_EQ(world_.Post("/v1/events", "text/plain", "{}").status, 415);
  EXPECT_EQ(world_.Get("/v1/events").status, 405);
  EXPECT_EQ(world_.Get("/v1/events").header("Allow"), "POST");
  EXPECT_EQ(world_.Get("/nothing").status, 404);
  EXPECT_EQ(world_.Get("/fallback/fax").status, 404);
  EXPECT_EQ(List(v1::ListErrorEventsRequest()).events_size(), 0);
}

TEST(JsonDoorTest, ASenderHasItsAccountsTokenAndItsEventsAlone) {
  DoorWorld world({.accounts = SigningAccount()});
  const auto basic = [](absl::string_view sid, absl::string_view token) {
    return absl::StrCat("Authorization: Basic ", absl::Base64Escape(absl::StrCat(sid, ":", token)),
                        "\r\n");
  };
  const std::string body = absl::StrCat("{\"events\":[", kJsonEvent, "]}");
  const Response refused = world.PostJson(body);
  EXPECT_EQ(refused.status, 401);
  EXPECT_THAT(refused.header("WWW-Authenticate"), HasSubstr("Basic"));
  EXPECT_EQ(world.PostJson(body, basic(kNotifierAccount, "wrong")).status, 401);
  EXPECT_EQ(
      world.Metric("understudy_events_rejected_total{door=\"events\",reason=\"UNAUTHORIZED\"}"), 2);
  EXPECT_EQ(world.PostJson(body, basic(kNotifierAccount, kNotifierToken)).status, 200);
  const std::string foreign =
      R"({"events":[{"event_id":"j2","account_sid":"AC00000000000000000000000000000002",)"
      R"("kind":1}]})";
  EXPECT_EQ(world.PostJson(foreign, basic(kNotifierAccount, kNotifierToken)).status, 403);
}

}  // namespace
}  // namespace understudy::testing
