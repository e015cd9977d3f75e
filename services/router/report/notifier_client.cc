#include "services/router/report/notifier_client.h"

#include <grpcpp/grpcpp.h>
#include <understudy/notifier/v1/notifier_service.grpc.pb.h>

#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/serving/grpc_error.h"
#include "common/serving/grpc_tls.h"
#include "common/serving/log.h"
#include "common/serving/monotonic_clock.h"
#include "common/twilio/charset.h"

namespace understudy::router {
namespace {

namespace v1 = notifier::v1;
using serving::Log;
using serving::LogLevel;
using serving::MonotonicNow;

// A notifier that comes back is found soon, also where its address is another one by then: gRPC
// dials an address that was refused no sooner than it has asked for the name again.
constexpr int kMaxReconnectMs = 1000;
constexpr int kResolveAgainMs = 1000;
// A connection that leads nowhere any more ends while an RPC waits on it.
constexpr int kKeepaliveMs = 20 * 1000;
constexpr int kKeepaliveTimeoutMs = 10 * 1000;

v1::Level ToProto(twilio::Level level) {
  return level == twilio::Level::kError ? v1::LEVEL_ERROR : v1::LEVEL_WARNING;
}

v1::Outcome ToProto(EventOutcome outcome) {
  switch (outcome) {
    case EventOutcome::kFallbackAnswered:
      return v1::OUTCOME_FALLBACK_ANSWERED;
    case EventOutcome::kDefaultAnswered:
      return v1::OUTCOME_DEFAULT_ANSWERED;
    case EventOutcome::kWarning:
      return v1::OUTCOME_WARNING;
    case EventOutcome::kUnknown:
      break;
  }
  return v1::OUTCOME_UNKNOWN;
}

v1::Phase ToProto(Phase phase) {
  switch (phase) {
    case Phase::kNone:
      break;
    case Phase::kPolicy:
      return v1::PHASE_POLICY;
    case Phase::kDns:
      return v1::PHASE_DNS;
    case Phase::kConnect:
      return v1::PHASE_CONNECT;
    case Phase::kTls:
      return v1::PHASE_TLS;
    case Phase::kSend:
      return v1::PHASE_SEND;
    case Phase::kHeaders:
      return v1::PHASE_HEADERS;
    case Phase::kBody:
      return v1::PHASE_BODY;
    case Phase::kProtocol:
      return v1::PHASE_PROTOCOL;
    case Phase::kStatus:
      return v1::PHASE_STATUS;
    case Phase::kRedirect:
      return v1::PHASE_REDIRECT;
    case Phase::kContent:
      return v1::PHASE_CONTENT;
    case Phase::kParse:
      return v1::PHASE_PARSE;
  }
  return v1::PHASE_UNSPECIFIED;
}

// A Timestamp or a Duration: both count seconds and nanoseconds.
template <typename Message>
void SetTime(const timespec& time, Message* out) {
  out->set_seconds(time.tv_sec);
  out->set_nanos(static_cast<int32_t>(time.tv_nsec));
}

std::string Word(const std::string& text) {
  return twilio::Utf8Text(text, kMaxEventWordBytes);
}

v1::Method ToProto(Method method) {
  return method == Method::kGet ? v1::METHOD_GET : v1::METHOD_POST;
}

std::string Url(const std::string& url) {
  return twilio::Utf8Text(url, kMaxEventUrlBytes);
}

void AddAttempt(const Attempt& attempt, v1::ErrorEvent& event) {
  v1::Attempt* const out = event.add_attempts();
  out->set_url(Url(attempt.url));
  out->set_method(ToProto(attempt.method));
  out->set_remote_address(attempt.remote_address);
  out->set_http_status(attempt.http_status);
  out->set_error_code(attempt.error_code);
  out->set_phase(ToProto(attempt.phase));
  out->set_detail(twilio::Utf8Text(attempt.detail, kMaxAttemptDetailBytes));
  const Timings& timings = attempt.timings;
  SetTime(absl::ToTimespec(timings.dns), out->mutable_dns());
  SetTime(absl::ToTimespec(timings.connect), out->mutable_connect());
  SetTime(absl::ToTimespec(timings.tls), out->mutable_tls());
  SetTime(absl::ToTimespec(timings.first_byte), out->mutable_first_byte());
  SetTime(absl::ToTimespec(timings.total), out->mutable_total());
}

// The first half of what may be told, and the last.
void AddAttempts(const std::vector<Attempt>& attempts, v1::ErrorEvent& event) {
  constexpr size_t kHalf = kMaxEventAttempts / 2;
  const bool is_over = attempts.size() > kMaxEventAttempts;
  for (size_t i = 0; i < attempts.size(); ++i) {
    if (is_over && i == kHalf) i = attempts.size() - kHalf;
    AddAttempt(attempts[i], event);
  }
}

void AddForm(const twilio::Form& form, google::protobuf::Map<std::string, std::string>* out) {
  for (const auto& [name, value] : form) (*out)[name] = value;
}

grpc::ChannelArguments ChannelOptions() {
  grpc::ChannelArguments options;
  options.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kMaxReconnectMs / 4);
  options.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMs);
  options.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kResolveAgainMs);
  options.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  options.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  options.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // the notifier is in the same cluster
  options.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return options;
}

void LogRejected(const std::string& event_id, const std::string& reason, const std::string& field,
                 const std::string& message) {
  Log(LogLevel::kError, "the notifier does not take an event",
      {{"event_id", event_id}, {"reason", reason}, {"field", field}, {"detail", message}});
}

