#include "tests/e2e/router_world.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/testing/require.h"

namespace understudy::testing {

using router::v1::ResolveTwiMLRequest;

router::RouterConfig LoopbackConfig() {
  router::RouterConfig config;
  config.grpc_listen = {.host = "127.0.0.1", .port = 0};
  config.admin_listen = {.host = "127.0.0.1", .port = 0};
  config.accounts = {{.sid = kAccountSid, .auth_token = Secret(kAuthToken)}};
  config.egress.allow = {*router::ParseCidr("127.0.0.0/8"), *router::ParseCidr("::1/128")};
  config.log_level = serving::LogLevel::kError;
  return config;
}

RouterWorld::RouterWorld(const router::RouterConfig& config) {
  serving::SetLogLevel(config.log_level);
  auto started = router::Router::Start(config);
  Require(started.ok(), std::string(started.status().message()).c_str());
  router_ = *std::move(started);
  channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", router_->grpc_port()),
                                 grpc::InsecureChannelCredentials());
  stub_ = router::v1::RouterService::NewStub(channel_);
}

Answer RouterWorld::Resolve(const ResolveTwiMLRequest& request, absl::Duration deadline) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  if (deadline != absl::ZeroDuration()) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + deadline));
  }
  Answer answer;
  answer.status = stub_->ResolveTwiML(&context, request, &answer.response);
  return answer;
}

ResolveTwiMLRequest VoiceRequest() {
  ResolveTwiMLRequest request;
  request.set_kind(router::v1::KIND_VOICE);
  request.set_phone_number(kNumber);
  auto& parameters = *request.mutable_parameters();
  parameters["CallSid"] = "CA0123456789abcdef0123456789abcdef";
  parameters["From"] = "+14155550100";
  parameters["To"] = kNumber;
  parameters["CallStatus"] = "ringing";
  parameters["Direction"] = "inbound";
  parameters["FromCity"] = "";
  parameters["CallerName"] = "Ren\xc3\xa9 & S\xc3\xb8ren";
  return request;
}

ResolveTwiMLRequest MessageRequest() {
  ResolveTwiMLRequest request;
  request.set_kind(router::v1::KIND_MESSAGING);
  request.set_phone_number(kNumber);
  auto& parameters = *request.mutable_parameters();
  parameters["MessageSid"] = "SM0123456789abcdef0123456789abcdef";
  parameters["SmsSid"] = "SM0123456789abcdef0123456789abcdef";
  parameters["From"] = "+14155550100";
  parameters["To"] = kNumber;
  parameters["Body"] = "2 + 2 = 4 & more\n?";
  parameters["NumMedia"] = "0";
  return request;
}

namespace {

void SetHandler(ResolveTwiMLRequest& request, const std::string& url, const std::string& fallback) {
  request.set_account_sid(kAccountSid);
  request.mutable_handler()->set_url(url);
  request.mutable_handler()->set_fallback_url(fallback);
}

}  // namespace

ResolveTwiMLRequest VoiceRequest(const std::string& url, const std::string& fallback) {
  ResolveTwiMLRequest request = VoiceRequest();
  SetHandler(request, url, fallback);
  return request;
}

ResolveTwiMLRequest MessageRequest(const std::string& url, const std::string& fallback) {
  ResolveTwiMLRequest request = MessageRequest();
  SetHandler(request, url, fallback);
  return request;
}

}  // namespace understudy::testing
