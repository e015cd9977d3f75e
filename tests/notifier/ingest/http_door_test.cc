// The doors over a store that fails: rows N15 and N16 of docs/faults.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <understudy/notifier/v1/notifier_service.pb.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/grpc_error.h"
#include "services/notifier/ingest/grpc_service.h"
#include "services/notifier/ingest/http_handlers.h"
#include "tests/sim/flaky_store.h"
#include "tests/sim/sim_store.h"
#include "tests/testing/wait.h"

namespace understudy::notifier {
namespace {

using serving::HttpRequest;
using serving::HttpResponse;
using ::testing::ElementsAre;
using testing::FlakyStore;
using ::testing::HasSubstr;
using testing::SimStore;

constexpr char kAccount[] = "AC00000000000000000000000000000001";

class DoorsTest : public ::testing::Test {
 protected:
  HttpResponse Post(const std::string& path, const std::string& type, const std::string& body) {
    return http_.Handle({.method = "POST",
                         .path = path,
                         .headers = {{"Host", "a"}, {"Content-Type", type}},
                         .body = body});
  }
  HttpResponse Fallback() {
    return Post("/fallback", "application/x-www-form-urlencoded",
                absl::StrCat("AccountSid=", kAccount,
                             "&CallSid=CA1&ErrorCode=11200&ErrorUrl=https%3A%2F%2Fa.test%2F"));
  }
  HttpResponse Debugger() {
    return Post("/debugger", "application/x-www-form-urlencoded",
                absl::StrCat("AccountSid=", kAccount, "&Sid=NO1&Payload=%7B%7D"));
  }
  HttpResponse Json() {
    return Post(
        "/v1/events", "application/json",
        absl::StrCat(R"({"events":[{"event_id":"1","kind":1,"account_sid":")", kAccount, "\"}]}"));
  }
  grpc::Status Grpc() {
    v1::ReportErrorEventsRequest request;
    v1::ErrorEvent* event = request.add_events();
    event->set_event_id("1");
    event->set_kind(v1::KIND_VOICE);
    event->set_account_sid(kAccount);
    v1::ReportErrorEventsResponse response;
    return grpc_.ReportErrorEvents(nullptr, &request, &response);
  }
  size_t Stored() { return sim_.ListEvents({}, 0, 100)->size(); }

  SimStore sim_;
  FlakyStore store_{sim_};
  std::vector<std::string> rejected_;  // by any door but /fallback
  int degraded_ = 0;
  Ingest ingest_{store_,
                 {.on_stored = [](const Event&, Door) {},
                  .on_duplicate = [](Door) {},
                  .on_rejected =
                      [this](const RejectedEvent& e, Door door) {
                        rejected_.push_back(absl::StrCat(DoorName(door), " ", e.refusal.reason));
                      },
                  .on_skipped = [](Door) {},
                  .wake = [] {}}};
  CallerIntake callers_{
      ingest_,
      {.on_degraded = [this](const Event&) { ++degraded_; }, .on_lost = [](const Event&) {}},
      {.store = absl::Milliseconds(50), .retry = absl::Milliseconds(1)}};
  HttpDoor http_{ingest_, callers_, [](Door, const std::string&) {}, {}};
  GrpcService grpc_{ingest_, store_};
};

TEST_F(DoorsTest, N15_AStoreThatIsDownIsToldToWhoCanComeBack) {
  store_.FailAlways(absl::UnavailableError("the disk is full"));
  for (const HttpResponse& answer : {Debugger(), Json()}) {
    EXPECT_EQ(answer.status, 503);
    ASSERT_NE(serving::FindHeader(answer.headers, "Retry-After"), nullptr);
    EXPECT_EQ(*serving::FindHeader(answer.headers, "Retry-After"), "1");
  }
  EXPECT_EQ(Grpc().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(rejected_, ElementsAre("debugger STORE_UNAVAILABLE", "events STORE_UNAVAILABLE",
                                     "grpc STORE_UNAVAILABLE"));
  v1::ListErrorEventsResponse events;
  EXPECT_EQ(grpc_.ListErrorEvents(nullptr, &v1::ListErrorEventsRequest::default_instance(), &events)
                .error_code(),
            grpc::StatusCode::UNAVAILABLE);
  v1::ListErrorGroupsResponse groups;
  EXPECT_EQ(grpc_.ListErrorGroups(nullptr, &v1::ListErrorGroupsRequest::default_instance(), &groups)
                .error_code(),
            grpc::StatusCode::UNAVAILABLE);
  store_.Heal();
  EXPECT_EQ(Debugger().status, 204);
  EXPECT_EQ(Json().status, 200);
  EXPECT_TRUE(Grpc().ok());
  EXPECT_EQ(Stored(), 2u);
}

TEST_F(DoorsTest, N15_ACallerGetsADocumentAndTheEventIsKept) {
  store_.FailAlways(absl::UnavailableError("the disk is full"));
  const absl::Time begin = absl::Now();
  const HttpResponse answer = Fallback();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("<Say>"));
  EXPECT_EQ(degraded_, 1);
  EXPECT_EQ(callers_.waiting(), 1u);
  store_.Heal();
  EXPECT_TRUE(testing::WaitFor([&] { return callers_.waiting() == 0; }, absl::Seconds(20)));
  EXPECT_EQ(Stored(), 1u);
}

TEST_F(DoorsTest, N16_AQueueThatIsFullAsksToComeBackLater) {
  store_.FailAlways(absl::ResourceExhaustedError("too many events wait to be stored"));
  for (const HttpResponse& answer : {Debugger(), Json()}) {
    EXPECT_EQ(answer.status, 429);
    ASSERT_NE(serving::FindHeader(answer.headers, "Retry-After"), nullptr);
  }
  const grpc::Status status = Grpc();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(serving::RetryDelay(status), kRetryDelay);
  EXPECT_EQ(Fallback().status, 200);
  EXPECT_THAT(rejected_,
              ElementsAre("debugger STORE_FULL", "events STORE_FULL", "grpc STORE_FULL"));
}

}  // namespace
}  // namespace understudy::notifier
