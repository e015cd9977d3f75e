// What gRPC clients do to the router, and what it owes them. Tests named G.. are the rows of
// docs/faults.md.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <deque>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/grpc_error.h"
#include "common/twilio/twiml.h"
#include "common/twilio/url.h"
#include "services/router/conversion.h"
#include "tests/e2e/router_world.h"
#include "tests/testing/socket.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

namespace v1 = router::v1;
using router::RouterConfig;
using ::testing::HasSubstr;

constexpr absl::Duration kSoon = absl::Seconds(10);  // a bound for waiting, not a promise

// A call under way that the test can look at, wait for or give up.
struct PendingCall {
  grpc::ClientContext context;
  v1::ResolveTwiMLResponse response;
  grpc::Status status;
  std::thread thread;

  void Start(v1::RouterService::Stub& stub, const v1::ResolveTwiMLRequest& request) {
    thread = std::thread(
        [this, &stub, request] { status = stub.ResolveTwiML(&context, request, &response); });
  }
  ~PendingCall() {
    if (thread.joinable()) thread.join();
  }
};

double InFlight(RouterWorld& world) {
  return ReadMetric(world.router().admin_port(), "understudy_in_flight");
}

double Cancelled(RouterWorld& world) {
  return ReadMetric(world.router().admin_port(), "understudy_cancelled_total{kind=\"voice\"}");
}

TEST(Grpc, G1_ACallerThatGoesAwayEndsTheFetchAtOnce) {
  Origin primary, fallback;
  primary.OnAny(Script{}.Stall());
  RouterWorld world;
  PendingCall call;
  call.Start(world.stub(), VoiceRequest(primary.url("/v"), fallback.url("/f")));
  ASSERT_TRUE(primary.WaitForRequests(1, kSoon));
  call.context.TryCancel();
  call.thread.join();
  EXPECT_EQ(call.status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(WaitFor([&] { return primary.open_connections() == 0; }, kSoon));
  EXPECT_TRUE(WaitFor([&] { return InFlight(world) == 0; }, kSoon));
  EXPECT_EQ(Cancelled(world), 1);
  EXPECT_EQ(fallback.connections(), 0);
}

TEST(Grpc, G2_AShortDeadlineStillGetsTheFallbacksDocument) {
  Origin primary, fallback;
  primary.OnAny(Script{}.Stall());
  fallback.OnAny(Reply{.body = kFallbackDocument});
  RouterWorld world;
  const Answer answer =
      world.Resolve(VoiceRequest(primary.url("/v"), fallback.url("/f")), absl::Seconds(1));
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.response.source(), v1::SOURCE_FALLBACK);
  EXPECT_EQ(answer.response.twiml(), kFallbackDocument);
}

TEST(Grpc, G2_AShortDeadlineGetsTheDefaultDocumentIfItMust) {
  Origin silent;
  silent.OnAny(Script{}.Stall());
  RouterWorld world;
  const Answer answer =
      world.Resolve(VoiceRequest(silent.url("/v"), silent.url("/f")), absl::Seconds(1));
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.response.source(), v1::SOURCE_DEFAULT);
  EXPECT_FALSE(twilio::CheckTwiml(answer.response.twiml(), twilio::Kind::kVoice).fatal.has_value());
  EXPECT_EQ(answer.response.attempts_size(), 2);
}

TEST(Grpc, G3_WithoutADeadlineTheTimesOfTheTwoTargetsBoundTheCall) {
  Origin silent;
  silent.OnAny(Script{}.Stall());
  RouterWorld world;
  const Answer answer = world.Resolve(VoiceRequest(absl::StrCat(silent.url("/v"), "#tt=300"),
                                                   absl::StrCat(silent.url("/f"), "#tt=300")));
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.response.source(), v1::SOURCE_DEFAULT);
  EXPECT_EQ(answer.response.attempts_size(), 2);
}

