// From an endpoint and a call's parameters to the one request to make: encoded, signed, limited.
// Source: Twilio, "Webhooks Security" and "Getting Started with Twilio Webhooks".
#ifndef SERVICES_ROUTER_RESOLVE_REQUEST_H_
#define SERVICES_ROUTER_RESOLVE_REQUEST_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/twilio/url.h"
#include "services/router/resolve/call.h"

namespace understudy::router {

// NAME of "bin:NAME" or "bin:NAME?query"; nullopt of any other URL. Lives as long as `url`.
std::optional<absl::string_view> BinName(absl::string_view url);

// `url`, as it stands in a document that came from `base_url`, made absolute; its fragment and
// credentials stay. One that cannot be, for want of a base or of sense, is returned as it is.
std::string StepUrl(absl::string_view base_url, absl::string_view url);

// OK if `url` can be a primary or fallback: parses, and its fragment holds no mistake. For
// configuration; at run time such mistakes are faults with codes of their own.
absl::Status CheckEndpointUrl(absl::string_view url);

// What the head of every request of one fetch (its retries and redirects) has in common.
struct RequestContext {
  Kind kind = Kind::kVoice;
  const Secret* auth_token = nullptr;  // empty: unsigned
  std::string idempotency_token = {};
};

// A POST of nothing to `url`.
Exchange ExchangeTo(const twilio::Url& url);

// The request for `url`: its query (after what it has) or body carries `parameters`, its headers
// the signature over exactly what is sent. Credentials, times and limits are left to the caller.
Exchange BuildExchange(const RequestContext& context, const twilio::Url& url, Method method,
                       const twilio::Form& parameters);

// A UUID made from what it names: the same seed gives the same token, so that a retried call
// shows the web server the token it has seen.
std::string IdempotencyToken(absl::string_view seed);

// What a redirect to GET adds to `url`: a Location that has our parameters already, as a server
// that redirects with its query writes it, is not made to say them twice.
twilio::Form WithoutNamesInQuery(const twilio::Form& parameters, absl::string_view url);

// What a redirect to GET leaves behind: parameters that describe the verb that asked (Digits,
// RecordingUrl and the like). Source: Twilio, "Getting Started with Twilio Webhooks", redirects.
twilio::Form WithoutVerbParameters(const twilio::Form& parameters);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_RESOLVE_REQUEST_H_
