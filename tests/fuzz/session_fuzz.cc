// Any bytes where a session should be: sealed by nobody, and as what is inside the seal.
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/router/resolve/session.h"
#include "services/router/resolve/session_seal.h"
#include "tests/fuzz/fuzz_target.h"

using understudy::Secret;
using understudy::testing::Require;
namespace router = understudy::router;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Secret key("a key of more than thirty-two bytes");
  const router::Call call = {.account_sid = "AC1", .parameters = {{"CallSid", "CA1"}}};
  const absl::Time now = absl::UnixEpoch();
  const router::OpenedSession opened = router::OpenSession(bytes, call, key, now);
  Require(opened.use == (size == 0 ? router::SessionUse::kNone : router::SessionUse::kForged),
          "what we did not seal does not open");
  Require(opened.session.empty(), "and gives nothing");

  std::optional<router::Session> session = router::DecodeSession(bytes);
  if (!session.has_value()) return 0;
  Require(router::DecodeSession(router::EncodeSession(*session)) == session,
          "what can be read comes back as it was");
  router::FitSession(*session, router::kMaxEncodedSessionBytes);
  Require(router::EncodeSession(*session).size() <= router::kMaxEncodedSessionBytes,
          "a session can be made to fit");
  const std::string sealed = router::SealSession(*session, call, key, {}, now);
  Require(sealed.size() <= router::kMaxSessionBytes, "and then it does, sealed");
  if (!session->empty()) {
    Require(router::OpenSession(sealed, call, key, now).session == *session,
            "what we sealed opens");
  }
  return 0;
}
