// What a call remembers from one document to the next: the cookies that web servers set, and the
// credentials they accepted. Plain values; session_seal.h makes bytes of them for the caller to
// carry.
// Source: Twilio, "Getting Started with Twilio Webhooks" (cookies), "Security" (credentials stay in
// use for the rest of the call).
#ifndef SERVICES_ROUTER_RESOLVE_SESSION_H_
#define SERVICES_ROUTER_RESOLVE_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/secret.h"

namespace understudy::router {

// What a session may be at most, sealed. What does not fit is left out, the largest cookie first.
inline constexpr size_t kMaxSessionBytes = size_t{16} * 1024;
// The same before it is sealed.
inline constexpr size_t kMaxEncodedSessionBytes = kMaxSessionBytes - 256;
// Origins whose credentials are kept; the oldest is left out first.
inline constexpr size_t kMaxGrants = 8;

struct Credentials {
  std::string user = {};
  Secret password = {};

  bool empty() const { return user.empty() && password.empty(); }
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

// What a server asked for with a 401 (challenge.h).
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

  friend bool operator==(const Challenge&, const Challenge&) = default;
};

// Credentials that an origin accepted.
struct Grant {
  std::string origin = {};  // Url::origin()
  Credentials credentials = {};
  Challenge challenge = {};
  int uses = 0;  // of the challenge's nonce

  friend bool operator==(const Grant&, const Grant&) = default;
};

// A cookie is a line of libcurl's cookie file: domain, whether subdomains get it, path, whether
// only https gets it, expiry, name and value, with tabs between.
using Cookies = std::vector<std::string>;

struct Session {
  Cookies cookies = {};
  std::vector<Grant> grants = {};

  bool empty() const { return cookies.empty() && grants.empty(); }
  friend bool operator==(const Session&, const Session&) = default;
};

// As text, and back; nullopt of what EncodeSession did not write.
std::string EncodeSession(const Session& session);
std::optional<Session> DecodeSession(absl::string_view text);

// Leaves out what keeps the encoded session from fitting into `bytes`, and grants over kMaxGrants;
// returns how many parts that were.
int FitSession(Session& session, size_t bytes);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_RESOLVE_SESSION_H_