TEST(Grpc, G4_AConnectionThatDiesIsACallerThatGoesAway) {
  Origin primary;
  primary.OnAny(Script{}.Stall());
  RouterWorld world;
  auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", world.router().grpc_port()),
                                     grpc::InsecureChannelCredentials());
  auto stub = v1::RouterService::NewStub(channel);
  {
    grpc::CompletionQueue queue;
    grpc::ClientContext context;
    auto reader = stub->AsyncResolveTwiML(&context, VoiceRequest(primary.url("/v"), ""), &queue);
    v1::ResolveTwiMLResponse response;
    grpc::Status status;
    reader->Finish(&response, &status, nullptr);
    ASSERT_TRUE(primary.WaitForRequests(1, kSoon));
    context.TryCancel();
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
  }
  stub.reset();
  channel.reset();
  EXPECT_TRUE(WaitFor([&] { return Cancelled(world) == 1; }, kSoon));
  EXPECT_TRUE(WaitFor([&] { return primary.open_connections() == 0; }, kSoon));
}

TEST(Grpc, G5_ARetriedCallShowsTheWebServerTheSameToken) {
  Origin primary;
  primary.OnAny(Reply{.body = kPrimaryDocument});
  RouterWorld world;
  v1::ResolveTwiMLRequest request = VoiceRequest(primary.url("/v"), "");
  for (const char* id : {"one", "one", "two", ""}) {
    request.set_request_id(id);
    ASSERT_TRUE(world.Resolve(request).status.ok());
  }
  const std::vector<struct Request> requests = primary.requests();
  ASSERT_EQ(requests.size(), 4u);
  const auto token = [&](size_t i) { return requests[i].header("I-Twilio-Idempotency-Token"); };
  EXPECT_EQ(token(0), token(1));
  EXPECT_NE(token(1), token(2));
  EXPECT_NE(token(2), token(3));
}

// One mistake of a caller, and how it is told.
struct Mistake {
  std::string name;
  std::function<void(v1::ResolveTwiMLRequest&)> make;
  grpc::StatusCode code;
  std::string reason;
  std::string field;
};

