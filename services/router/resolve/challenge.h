// The answer to a 401: Basic and Digest credentials, shown only to a server that asked for them.
// Source: Twilio, "Security" (credentials in the URL); RFC 7617, RFC 7616.
#ifndef SERVICES_ROUTER_RESOLVE_CHALLENGE_H_
#define SERVICES_ROUTER_RESOLVE_CHALLENGE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "common/secret.h"
#include "services/router/resolve/call.h"

namespace understudy::router {

struct Credentials {
  std::string user = {};
  Secret password = {};

  bool empty() const { return user.empty() && password.empty(); }
};

struct Challenge {
  enum class Scheme : uint8_t { kBasic, kDigest };
  enum class Hash : uint8_t { kMd5, kSha256 };

  Scheme scheme = Scheme::kBasic;
  Hash hash = Hash::kMd5;
  bool session = false;   // "-sess" algorithms: the key covers both nonces
  bool qop_auth = false;  // false: the older form without a count (RFC 2069)
  std::string realm = {};
  std::string nonce = {};
  std::string opaque = {};
};

// The strongest challenge of the response's WWW-Authenticate headers that we can answer; nullopt
// if there is none (no realm, an unknown scheme or algorithm).
std::optional<Challenge> PickChallenge(const Headers& headers);

// The value of the Authorization header. `uri` is the request's path and query; `count` numbers
// the requests made with this challenge's nonce, from 1; `cnonce` is any text not used before.
std::string Authorize(const Challenge& challenge, const Credentials& credentials, Method method,
                      absl::string_view uri, int count, absl::string_view cnonce);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_RESOLVE_CHALLENGE_H_
