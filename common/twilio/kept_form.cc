#include "common/twilio/kept_form.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/twilio/charset.h"
#include "common/twilio/url.h"

namespace understudy::twilio {
namespace {

// Parts of names, in lower case.
constexpr std::array<absl::string_view, 10> kSecretParts = {
    "password", "passwd",  "passcode", "secret",   "token",
    "apikey",   "api_key", "api-key",  "authoriz", "credential"};

bool HasSecretPart(absl::string_view lower) {
  return std::any_of(kSecretParts.begin(), kSecretParts.end(),
                     [&](absl::string_view part) { return absl::StrContains(lower, part); });
}

bool IsSecretParameter(absl::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  return lower == "digits" || HasSecretPart(lower);
}

bool IsSecretHeader(absl::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  // By it the web server's own log is searched.
  if (lower == "i-twilio-idempotency-token") return false;
  // Cookie and Set-Cookie; X-Twilio-Signature; WWW-Authenticate and Authentication-Info.
  return absl::StrContains(lower, "cookie") || absl::StrContains(lower, "signature") ||
         absl::StrContains(lower, "authenti") || HasSecretPart(lower);
}

std::string CleanText(absl::string_view text, size_t max) {
  std::string clean = Utf8Text(text, max);
  std::replace_if(
      clean.begin(), clean.end(),
      [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)) != 0; }, ' ');
  return clean;
}

std::string CleanValue(absl::string_view value, size_t max) {
  const bool is_url =
      absl::StartsWithIgnoreCase(value, "http://") || absl::StartsWithIgnoreCase(value, "https://");
  return is_url ? CleanText(RedactUrl(value), max) : CleanText(value, max);
}

// `hide` says of a name that its value is not kept.
Form KeepSome(const Form& form, size_t max_count, size_t max_bytes,
              bool (*hide)(absl::string_view name)) {
  Form kept;
  for (const Parameter& field : form) {
    if (kept.size() == max_count) break;
    std::string name = CleanText(field.name, kMaxKeptNameBytes);
    if (name.empty()) continue;
    if (name.size() > max_bytes) break;
    max_bytes -= name.size();
    const size_t room = std::min(kMaxKeptValueBytes, max_bytes);
    std::string value = CleanValue(hide(name) ? absl::string_view(kNotKept) : field.value, room);
    max_bytes -= value.size();
    kept.push_back({.name = std::move(name), .value = std::move(value)});
  }
  return kept;
}

}  // namespace

Form KeptParameters(const Form& parameters) {
  return KeepSome(parameters, kMaxKeptParameters, kMaxKeptParametersBytes, IsSecretParameter);
}

Form KeptHeaders(const Form& headers) {
  Form joined;
  for (const auto& [name, value] : headers) {
    if (IsSecretHeader(name)) continue;
    const auto same =
        std::find_if(joined.begin(), joined.end(), [&, &name = name](const Parameter& header) {
          return absl::EqualsIgnoreCase(header.name, name);
        });
    if (same != joined.end()) {
      absl::StrAppend(&same->value, ", ", value);
    } else if (joined.size() < kMaxKeptHeaders) {
      joined.push_back({.name = name, .value = value});
    }
  }
  return KeepSome(joined, kMaxKeptHeaders, kMaxKeptHeadersBytes,
                  [](absl::string_view) { return false; });
}

}  // namespace understudy::twilio
