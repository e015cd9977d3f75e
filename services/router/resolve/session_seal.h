// Sessions as the caller carries them: encrypted and authenticated bytes, good for one call, or one
// pair of numbers, and for a time. Pure: time and randomness are arguments.
//
// Grammar: a version byte, a salt of 16 bytes, AES-256-GCM of a form (when, for whom, the session),
// its tag of 16 bytes. Each session has a key of its own, HMAC-SHA256 of the salt under the
// router's key, so that random salts never meet the limits of random GCM nonces.
#ifndef SERVICES_ROUTER_RESOLVE_SESSION_SEAL_H_
#define SERVICES_ROUTER_RESOLVE_SESSION_SEAL_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/secret.h"
#include "services/router/resolve/call.h"
#include "services/router/resolve/session.h"

namespace understudy::router {

// Longer than any call. Between two numbers a session ends after four hours without a message.
// Source: Twilio, "Getting Started with Twilio Webhooks", cookies.
inline constexpr absl::Duration kVoiceSessionAge = absl::Hours(24);
inline constexpr absl::Duration kMessagingSessionAge = absl::Hours(4);

// The least a key may be, in bytes.
inline constexpr size_t kMinSessionKeyBytes = 32;

using SessionSalt = std::array<unsigned char, 16>;

// What became of the session that came with a request.
enum class SessionUse : uint8_t {
  kNone,  // there was none
  kAccepted,
  kForged,   // altered, or sealed with another key
  kForeign,  // of another call, account or pair of numbers
  kStale,    // too old
};
inline constexpr int kSessionUses = 5;
const char* SessionUseName(SessionUse use);

struct OpenedSession {
  SessionUse use = SessionUse::kNone;
  Session session = {};  // empty unless accepted
};

// REQUIRES: the encoded session has at most kMaxEncodedSessionBytes (FitSession), and `salt` is
// random. `now` is the date. The empty session is sealed as no bytes.
std::string SealSession(const Session& session, const Call& call, const Secret& key,
                        const SessionSalt& salt, absl::Time now);

OpenedSession OpenSession(absl::string_view sealed, const Call& call, const Secret& key,
                          absl::Time now);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_RESOLVE_SESSION_SEAL_H_