TEST(Grpc, G6_EachMistakeOfACallerIsNamed) {
  using grpc::StatusCode;
  const std::vector<Mistake> mistakes = {
      {"kind missing", [](auto& r) { r.clear_kind(); }, StatusCode::INVALID_ARGUMENT,
       "KIND_REQUIRED", "kind"},
      {"kind unknown", [](auto& r) { r.set_kind(static_cast<v1::Kind>(7)); },
       StatusCode::INVALID_ARGUMENT, "KIND_REQUIRED", "kind"},
      {"no target", [](auto& r) { r.clear_target(); }, StatusCode::INVALID_ARGUMENT,
       "TARGET_REQUIRED", "phone_number"},
      {"number malformed", [](auto& r) { r.set_phone_number("4155550199"); },
       StatusCode::INVALID_ARGUMENT, "INVALID_PHONE_NUMBER", "phone_number"},
      {"number unknown", [](auto& r) { r.set_phone_number("+14155550198"); }, StatusCode::NOT_FOUND,
       "NUMBER_NOT_FOUND", "phone_number"},
      {"number without that handler",
       [](auto& r) {
         r.set_phone_number(kNumber);
         r.set_kind(v1::KIND_MESSAGING);
       },
       StatusCode::NOT_FOUND, "HANDLER_NOT_FOUND", "kind"},
      {"number of another account",
       [](auto& r) {
         r.set_phone_number(kNumber);
         r.set_account_sid("AC00000000000000000000000000000002");
       },
       StatusCode::INVALID_ARGUMENT, "ACCOUNT_MISMATCH", "account_sid"},
      {"account missing", [](auto& r) { r.clear_account_sid(); }, StatusCode::INVALID_ARGUMENT,
       "ACCOUNT_SID_REQUIRED", "account_sid"},
      {"account malformed", [](auto& r) { r.set_account_sid("AC1"); }, StatusCode::INVALID_ARGUMENT,
       "INVALID_ACCOUNT_SID", "account_sid"},
      {"URL missing", [](auto& r) { r.mutable_handler()->clear_url(); },
       StatusCode::INVALID_ARGUMENT, "HANDLER_URL_REQUIRED", "handler.url"},
      {"URL bad", [](auto& r) { r.mutable_handler()->set_url("htp:/x"); },
       StatusCode::INVALID_ARGUMENT, "INVALID_URL", "handler.url"},
      {"fallback URL bad", [](auto& r) { r.mutable_handler()->set_fallback_url("ftp://x/"); },
       StatusCode::INVALID_ARGUMENT, "INVALID_URL", "handler.fallback_url"},
      {"method unknown",
       [](auto& r) { r.mutable_handler()->set_method(static_cast<v1::Method>(9)); },
       StatusCode::INVALID_ARGUMENT, "INVALID_METHOD", "handler.method"},
      {"request id long", [](auto& r) { r.set_request_id(std::string(129, 'x')); },
       StatusCode::INVALID_ARGUMENT, "REQUEST_ID_TOO_LARGE", "request_id"},
      {"parameter without a name", [](auto& r) { (*r.mutable_parameters())[""] = "x"; },
       StatusCode::INVALID_ARGUMENT, "INVALID_PARAMETER_NAME", "parameters"},
      {"parameter name long",
       [](auto& r) { (*r.mutable_parameters())[std::string(257, 'n')] = "x"; },
       StatusCode::INVALID_ARGUMENT, "INVALID_PARAMETER_NAME", "parameters"},
      {"parameter one byte too long",
       [](auto& r) {
         (*r.mutable_parameters())["Body"] = std::string(router::kMaxParameterValueBytes + 1, 'x');
       },
       StatusCode::INVALID_ARGUMENT, "PARAMETER_TOO_LARGE", "parameters[\"Body\"]"},
      {"parameter of 1 MiB",
       [](auto& r) { (*r.mutable_parameters())["Body"] = std::string(1 << 20, 'x'); },
       StatusCode::INVALID_ARGUMENT, "PARAMETER_TOO_LARGE", "parameters[\"Body\"]"},
      {"parameters together too long",
       [](auto& r) {
         for (int i = 0; i < 5; ++i) {
           (*r.mutable_parameters())[absl::StrCat("P", i)] = std::string(14 * 1024, 'x');
         }
       },
       StatusCode::INVALID_ARGUMENT, "PARAMETERS_TOO_LARGE", "parameters"},
      {"bin unknown", [](auto& r) { r.mutable_handler()->set_url("bin:none"); },
       StatusCode::INVALID_ARGUMENT, "BIN_NOT_FOUND", "handler.url"},
      {"fallback bin unknown", [](auto& r) { r.mutable_handler()->set_fallback_url("bin:?a=b"); },
       StatusCode::INVALID_ARGUMENT, "BIN_NOT_FOUND", "handler.fallback_url"},
      {"step without a URL", [](auto& r) { r.mutable_document(); }, StatusCode::INVALID_ARGUMENT,
       "DOCUMENT_URL_REQUIRED", "document.url"},
      {"step's method unknown",
       [](auto& r) {
         r.mutable_document()->set_url("/next");
         r.mutable_document()->set_method(static_cast<v1::Method>(9));
       },
       StatusCode::INVALID_ARGUMENT, "INVALID_METHOD", "document.method"},
      {"failure without a code", [](auto& r) { r.mutable_failure()->set_error_url("https://a/"); },
       StatusCode::INVALID_ARGUMENT, "INVALID_ERROR_CODE", "failure.error_code"},
      {"failure's code of four digits",
       [](auto& r) {
         r.mutable_failure()->set_error_code(9999);
         r.mutable_failure()->set_error_url("https://a/");
       },
       StatusCode::INVALID_ARGUMENT, "INVALID_ERROR_CODE", "failure.error_code"},
      {"failure's code of six digits",
       [](auto& r) {
         r.mutable_failure()->set_error_code(100000);
         r.mutable_failure()->set_error_url("https://a/");
       },
       StatusCode::INVALID_ARGUMENT, "INVALID_ERROR_CODE", "failure.error_code"},
      {"failure without a URL", [](auto& r) { r.mutable_failure()->set_error_code(12100); },
       StatusCode::INVALID_ARGUMENT, "INVALID_ERROR_URL", "failure.error_url"},
      {"failure's URL one byte too long",
       [](auto& r) {
         r.mutable_failure()->set_error_code(12100);
         r.mutable_failure()->set_error_url(std::string(twilio::kMaxUrlBytes + 1, 'x'));
       },
       StatusCode::INVALID_ARGUMENT, "INVALID_ERROR_URL", "failure.error_url"},
  };
  Origin primary;
  RouterConfig config = LoopbackConfig();
  config.numbers = {{.phone_number = kNumber,
                     .account_sid = kAccountSid,
                     .voice = router::Handler{.primary = {.url = primary.url("/v")}}}};
  RouterWorld world(config);
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(mistake.name);
    v1::ResolveTwiMLRequest request = VoiceRequest(primary.url("/v"), "");
    mistake.make(request);
    const Answer answer = world.Resolve(request);
    EXPECT_EQ(answer.status.error_code(), mistake.code) << answer.status.error_message();
    const serving::CallerError error = serving::FromStatus(answer.status);
    EXPECT_EQ(error.reason, mistake.reason);
    EXPECT_EQ(error.field, mistake.field);
    EXPECT_FALSE(error.message.empty());
  }
  EXPECT_EQ(primary.connections(), 0);
  EXPECT_EQ(InFlight(world), 0);
}

