#include "services/router/session_key.h"

#include <openssl/rand.h>

#include <cstdlib>
#include <utility>

#include "absl/time/clock.h"
#include "services/router/resolve/session_seal.h"

namespace understudy::router {
namespace {

// OpenSSL has no randomness only where the kernel has none; nothing is safe there.
void FillRandom(unsigned char* bytes, size_t size) {
  if (RAND_bytes(bytes, static_cast<int>(size)) != 1) std::abort();
}

}  // namespace

Secret NewSessionKey() {
  std::string key(kMinSessionKeyBytes, '\0');
  FillRandom(reinterpret_cast<unsigned char*>(key.data()), key.size());
  return Secret(std::move(key));
}

std::string SealSessionNow(const Session& session, const Call& call, const Secret& key) {
  if (session.empty()) return {};
  SessionSalt salt = {};
  FillRandom(salt.data(), salt.size());
  return SealSession(session, call, key, salt, absl::Now());
}

}  // namespace understudy::router
