// The randomness and the date that sealing a session needs (resolve/session_seal.h has the rest).
// From any thread.
#ifndef SERVICES_ROUTER_SESSION_KEY_H_
#define SERVICES_ROUTER_SESSION_KEY_H_

#include <string>

#include "common/secret.h"
#include "services/router/resolve/call.h"

namespace understudy::router {

// A key that no other process has.
Secret NewSessionKey();

// SealSession with a fresh salt, now.
std::string SealSessionNow(const Session& session, const Call& call, const Secret& key);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_SESSION_KEY_H_
