// Any bytes as the value of WWW-Authenticate.
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "services/router/resolve/challenge.h"
#include "tests/fuzz/fuzz_target.h"

using understudy::Secret;
using understudy::router::Authorize;
using understudy::router::Challenge;
using understudy::router::Credentials;
using understudy::router::Method;
using understudy::router::PickChallenge;
using understudy::testing::Require;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string value(reinterpret_cast<const char*>(data), size);
  const std::optional<Challenge> challenge = PickChallenge({{"WWW-Authenticate", value}});
  if (!challenge.has_value()) return 0;
  Require(challenge->realm.size() + challenge->nonce.size() + challenge->opaque.size() <= size,
          "nothing is made up");

  const Credentials credentials = {.user = "user", .password = Secret("password")};
  const std::string authorization =
      Authorize(*challenge, credentials, Method::kPost, "/voice", 1, "cnonce");
  const bool names_password = absl::StrContains(challenge->realm, "password") ||
                              absl::StrContains(challenge->nonce, "password") ||
                              absl::StrContains(challenge->opaque, "password");
  Require(names_password || !absl::StrContains(authorization, "password"),
          "the password is not shown, where it was not theirs to say");
  if (challenge->scheme == Challenge::Scheme::kBasic) {
    Require(authorization == "Basic dXNlcjpwYXNzd29yZA==", "Basic is the same for all");
    return 0;
  }
  Require(absl::StartsWith(authorization, "Digest "), "Digest answers Digest");
  Require(authorization.size() <= 2 * size + 400, "the answer is bounded by the question");
  int quotes = 0;
  for (size_t i = 0; i < authorization.size(); ++i) {
    if (authorization[i] == '\\') {
      ++i;
    } else if (authorization[i] == '"') {
      ++quotes;
    }
  }
  Require(quotes % 2 == 0, "no quote of theirs ends one of ours");
  return 0;
}
