#include "common/twilio/sensitive.h"

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace understudy::twilio {
namespace {

// Parts of names, in lower case.
constexpr std::array<absl::string_view, 10> kSecretParts = {
    "password", "passwd",  "passcode", "secret",   "token",
    "apikey",   "api_key", "api-key",  "authoriz", "credential"};

bool HasSecretPart(const std::string& name) {
  return std::any_of(kSecretParts.begin(), kSecretParts.end(),
                     [&](absl::string_view part) { return absl::StrContains(name, part); });
}

}  // namespace

bool IsSecretParameter(absl::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  return lower == "digits" || HasSecretPart(lower);
}

bool IsSecretHeader(absl::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  // Cookie, Set-Cookie; X-Twilio-Signature; WWW-Authenticate and Authentication-Info carry nonces.
  if (absl::StrContains(lower, "cookie") || absl::StrContains(lower, "signature") ||
      absl::StrContains(lower, "authenti")) {
    return true;
  }
  // Ours, and of use: by it the web server's own log is searched.
  if (lower == "i-twilio-idempotency-token") return false;
  return HasSecretPart(lower);
}

}  // namespace understudy::twilio
