// The answer to a 401: Basic and Digest credentials, shown only to a server that asked for them.
// Source: Twilio, "Security" (credentials in the URL); RFC 7617, RFC 7616.
#ifndef SERVICES_ROUTER_RESOLVE_CHALLENGE_H_
#define SERVICES_ROUTER_RESOLVE_CHALLENGE_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/router/resolve/call.h"
#include "services/router/resolve/session.h"

namespace understudy::router {

// The strongest challenge of the response's WWW-Authenticate headers that we can answer; nullopt
// if there is none (no realm, an unknown scheme or algorithm).
std::optional<Challenge> PickChallenge(const Headers& headers);

// The value of the Authorization header. `uri` is the request's path and query; `count` numbers
// the requests made with this challenge's nonce, from 1; `cnonce` is any text not used before.
std::string Authorize(const Challenge& challenge, const Credentials& credentials, Method method,
                      absl::string_view uri, int count, absl::string_view cnonce);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_RESOLVE_CHALLENGE_H_
