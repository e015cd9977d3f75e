// Any bytes as a URL; what follows the first line is a Location, or a fragment.
#include <algorithm>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "common/twilio/url.h"
#include "services/router/resolve/overrides.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using absl::string_view;
using understudy::router::kMaxRetries;
using understudy::router::Overrides;
using understudy::router::ParseOverrides;
using understudy::testing::Require;
using understudy::twilio::JoinUrl;
using understudy::twilio::ParseUrl;
using understudy::twilio::RedactUrl;
using understudy::twilio::Url;

// Scheme, host and port: what stands before the path.
string_view AuthorityOf(string_view url) {
  const size_t begin = url.find("://") + 3;
  return url.substr(begin, url.find_first_of("/?#", begin) - begin);
}

void RequireCanonical(const Url& url) {
  Require(url.scheme == "http" || url.scheme == "https", "the scheme is one of two");
  Require(!url.host.empty() && url.port != 0, "there is somewhere to connect to");
  Require(AuthorityOf(url.canonical).find('@') == string_view::npos &&
              url.canonical.find('#') == std::string::npos,
          "neither credentials nor a fragment are left");
  for (const char c : url.canonical) {
    Require(static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F,
            "a canonical URL can stand in a request line");
  }
  const absl::StatusOr<Url> again = ParseUrl(url.canonical);
  Require(again.ok() || url.canonical.size() > understudy::twilio::kMaxUrlBytes,
          "a canonical URL parses");
  if (!again.ok()) return;
  Require(again->canonical == url.canonical, "it parses to itself");
  Require(again->origin() == url.origin(), "it leads to the same place");
  Require(again->user.empty() && again->password.empty() && again->fragment.empty(),
          "it has nothing to hide");
  Require(RedactUrl(url.canonical) == url.canonical, "there is nothing to redact");
}

void RequireRedacted(string_view text) {
  const std::string redacted = RedactUrl(text);
  Require(redacted.size() <= text.size(), "nothing is made up");
  Require(redacted.find('#') == std::string::npos, "no fragment is left");
  const absl::StatusOr<Url> url = ParseUrl(text);
  if (!url.ok()) {
    Require(redacted.find('@') == std::string::npos, "no credentials are left");
    return;
  }
  const absl::StatusOr<Url> clean = ParseUrl(redacted);
  Require(clean.ok() && clean->canonical == url->canonical, "it is the same URL");
  Require(clean->user.empty() && clean->password.empty() && clean->fragment.empty(),
          "without its secrets");
}

void RequireInRange(const Overrides& overrides) {
  Require(overrides.retries >= 0 && overrides.retries <= kMaxRetries, "retries are bounded");
  for (const auto& time :
       {overrides.connect_timeout, overrides.read_timeout, overrides.total_timeout}) {
    Require(!time.has_value() ||
                (*time >= absl::Milliseconds(100) && *time <= absl::Milliseconds(15000)),
            "times are bounded");
  }
  Require((overrides.error_code == 0) == overrides.error.empty(),
          "a mistake has a code and a text");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const string_view input(reinterpret_cast<const char*>(data), size);
  const string_view first = input.substr(0, input.find('\n'));
  const string_view second = input.substr(std::min(first.size() + 1, input.size()));

  RequireRedacted(first);
  RequireInRange(ParseOverrides(second));
  const absl::StatusOr<Url> url = ParseUrl(first);
  if (!url.ok()) return 0;
  RequireCanonical(*url);
  RequireInRange(ParseOverrides(url->fragment));
  const absl::StatusOr<Url> joined = JoinUrl(*url, second);
  if (!joined.ok()) return 0;
  RequireCanonical(*joined);
  Require(joined->fragment.empty(), "a Location's fragment is not kept");
  return 0;
}