TEST(Grpc, ParametersAtTheirLimitsAreSent) {
  Origin primary;
  primary.OnAny(Reply{.body = kPrimaryDocument});
  RouterWorld world;
  v1::ResolveTwiMLRequest request = VoiceRequest(primary.url("/v"), "");
  (*request.mutable_parameters())["Body"] = std::string(router::kMaxParameterValueBytes, 'x');
  (*request.mutable_parameters())[std::string(router::kMaxParameterNameBytes, 'n')] = "x";
  request.set_request_id(std::string(router::kMaxRequestIdBytes, 'x'));
  EXPECT_EQ(world.Resolve(request).response.source(), v1::SOURCE_PRIMARY);
}

// Sends bytes where a request should be.
grpc::Status CallRaw(RouterWorld& world, const std::string& bytes) {
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::GenericStub stub(world.channel());
  auto call = stub.PrepareUnaryCall(&context, "/understudy.router.v1.RouterService/ResolveTwiML",
                                    request, &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return status;
}

std::string ReplaceOnce(std::string bytes, const std::string& from, const std::string& to) {
  return bytes.replace(bytes.find(from), from.size(), to);
}

TEST(Grpc, TextThatIsNotUtf8IsNamed) {
  RouterWorld world;
  v1::ResolveTwiMLRequest request = VoiceRequest("http://127.0.0.1/", "");
  (*request.mutable_parameters())["Body"] = "MARKER";
  request.set_request_id("ANOTHER");
  const std::string good = request.SerializeAsString();

  const grpc::Status in_value = CallRaw(world, ReplaceOnce(good, "MARKER", "MAR\xffKR"));
  EXPECT_EQ(in_value.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(serving::FromStatus(in_value).reason, "NOT_UTF8");
  EXPECT_EQ(serving::FromStatus(in_value).field, "parameters[\"Body\"]");

  const grpc::Status in_name = CallRaw(world, ReplaceOnce(good, "CallSid", "Call\xc3id"));
  EXPECT_EQ(serving::FromStatus(in_name).field, "parameters");

  const grpc::Status in_field = CallRaw(world, ReplaceOnce(good, "ANOTHER", "ANOTHE\xed"));
  EXPECT_EQ(serving::FromStatus(in_field).field, "request_id");

  const grpc::Status in_message = CallRaw(world, ReplaceOnce(good, "http://", "\xc0ttp://"));
  EXPECT_EQ(serving::FromStatus(in_message).field, "handler.url");
}

TEST(Grpc, G7_WhatIsNoRequestIsToldSoAndTheRouterLivesOn) {
  Origin primary;
  primary.OnAny(Reply{.body = kPrimaryDocument});
  RouterWorld world;
  const grpc::Status malformed = CallRaw(world, "\xff\xff\xff\xff");
  EXPECT_EQ(malformed.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(serving::FromStatus(malformed).reason, "MALFORMED_REQUEST");
  const grpc::Status huge = CallRaw(world, std::string(router::kMaxRequestBytes + 1, 'x'));
  EXPECT_EQ(huge.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(world.Resolve(VoiceRequest(primary.url("/v"), "")).response.source(),
            v1::SOURCE_PRIMARY);
}

TEST(Grpc, G8_TooMuchMetadataIsRefusedAndTheRouterLivesOn) {
  Origin primary;
  primary.OnAny(Reply{.body = kPrimaryDocument});
  RouterWorld world;
  // A connection of its own: gRPC may end it together with the call.
  grpc::ChannelArguments own;
  own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto stub = v1::RouterService::NewStub(
      grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", world.router().grpc_port()),
                                grpc::InsecureChannelCredentials(), own));
  grpc::ClientContext context;
  context.AddMetadata("x-long", std::string(size_t{17} * 1024, 'x'));
  v1::ResolveTwiMLResponse response;
  EXPECT_FALSE(stub->ResolveTwiML(&context, VoiceRequest(primary.url("/v"), ""), &response).ok());
  EXPECT_EQ(primary.connections(), 0);
  EXPECT_EQ(world.Resolve(VoiceRequest(primary.url("/v"), "")).response.source(),
            v1::SOURCE_PRIMARY);
}

TEST(Grpc, G11_IdleConnectionsCostTheOthersNothing) {
  constexpr int kIdle = 1000;
  Origin primary;
  primary.OnAny(Reply{.body = kPrimaryDocument});
  RouterWorld world;
  std::vector<Socket> idle;
  for (int i = 0; i < kIdle; ++i) {
    idle.push_back(Dial("127.0.0.1", world.router().grpc_port(), kSoon));
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(world.Resolve(VoiceRequest(primary.url("/v"), ""), kSoon).response.source(),
              v1::SOURCE_PRIMARY);
  }
}

TEST(Grpc, G12_WhatIsNotHttp2IsClosed) {
  Origin primary;
  primary.OnAny(Reply{.body = kPrimaryDocument});
  RouterWorld world;
  for (const std::string& junk :
       {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("\x16\x03\x01\x02\x00\x01", 6), std::string(4096, '\0')}) {
    Socket socket = Dial("127.0.0.1", world.router().grpc_port(), kSoon);
    ASSERT_GT(send(socket.fd(), junk.data(), junk.size(), MSG_NOSIGNAL), 0);
    char byte[512];
    while (recv(socket.fd(), byte, sizeof byte, 0) > 0) {
    }
  }
  EXPECT_EQ(world.Resolve(VoiceRequest(primary.url("/v"), "")).response.source(),
            v1::SOURCE_PRIMARY);
}

TEST(Grpc, G15_ACallOutlivesTheAgeOfItsConnection) {
  Origin primary;
  primary.OnAny(
      Script{}.Wait(absl::Milliseconds(2500)).Send(ToBytes(Reply{.body = kPrimaryDocument})));
  RouterConfig config = LoopbackConfig();
  config.max_connection_age = absl::Seconds(1);  // over, with its jitter, before the answer comes
  RouterWorld world(config);
  const Answer answer = world.Resolve(VoiceRequest(primary.url("/v"), ""));
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_EQ(answer.response.source(), v1::SOURCE_PRIMARY);
}

TEST(Grpc, G17_OverTheLimitCallsAreRefusedAtOnceWithADelay) {
  Origin primary;
  primary.OnAny(Script{}.Stall());
  RouterConfig config = LoopbackConfig();
  config.max_in_flight = 2;
  RouterWorld world(config);
  std::deque<PendingCall> held(2);
  for (PendingCall& call : held) call.Start(world.stub(), VoiceRequest(primary.url("/v"), ""));
  ASSERT_TRUE(primary.WaitForRequests(2, kSoon));
  EXPECT_EQ(InFlight(world), 2);

  const Answer refused = world.Resolve(VoiceRequest(primary.url("/v"), ""), kSoon);
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(serving::RetryDelay(refused.status), absl::Seconds(1));
  EXPECT_EQ(primary.requests().size(), 2u);
  EXPECT_EQ(ReadMetric(world.router().admin_port(), "understudy_refused_total"), 1);

  held[0].context.TryCancel();  // makes room
  ASSERT_TRUE(WaitFor([&] { return InFlight(world) == 1; }, kSoon));
  primary.OnAny(Reply{.body = kPrimaryDocument});
  EXPECT_TRUE(world.Resolve(VoiceRequest(primary.url("/v"), ""), kSoon).status.ok());
  held[1].context.TryCancel();
}

TEST(Grpc, G14_ADrainingRouterAnswersWhatItHasAndTakesNothingNew) {
  Origin primary;
  primary.OnAny(
      Script{}.Wait(absl::Milliseconds(500)).Send(ToBytes(Reply{.body = kPrimaryDocument})));
  RouterWorld world;
  PendingCall call;
  call.Start(world.stub(), VoiceRequest(primary.url("/v"), ""));
  ASSERT_TRUE(primary.WaitForRequests(1, kSoon));
  const int admin = world.router().admin_port();
  EXPECT_EQ(ReadAdminPage(admin, "/readyz").empty(), false);
  world.router().Stop(kSoon);
  call.thread.join();
  EXPECT_TRUE(call.status.ok()) << call.status.error_message();
  EXPECT_EQ(call.response.source(), v1::SOURCE_PRIMARY);
  grpc::ClientContext context;
  v1::ResolveTwiMLResponse response;
  EXPECT_EQ(world.stub()
                .ResolveTwiML(&context, VoiceRequest(primary.url("/v"), ""), &response)
                .error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST(Grpc, ADrainThatTakesTooLongIsCutShort) {
  Origin primary;
  primary.OnAny(Script{}.Stall());
  RouterWorld world;
  PendingCall call;
  call.Start(world.stub(), VoiceRequest(primary.url("/v"), ""));
  ASSERT_TRUE(primary.WaitForRequests(1, kSoon));
  world.router().Stop(absl::Milliseconds(100));
  call.thread.join();
  EXPECT_FALSE(call.status.ok());
}

TEST(Grpc, G18_ACompressedBombIsRefusedAtItsRealSize) {
  RouterWorld world;
  v1::ResolveTwiMLRequest request = VoiceRequest("http://127.0.0.1/", "");
  (*request.mutable_parameters())["Body"] = std::string(router::kMaxRequestBytes + 1, 'x');
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  v1::ResolveTwiMLResponse response;
  EXPECT_EQ(world.stub().ResolveTwiML(&context, request, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST(Grpc, TheMetricsThatDashboardsRelyOnAreThere) {
  Origin primary;
  primary.OnAny(Reply{.status = 500});
  RouterWorld world;
  ASSERT_TRUE(world.Resolve(VoiceRequest(primary.url("/v"), "http://10.0.0.1/")).status.ok());
  const int port = world.router().admin_port();
  EXPECT_EQ(ReadMetric(port, "understudy_resolutions_total{kind=\"voice\",source=\"default\"}"), 1);
  EXPECT_EQ(ReadMetric(port,
                       "understudy_resolution_duration_seconds_count{kind=\"voice\","
                       "source=\"default\"}"),
            1);
  EXPECT_EQ(ReadMetric(port, "understudy_attempts_total{error_code=\"11200\",target=\"primary\"}"),
            1);
  EXPECT_EQ(ReadMetric(port, "understudy_attempts_total{error_code=\"11205\",target=\"fallback\"}"),
            1);
  EXPECT_EQ(ReadMetric(port, "understudy_attempt_duration_seconds_count{target=\"primary\"}"), 1);
  EXPECT_EQ(ReadMetric(port, "understudy_egress_denied_total{class=\"private\"}"), 1);
  EXPECT_EQ(ReadMetric(port, "understudy_egress_denied_total{class=\"loopback\"}"), 0);
  EXPECT_EQ(ReadMetric(port, "understudy_egress_denied_total{class=\"public\"}"), -1);
  EXPECT_EQ(ReadMetric(port, "understudy_in_flight"), 0);
  EXPECT_EQ(ReadMetric(port, "understudy_in_flight_limit"), 10000);
  EXPECT_EQ(ReadMetric(port, "understudy_log_lines_dropped"), 0);
  EXPECT_EQ(ReadAdminPage(port, "/healthz"), "ok\n");
}

TEST(Grpc, AReloadAnswersTheNextCall) {
  Origin first, second;
  first.OnAny(Reply{.body = "<Response><Say>first</Say></Response>"});
  second.OnAny(Reply{.body = "<Response><Say>second</Say></Response>"});
  RouterConfig config = LoopbackConfig();
  config.numbers = {{.phone_number = kNumber,
                     .account_sid = kAccountSid,
                     .voice = router::Handler{.primary = {.url = first.url("/v")}}}};
  RouterWorld world(config);
  EXPECT_THAT(world.Resolve(VoiceRequest()).response.twiml(), HasSubstr("first"));
  config.numbers[0].voice->primary.url = second.url("/v");
  world.router().Reload(config);
  EXPECT_THAT(world.Resolve(VoiceRequest()).response.twiml(), HasSubstr("second"));
}

}  // namespace
}  // namespace understudy::testing
