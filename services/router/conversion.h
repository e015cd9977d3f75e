// Between the wire and the router's own words: proto to call, outcome to proto. Pure; the one
// place where the fields of the service meet ours.
#ifndef SERVICES_ROUTER_CONVERSION_H_
#define SERVICES_ROUTER_CONVERSION_H_

#include <memory>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "common/serving/grpc_error.h"
#include "services/router/resolve/call.h"
#include "services/router/resolve/session_seal.h"
#include "services/router/settings.h"

namespace understudy::router::v1 {
class ResolveTwiMLRequest;
class ResolveTwiMLResponse;
}  // namespace understudy::router::v1

namespace understudy::router {

// What a request may be at most, in bytes; over it INVALID_ARGUMENT names the field.
inline constexpr size_t kMaxParameterNameBytes = 256;
inline constexpr size_t kMaxParameterValueBytes = size_t{16} * 1024;
inline constexpr size_t kMaxParametersBytes = size_t{64} * 1024;  // names and values together
inline constexpr size_t kMaxRequestIdBytes = 128;
// Of the whole message, before anything in it is looked at; over it gRPC says RESOURCE_EXHAUSTED.
inline constexpr int kMaxRequestBytes = 2 * 1024 * 1024;

struct AcceptedCall {
  Call call = {};  // without id and deadline
  SessionUse session_use = SessionUse::kNone;
  std::shared_ptr<const Route> route = {};
  std::string phone_number = {};  // empty if the request brought its handler
};

using Acceptance = std::variant<AcceptedCall, serving::CallerError>;

// Checks everything a caller can get wrong. `now` is the date: sessions have an age.
Acceptance Accept(const v1::ResolveTwiMLRequest& request, const Settings& settings, absl::Time now);

// Why `bytes` are no ResolveTwiMLRequest: names the first text that is not UTF-8, if that is why.
serving::CallerError ExplainUnreadable(absl::string_view bytes);

// Fills in `response`, which is empty. `sealed_session` is the outcome's session as SealSession
// made it. REQUIRES: !outcome.cancelled.
void ToResponse(const Outcome& outcome, const std::string& resolution_id,
                std::string sealed_session, v1::ResolveTwiMLResponse& response);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_CONVERSION_H_