// What to look at where gRPC's own words leave that open; empty: nothing.
absl::string_view AdviceOn(absl::string_view message, bool has_tls) {
  if (!has_tls) return "";
  if (absl::StrContains(message, "certificate verify failed")) {
    return "; the notifier's certificate is not of an authority in notifier.tls.ca_file, or it has "
           "expired";
  }
  if (absl::StrContains(message, "is not in peer certificate")) {
    return "; the notifier's certificate is not for the host of notifier.target";
  }
  if (absl::StrContains(message, "wrong version number")) {
    return "; what answers there speaks no TLS";
  }
  // In TLS 1.3 a client has finished the handshake when the server looks at its certificate.
  if (absl::StrContains(message, "Socket closed")) {
    return "; the notifier's log says whether it refuses notifier.tls.certificate_file";
  }
  return "";
}

// What an RPC that failed means for its batch.
SendResult Failed(const grpc::Status& status, bool has_tls) {
  const bool is_refused = status.error_code() == grpc::StatusCode::INVALID_ARGUMENT;
  return {.state = is_refused ? SendResult::State::kRefused : SendResult::State::kTryLater,
          .retry_after = serving::RetryDelay(status),
          .detail = absl::StrCat(
              absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code())), ": ",
              status.error_message(), AdviceOn(status.error_message(), has_tls))};
}

}  // namespace

std::string ToRecord(const ErrorEvent& event) {
  v1::ErrorEvent proto;
  proto.set_event_id(event.event_id);
  SetTime(absl::ToTimespec(event.occurred_at), proto.mutable_occurred_at());
  proto.set_account_sid(Word(event.account_sid));
  proto.set_kind(event.kind == Kind::kVoice ? v1::KIND_VOICE : v1::KIND_MESSAGING);
  proto.set_phone_number(Word(event.phone_number));
  proto.set_resource_sid(Word(event.resource_sid));
  proto.set_level(ToProto(event.level));
  proto.set_error_code(event.error_code);
  proto.set_error_url(Url(event.error_url));
  proto.set_target(event.target == Target::kPrimary ? v1::TARGET_PRIMARY : v1::TARGET_FALLBACK);
  proto.set_outcome(ToProto(event.outcome));
  proto.set_phase(ToProto(event.phase));
  proto.set_http_status(event.http_status);
  proto.set_detail(twilio::Utf8Text(event.detail, kMaxEventTextBytes));
  SetTime(absl::ToTimespec(event.elapsed), proto.mutable_elapsed());
  proto.set_attempt_count(event.attempt_count);
  proto.set_resolution_id(Word(event.resolution_id));
  proto.set_response_excerpt(twilio::Utf8Text(event.response_excerpt, kMaxEventTextBytes));
  AddAttempts(event.attempts, proto);
  if (!event.attempts.empty()) proto.set_request_method(ToProto(event.attempts.back().method));
  AddForm(event.parameters, proto.mutable_parameters());
  AddForm(event.request_headers, proto.mutable_request_headers());
  AddForm(event.response_headers, proto.mutable_response_headers());
  return proto.SerializeAsString();
}

struct NotifierClient::Stub {
  std::unique_ptr<v1::NotifierService::Stub> service = {};
};

NotifierClient::NotifierClient(std::string target, const serving::TlsIdentity* tls,
                               absl::Duration timeout)
    : target_(std::move(target)), tls_(tls), timeout_(timeout) {
  Connect();
}

NotifierClient::~NotifierClient() = default;

void NotifierClient::Connect() {
  if (tls_ != nullptr) material_ = tls_->material();
  stub_ =
      std::make_unique<Stub>(Stub{.service = v1::NotifierService::NewStub(grpc::CreateCustomChannel(
                                      target_,
                                      tls_ == nullptr ? grpc::InsecureChannelCredentials()
                                                      : serving::GrpcClientCredentials(*material_),
                                      ChannelOptions()))});
}

SendResult NotifierClient::Report(const std::vector<std::string>& records) {
  v1::ReportErrorEventsRequest request;
  int64_t unreadable = 0;
  for (const std::string& record : records) {
    if (request.add_events()->ParseFromString(record)) continue;
    request.mutable_events()->RemoveLast();
    ++unreadable;
  }
  if (unreadable > 0) {  // of another version, perhaps
    Log(LogLevel::kError, "records of the outbox are no events", {{"records", unreadable}});
  }
  if (unreadable == static_cast<int64_t>(records.size())) {
    return {.state = SendResult::State::kAccepted,
            .rejected = unreadable,
            .finished_at = MonotonicNow()};
  }

  if (tls_ != nullptr && tls_->material() != material_) Connect();
  v1::ReportErrorEventsResponse response;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoNanoseconds(timeout_));
  {
    MutexLock lock(mutex_);
    if (is_cancelled_) return {.detail = "stopping", .finished_at = MonotonicNow()};
    context_ = &context;
  }
  const grpc::Status status = stub_->service->ReportErrorEvents(&context, request, &response);
  {
    MutexLock lock(mutex_);
    context_ = nullptr;
  }
  SendResult result;
  if (status.ok()) {
    result = {.state = SendResult::State::kAccepted,
              .rejected = unreadable + response.rejected_size()};
    for (const v1::RejectedEvent& rejected : response.rejected()) {
      LogRejected(rejected.event_id(), rejected.reason(), rejected.field(), rejected.message());
    }
  } else {
    result = Failed(status, tls_ != nullptr);
    if (result.state == SendResult::State::kRefused && records.size() == 1) {
      const serving::CallerError error = serving::FromStatus(status);
      LogRejected(request.events(0).event_id(), error.reason, error.field, error.message);
    }
  }
  result.finished_at = MonotonicNow();
  return result;
}

void NotifierClient::Cancel() {
  MutexLock lock(mutex_);
  is_cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

}  // namespace understudy::router
