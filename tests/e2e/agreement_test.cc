// What the router says and what the notifier understands: every event that the router can make is
// taken, and means the same on the other side.
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <understudy/notifier/v1/notifier_service.grpc.pb.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/twilio/kept_form.h"
#include "services/notifier/config.h"
#include "services/notifier/notifier.h"
#include "services/router/report/notifier_client.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using google::protobuf::util::MessageDifferencer;
using router::ErrorEvent;
using router::SendResult;
namespace v1 = notifier::v1;

class Agreement : public ::testing::Test {
 protected:
  Agreement() {
    serving::SetLogLevel(serving::LogLevel::kError);
    notifier::NotifierConfig config;
    config.grpc_listen = config.http_listen = config.admin_listen = {.host = "127.0.0.1"};
    config.store_path = absl::StrCat(dir_.path(), "/notifier.db");
    config.mail_directory = absl::StrCat(dir_.path(), "/mail");
    auto started = notifier::Notifier::Start(config);
    Require(started.ok(), std::string(started.status().message()));
    notifier_ = *std::move(started);
    address_ = absl::StrCat("127.0.0.1:", notifier_->grpc_port());
  }

  // Everything the notifier has, by id.
  std::map<std::string, v1::ErrorEvent> Kept() const {
    const auto stub = v1::NotifierService::NewStub(
        grpc::CreateChannel(address_, grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    v1::ListErrorEventsRequest request;
    request.set_page_size(200);
    v1::ListErrorEventsResponse response;
    const grpc::Status status = stub->ListErrorEvents(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::map<std::string, v1::ErrorEvent> events;
    for (const v1::ErrorEvent& event : response.events()) events[event.event_id()] = event;
    return events;
  }

  const TempDir dir_;
  std::unique_ptr<notifier::Notifier> notifier_;
  std::string address_;
};

ErrorEvent EventCalled(const std::string& id) {
  return {.event_id = id,
          .occurred_at = absl::Now(),
          .account_sid = "AC00000000000000000000000000000001",
          .kind = router::Kind::kVoice,
          .phone_number = "+14155550199",
          .resource_sid = "CA0123456789abcdef0123456789abcdef",
          .level = twilio::Level::kError,
          .error_code = 11200,
          .error_url = "http://www.example.com/index?a=b",
          .target = router::Target::kPrimary,
          .outcome = router::EventOutcome::kFallbackAnswered,
          .phase = router::Phase::kStatus,
          .http_status = 503,
          .detail = "the server answered 503",
          .elapsed = absl::Nanoseconds(1250000001),
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

// One for each word there is, and the largest.
std::vector<ErrorEvent> EveryKindOfEvent() {
  std::vector<ErrorEvent> events;
  const auto add = [&]() -> ErrorEvent& {
    return events.emplace_back(EventCalled(absl::StrCat("event-", events.size())));
  };
  for (int i = 0; i <= static_cast<int>(router::Phase::kParse); ++i) {
    add().phase = static_cast<router::Phase>(i);
  }
  for (int i = 0; i <= static_cast<int>(router::EventOutcome::kUnknown); ++i) {
    add().outcome = static_cast<router::EventOutcome>(i);
  }
  add().kind = router::Kind::kMessaging;
  add().level = twilio::Level::kWarning;
  add().target = router::Target::kFallback;
  add().http_status = 0;
  add().phone_number = "";
  add().resource_sid = "";
  add().error_url = "bin:apology";
  add().elapsed = absl::Seconds(15);
  ErrorEvent& largest = add();
  largest.error_url = "http://www.example.com/" + std::string(100000, 'u');
  largest.detail = std::string(100000, 'd');
  largest.response_excerpt = std::string(100000, 'r');
  largest.resource_sid = std::string(100000, 's');
  largest.attempts.assign(20, {.url = "http://www.example.com/" + std::string(100000, 'u'),
                               .detail = std::string(100000, 'd')});
  for (int i = 0; i <= static_cast<int>(router::Phase::kParse); ++i) {
    add().attempts[0].phase = static_cast<router::Phase>(i);
  }
  add().attempts.clear();
  twilio::Form form;
  for (int i = 0; i < 100; ++i) form.push_back({absl::StrCat("name-", i), std::string(i, 'v')});
  form.push_back({"Digits", "1234"});
  add().parameters = twilio::KeptParameters(form);
  add().response_headers = twilio::KeptHeaders(form);
  return events;
}

TEST_F(Agreement, WhatTheRouterSaysIsWhatTheNotifierKeeps) {
  std::vector<std::string> records;
  std::map<std::string, v1::ErrorEvent> sent;
  for (const ErrorEvent& event : EveryKindOfEvent()) {
    records.push_back(router::ToRecord(event));
    ASSERT_TRUE(sent[event.event_id].ParseFromString(records.back()));
  }
  router::NotifierClient client(absl::StrCat("dns:///", address_));
  for (int time = 1; time <= 2; ++time) {  // the second changes nothing
    const SendResult result = client.Report(records);
    EXPECT_EQ(result.state, SendResult::State::kAccepted) << result.detail;
    EXPECT_EQ(result.rejected, 0);
    const std::map<std::string, v1::ErrorEvent> kept = Kept();
    EXPECT_EQ(kept.size(), sent.size());
    for (const auto& [id, event] : sent) {
      const auto found = kept.find(id);
      ASSERT_NE(found, kept.end()) << id;
      std::string difference;
      MessageDifferencer differencer;
      differencer.ReportDifferencesToString(&difference);
      differencer.IgnoreField(v1::ErrorEvent::descriptor()->FindFieldByName("group_id"));
      EXPECT_TRUE(differencer.Compare(event, found->second)) << id << ": " << difference;
    }
  }
}

TEST_F(Agreement, ABatchAsLargeAsTheOutboxMakesThemIsTaken) {
  ErrorEvent largest = EventCalled("");
  largest.error_url = "http://www.example.com/" + std::string(100000, 'u');
  largest.detail = largest.response_excerpt = std::string(100000, 'x');
  std::vector<std::string> few_and_large;
  size_t bytes = 0;
  while (bytes + router::kMaxRecordBytes <= router::kMaxBatchBytes) {
    largest.event_id = absl::StrCat("large-", few_and_large.size());
    few_and_large.push_back(router::ToRecord(largest));
    bytes += few_and_large.back().size();
  }
  std::vector<std::string> many_and_small;
  while (many_and_small.size() < router::kMaxBatchEvents) {
    many_and_small.push_back(
        router::ToRecord(EventCalled(absl::StrCat("small-", many_and_small.size()))));
  }
  router::NotifierClient client(absl::StrCat("dns:///", address_));
  for (const auto& records : {few_and_large, many_and_small}) {
    const SendResult result = client.Report(records);
    EXPECT_EQ(result.state, SendResult::State::kAccepted) << result.detail;
    EXPECT_EQ(result.rejected, 0);
  }
}

}  // namespace
}  // namespace understudy::testing
