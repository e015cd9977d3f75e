// URLs, read by one parser: libcurl's, the one that dials. So what we sign, check and report is
// what is requested; a second opinion about where the host ends is how filters are fooled.
// Pure: the parser does no I/O.
#ifndef COMMON_TWILIO_URL_H_
#define COMMON_TWILIO_URL_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace understudy::twilio {

inline constexpr size_t kMaxUrlBytes = 8192;

struct Url {
  std::string canonical = {};  // scheme, host, explicit port, path (at least "/") and query
  std::string scheme = {};     // "http" or "https"
  std::string host = {};       // as written; an IPv6 address without its brackets
  uint16_t port = 0;           // the scheme's own if none is written
  std::string user = {};       // decoded
  std::string password = {};   // decoded
  std::string fragment = {};   // raw, without '#'

  // Where a connection would go, in lower case: credentials may be shown only to the origin they
  // belong to.
  std::string origin() const;
};

// Fails with InvalidArgument, and a sentence that shows no credentials, unless `text` is an
// absolute http or https URL with a host. Source of the rule: Twilio error 11100.
absl::StatusOr<Url> ParseUrl(absl::string_view text);

// A Location header's value against the URL it came from: relative, protocol-relative, "../",
// blanks and UTF-8 as libcurl joins them. The result has no fragment.
absl::StatusOr<Url> JoinUrl(const Url& base, absl::string_view location);

// `text` without credentials and fragment, otherwise byte for byte as written. Of a text that
// ParseUrl refuses, all up to the last '@' counts as credentials, but for the scheme.
std::string RedactUrl(absl::string_view text);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_URL_H_
