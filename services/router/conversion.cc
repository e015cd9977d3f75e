#include "services/router/conversion.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <understudy/router/v1/router_service.pb.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/twilio/charset.h"
#include "common/twilio/identifiers.h"
#include "common/twilio/url.h"
#include "services/router/resolve/request.h"

namespace understudy::router {
namespace {

using serving::CallerError;

CallerError Invalid(std::string reason, std::string field, std::string message) {
  return {.code = grpc::StatusCode::INVALID_ARGUMENT,
          .reason = std::move(reason),
          .field = std::move(field),
          .message = std::move(message)};
}

std::optional<CallerError> ReadMethod(v1::Method method, const char* field, Method& out) {
  switch (method) {
    case v1::METHOD_UNSPECIFIED:
    case v1::METHOD_POST:
      out = Method::kPost;
      return std::nullopt;
    case v1::METHOD_GET:
      out = Method::kGet;
      return std::nullopt;
    default:
      return Invalid("INVALID_METHOD", field,
                     absl::StrCat(field, " is ", static_cast<int>(method), "; GET and POST exist"));
  }
}

// `url` as an endpoint's: http, https, or the name of a bin there is.
std::optional<CallerError> ReadUrl(const std::string& url, const char* field,
                                   const Settings& settings, Endpoint& out) {
  if (const std::optional<absl::string_view> name = BinName(url)) {
    std::shared_ptr<const Bin> bin = settings.routes.FindBin(*name);
    if (bin == nullptr) {
      return Invalid("BIN_NOT_FOUND", field,
                     absl::StrCat(field, ": there is no bin \"",
                                  twilio::Utf8Text(name->substr(0, 64)), "\" here"));
    }
    out.url = url;
    out.bin = std::move(bin);
    return std::nullopt;
  }
  if (absl::StatusOr<twilio::Url> parsed = twilio::ParseUrl(url); !parsed.ok()) {
    return Invalid("INVALID_URL", field, absl::StrCat(field, ": ", parsed.status().message()));
  }
  out.url = url;
  return std::nullopt;
}

std::optional<CallerError> ReadHandler(const v1::Handler& proto, const Settings& settings,
                                       Handler& out) {
  if (proto.url().empty()) {
    return Invalid("HANDLER_URL_REQUIRED", "handler.url", "handler.url is required");
  }
  if (auto error = ReadUrl(proto.url(), "handler.url", settings, out.primary)) return error;
  if (auto error = ReadMethod(proto.method(), "handler.method", out.primary.method)) return error;
  if (proto.fallback_url().empty()) return std::nullopt;
  Endpoint& fallback = out.fallback.emplace();
  if (auto error = ReadUrl(proto.fallback_url(), "handler.fallback_url", settings, fallback)) {
    return error;
  }
  return ReadMethod(proto.fallback_method(), "handler.fallback_method", fallback.method);
}

// AccountSid and ApiVersion, where the caller has not said them.
constexpr size_t kAddedParameters = 2;

std::optional<CallerError> ReadParameters(const v1::ResolveTwiMLRequest& request,
                                          twilio::Form& out) {
  size_t bytes = 0;
  out.reserve(request.parameters().size() + kAddedParameters);
  for (const auto& [name, value] : request.parameters()) {
    if (name.empty() || name.size() > kMaxParameterNameBytes) {
      return Invalid("INVALID_PARAMETER_NAME", "parameters",
                     absl::StrCat("a name in parameters has ", name.size(), " bytes; 1 to ",
                                  kMaxParameterNameBytes, " are allowed"));
    }
    if (value.size() > kMaxParameterValueBytes) {
      return Invalid("PARAMETER_TOO_LARGE", absl::StrCat("parameters[\"", name, "\"]"),
                     absl::StrCat("parameters[\"", name, "\"] has ", value.size(),
                                  " bytes; the limit is ", kMaxParameterValueBytes));
    }
    bytes += name.size() + value.size();
    out.push_back({name, value});
  }
  if (bytes > kMaxParametersBytes) {
    return Invalid("PARAMETERS_TOO_LARGE", "parameters",
                   absl::StrCat("parameters have ", bytes, " bytes in all; the limit is ",
                                kMaxParametersBytes));
  }
  // A map has no order of its own; requests should not differ from run to run.
  std::sort(out.begin(), out.end(),
            [](const twilio::Parameter& a, const twilio::Parameter& b) { return a.name < b.name; });
  return std::nullopt;
}

// Fills in who answers: the number's handler, or the one the request brings.
std::optional<CallerError> ReadTarget(const v1::ResolveTwiMLRequest& request,
                                      const Settings& settings, AcceptedCall& accepted,
                                      Route& route) {
  Call& call = accepted.call;
  if (!request.account_sid().empty() && !twilio::IsAccountSid(request.account_sid())) {
    return Invalid("INVALID_ACCOUNT_SID", "account_sid",
                   "account_sid is not AC and 32 lower-case hexadecimal digits");
  }
  if (request.target_case() == v1::ResolveTwiMLRequest::kHandler) {
    if (request.account_sid().empty()) {
      return Invalid("ACCOUNT_SID_REQUIRED", "account_sid", "account_sid is required with handler");
    }
    if (auto error = ReadHandler(request.handler(), settings, route.handler)) return error;
    call.account_sid = request.account_sid();
    const Account* account = settings.routes.FindAccount(call.account_sid);
    if (account != nullptr) route.auth_token = account->auth_token;
    return std::nullopt;
  }
  if (request.target_case() != v1::ResolveTwiMLRequest::kPhoneNumber) {
    return Invalid("TARGET_REQUIRED", "phone_number",
                   "one of phone_number and handler is required");
  }

  const std::string& number = request.phone_number();
  if (!twilio::IsPhoneNumber(number)) {
    return Invalid("INVALID_PHONE_NUMBER", "phone_number",
                   "phone_number is not E.164, such as +14155550199");
  }
  std::optional<NumberRoute> found = settings.routes.FindNumber(number, call.kind);
  if (!found.has_value()) {
    return CallerError{.code = grpc::StatusCode::NOT_FOUND,
                       .reason = "NUMBER_NOT_FOUND",
                       .field = "phone_number",
                       .message = absl::StrCat("the number ", number, " is not configured here")};
  }
  if (!request.account_sid().empty() && request.account_sid() != found->account_sid) {
    return Invalid("ACCOUNT_MISMATCH", "account_sid",
                   absl::StrCat("the number ", number, " belongs to another account"));
  }
  if (!found->handler.has_value()) {
    const std::string why =
        found->trunk_sid.empty()
            ? absl::StrCat("has no handler for ", KindName(call.kind))
            : absl::StrCat("goes to the trunk ", found->trunk_sid, ", for which there is no TwiML");
    return CallerError{.code = grpc::StatusCode::NOT_FOUND,
                       .reason = "HANDLER_NOT_FOUND",
                       .field = "kind",
                       .message = absl::StrCat("the number ", number, " ", why)};
  }
  route.handler = *std::move(found->handler);
  route.auth_token = std::move(found->auth_token);
  call.account_sid = std::move(found->account_sid);
  accepted.phone_number = number;
  return std::nullopt;
}

// The step after the first document: which URL takes the primary's place, or that there is none.
std::optional<CallerError> ReadStep(const v1::ResolveTwiMLRequest& request, Call& call,
                                    Route& route) {
  if (request.has_document()) {
    const v1::Document& document = request.document();
    if (document.url().empty() && document.base_url().empty()) {
      return Invalid("DOCUMENT_URL_REQUIRED", "document.url",
                     "document.url is required without document.base_url");
    }
    // A URL that is no good came from the document: its owner's failure, not the caller's.
    route.handler.primary = {.url = StepUrl(document.base_url(), document.url())};
    return ReadMethod(document.method(), "document.method", route.handler.primary.method);
  }
  if (!request.has_failure()) return std::nullopt;
  const v1::Failure& failure = request.failure();
  if (failure.error_code() < 10000 || failure.error_code() > 99999) {
    return Invalid("INVALID_ERROR_CODE", "failure.error_code",
                   absl::StrCat("failure.error_code is ", failure.error_code(),
                                "; Twilio's codes have five digits"));
  }
  if (failure.error_url().empty() || failure.error_url().size() > twilio::kMaxUrlBytes) {
    return Invalid("INVALID_ERROR_URL", "failure.error_url",
                   absl::StrCat("failure.error_url has ", failure.error_url().size(),
                                " bytes; 1 to ", twilio::kMaxUrlBytes, " are allowed"));
  }
  call.failure = {.code = failure.error_code(), .url = failure.error_url()};
  return std::nullopt;
}

v1::Phase ToProto(Phase phase) {
  switch (phase) {
    case Phase::kNone:
      return v1::PHASE_UNSPECIFIED;
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

void SetDuration(absl::Duration duration, google::protobuf::Duration* out) {
  const timespec time = absl::ToTimespec(duration);
  out->set_seconds(time.tv_sec);
  out->set_nanos(static_cast<int32_t>(time.tv_nsec));
}

void SetAttempt(const Attempt& attempt, v1::Attempt* out) {
  out->set_target(attempt.target == Target::kPrimary ? v1::TARGET_PRIMARY : v1::TARGET_FALLBACK);
  out->set_url(twilio::Utf8Text(attempt.url));
  out->set_method(attempt.method == Method::kPost ? v1::METHOD_POST : v1::METHOD_GET);
  out->set_remote_address(attempt.remote_address);
  out->set_http_status(attempt.http_status);
  out->set_error_code(attempt.error_code);
  out->set_phase(ToProto(attempt.phase));
  out->set_detail(twilio::Utf8Text(attempt.detail));
  SetDuration(attempt.timings.dns, out->mutable_dns());
  SetDuration(attempt.timings.connect, out->mutable_connect());
  SetDuration(attempt.timings.tls, out->mutable_tls());
  SetDuration(attempt.timings.first_byte, out->mutable_first_byte());
  SetDuration(attempt.timings.total, out->mutable_total());
}

// The path of the first string field whose bytes are not UTF-8; empty if there is none.
std::string FindBrokenText(const google::protobuf::UnknownFieldSet& fields,
                           const google::protobuf::Descriptor& type) {
  for (int i = 0; i < fields.field_count(); ++i) {
    const google::protobuf::UnknownField& field = fields.field(i);
    const google::protobuf::FieldDescriptor* known = type.FindFieldByNumber(field.number());
    if (known == nullptr || field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      continue;
    }
    if (known->type() == google::protobuf::FieldDescriptor::TYPE_STRING) {
      const std::string& text = field.length_delimited();
      if (twilio::ValidUtf8Prefix(text) != text.size()) return known->name();
    } else if (known->type() == google::protobuf::FieldDescriptor::TYPE_MESSAGE) {
      google::protobuf::Empty inner;
      if (!inner.ParseFromString(field.length_delimited())) continue;
      const google::protobuf::UnknownFieldSet& parts =
          inner.GetReflection()->GetUnknownFields(inner);
      const std::string path = FindBrokenText(parts, *known->message_type());
      if (path.empty()) continue;
      if (!known->is_map()) return absl::StrCat(known->name(), ".", path);
      for (int j = 0; j < parts.field_count(); ++j) {  // name the entry by its key, if it can be
        const google::protobuf::UnknownField& part = parts.field(j);
        if (part.number() == 1 && path == "value" &&
            part.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
          return absl::StrCat(known->name(), "[\"", part.length_delimited(), "\"]");
        }
      }
      return known->name();
    }
  }
  return {};
}

}  // namespace

Acceptance Accept(const v1::ResolveTwiMLRequest& request, const Settings& settings,
                  absl::Time now) {
  AcceptedCall accepted;
  auto route = std::make_shared<Route>();
  switch (request.kind()) {
    case v1::KIND_VOICE:
      accepted.call.kind = Kind::kVoice;
      break;
    case v1::KIND_MESSAGING:
      accepted.call.kind = Kind::kMessaging;
      break;
    default:
      return Invalid("KIND_REQUIRED", "kind", "kind must be KIND_VOICE or KIND_MESSAGING");
  }
  if (request.request_id().size() > kMaxRequestIdBytes) {
    return Invalid("REQUEST_ID_TOO_LARGE", "request_id",
                   absl::StrCat("request_id has ", request.request_id().size(),
                                " bytes; the limit is ", kMaxRequestIdBytes));
  }
  accepted.call.request_id = request.request_id();
  if (auto error = ReadTarget(request, settings, accepted, *route)) return *std::move(error);
  if (auto error = ReadStep(request, accepted.call, *route)) return *std::move(error);
  if (auto error = ReadParameters(request, accepted.call.parameters)) return *std::move(error);
  OpenedSession opened = OpenSession(request.session(), accepted.call, settings.session_key, now);
  accepted.session_use = opened.use;
  accepted.call.session = std::move(opened.session);
  route->codes = settings.codes;
  route->default_document =
      accepted.call.kind == Kind::kVoice ? settings.voice_default : settings.messaging_default;
  accepted.route = std::move(route);
  return accepted;
}

CallerError ExplainUnreadable(absl::string_view bytes) {
  google::protobuf::Empty fields;
  if (fields.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    const std::string field = FindBrokenText(fields.GetReflection()->GetUnknownFields(fields),
                                             *v1::ResolveTwiMLRequest::descriptor());
    if (!field.empty()) {
      return Invalid("NOT_UTF8", field, absl::StrCat(field, " is not UTF-8"));
    }
  }
  return Invalid("MALFORMED_REQUEST", "", "the message is not a ResolveTwiMLRequest");
}

void ToResponse(const Outcome& outcome, const std::string& resolution_id,
                std::string sealed_session, v1::ResolveTwiMLResponse& response) {
  response.set_twiml(outcome.document);
  switch (outcome.source) {
    case Source::kPrimary:
      response.set_source(v1::SOURCE_PRIMARY);
      break;
    case Source::kFallback:
      response.set_source(v1::SOURCE_FALLBACK);
      break;
    case Source::kDefault:
      response.set_source(v1::SOURCE_DEFAULT);
      break;
  }
  response.set_document_url(outcome.document_url);
  if (!outcome.faults.empty()) {
    response.set_error_code(outcome.faults.front().code);
    response.set_error_url(twilio::Utf8Text(outcome.faults.front().url));
  }
  for (const Attempt& attempt : outcome.attempts) SetAttempt(attempt, response.add_attempts());
  for (const Warning& warning : outcome.warnings) {
    v1::Warning* out = response.add_warnings();
    out->set_code(warning.code);
    out->set_message(twilio::Utf8Text(warning.message));
    out->set_line(warning.line);
    out->set_column(warning.column);
  }
  response.set_session(std::move(sealed_session));
  response.set_resolution_id(resolution_id);
}

}  // namespace understudy::router
