#include "common/twilio/url.h"

#include <curl/urlapi.h>
#include <locale.h>

#include <algorithm>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace understudy::twilio {
namespace {

constexpr size_t kMaxHostBytes = 253;
constexpr size_t kMaxLabelBytes = 63;

struct CurlUrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using CurlUrl = std::unique_ptr<CURLU, CurlUrlDeleter>;

absl::Status Invalid(absl::string_view why) {
  return absl::InvalidArgumentError(why);
}

// A part of the URL, empty if it has none.
std::string Part(CURLU* url, CURLUPart part, unsigned flags, CURLUcode* code) {
  char* text = nullptr;
  *code = curl_url_get(url, part, &text, flags);
  // Of a host that is no international name, libcurl 7.88 hands out the memory with its error.
  std::string copy = *code == CURLUE_OK && text != nullptr ? text : "";
  curl_free(text);
  return copy;
}

// libcurl reads international names in the encoding of the thread's locale. URLs are in UTF-8,
// whatever the process was started with.
class ScopedUtf8Locale {
 public:
  ScopedUtf8Locale() : previous_(uselocale(Utf8())) {}
  ~ScopedUtf8Locale() { uselocale(previous_); }
  ScopedUtf8Locale(const ScopedUtf8Locale&) = delete;
  ScopedUtf8Locale& operator=(const ScopedUtf8Locale&) = delete;

 private:
  // Of the C library itself, so no machine lacks it; null, which changes nothing, if one does.
  static locale_t Utf8() {
    static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return utf8;
  }

  const locale_t previous_;
};

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isascii(static_cast<unsigned char>(c)); });
}

absl::Status CheckHost(absl::string_view host) {
  if (host.empty()) return Invalid("the URL names no host");
  if (host.front() == '[') return absl::OkStatus();
  if (absl::EndsWith(host, ".")) host.remove_suffix(1);
  if (host.size() > kMaxHostBytes) return Invalid("the URL's host is longer than 253 bytes");
  for (absl::string_view label : absl::StrSplit(host, '.')) {
    if (label.empty() || label.size() > kMaxLabelBytes) {
      return Invalid("the URL's host has a part that is empty or longer than 63 bytes");
    }
    for (char c : label) {
      if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-') {
        return Invalid("the URL's host has a character that no host name may have");
      }
    }
  }
  return absl::OkStatus();
}

// Whether `text` writes its host so, byte for byte.
bool WritesHost(absl::string_view text, absl::string_view host) {
  const size_t begin = text.find("://") + 3;
  absl::string_view authority = text.substr(begin, text.find_first_of("/?#", begin) - begin);
  authority.remove_prefix(authority.rfind('@') + 1);  // all of it if there is none
  return absl::ConsumePrefix(&authority, host) && (authority.empty() || authority.front() == ':');
}

// The parts of `text`, which is parsed.
absl::StatusOr<Url> Extract(CURLU* parsed, absl::string_view text) {
  Url url;
  CURLUcode code;
  url.scheme = Part(parsed, CURLUPART_SCHEME, 0, &code);
  if (url.scheme != "http" && url.scheme != "https") {
    return Invalid("the URL is neither http nor https");
  }
  if (!Part(parsed, CURLUPART_ZONEID, 0, &code).empty()) {
    return Invalid("the URL's host has an IPv6 zone");
  }
  std::string host = Part(parsed, CURLUPART_HOST, 0, &code);
  if (!IsAscii(host)) {
    const ScopedUtf8Locale utf8;
    host = Part(parsed, CURLUPART_HOST, CURLU_PUNYCODE, &code);
  }
  if (code != CURLUE_OK) return Invalid("the URL's host is not a valid international name");
  if (absl::Status status = CheckHost(host); !status.ok()) return status;

  int port = 0;
  if (!absl::SimpleAtoi(Part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT, &code), &port) ||
      port < 1 || port > 65535) {
    return Invalid("the URL's port is not between 1 and 65535");
  }
  url.port = static_cast<uint16_t>(port);

  url.user = Part(parsed, CURLUPART_USER, CURLU_URLDECODE, &code);
  if (code != CURLUE_OK && code != CURLUE_NO_USER) {
    return Invalid("the URL's user name has a character that must be percent-encoded");
  }
  url.password = Part(parsed, CURLUPART_PASSWORD, CURLU_URLDECODE, &code);
  if (code != CURLUE_OK && code != CURLUE_NO_PASSWORD) {
    return Invalid("the URL's password has a character that must be percent-encoded");
  }
  url.fragment = Part(parsed, CURLUPART_FRAGMENT, 0, &code);

  for (CURLUPart secret : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_FRAGMENT}) {
    curl_url_set(parsed, secret, nullptr, 0);
  }
  if (curl_url_set(parsed, CURLUPART_HOST, host.c_str(), 0) != CURLUE_OK) {
    return Invalid("the URL's host is not valid");
  }
  url.canonical = Part(parsed, CURLUPART_URL, 0, &code);
  if (code != CURLUE_OK) return Invalid("the URL is malformed");

  if (!WritesHost(text, host)) {
    // What was percent-encoded or international may now be an address in one of the spellings
    // that libcurl makes plain.
    const absl::StatusOr<Url> plain = ParseUrl(url.canonical);
    if (!plain.ok()) return plain.status();
    url.canonical = plain->canonical;
    url.host = plain->host;
    return url;
  }
  if (host.front() == '[') host = host.substr(1, host.size() - 2);
  url.host = std::move(host);
  return url;
}

bool HasControlCharacter(absl::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
}

// What a thread has parsed of late: the URLs of numbers come again and again, and to read one takes
// longer than most of what is done with it. None with credentials, which are not ours to keep.
class RecentUrls {
 public:
  const Url* Find(absl::string_view text) const {
    const auto url = urls_.find(text);
    return url == urls_.end() ? nullptr : &url->second;
  }
  void Add(absl::string_view text, const Url& url) {
    if (!url.user.empty() || !url.password.empty() || text.size() > kMaxRecentUrlBytes) return;
    if (urls_.size() == kMaxRecentUrls) urls_.clear();
    urls_.emplace(text, url);
  }

 private:
  static constexpr size_t kMaxRecentUrls = 2048;
  static constexpr size_t kMaxRecentUrlBytes = 512;

  absl::flat_hash_map<std::string, Url> urls_;
};

}  // namespace

std::string Url::origin() const {
  return absl::StrCat(scheme, "://", absl::AsciiStrToLower(host), ":", port);
}

absl::StatusOr<Url> ParseUrl(absl::string_view text) {
  if (text.size() > kMaxUrlBytes) {
    return Invalid(absl::StrCat("the URL is longer than ", kMaxUrlBytes, " bytes"));
  }
  static thread_local RecentUrls recent;
  if (const Url* known = recent.Find(text)) return *known;
  if (HasControlCharacter(text)) return Invalid("the URL has a control character");
  // libcurl forgives a missing or a third slash, and then finds the host elsewhere than we would.
  const size_t host = absl::StartsWithIgnoreCase(text, "https://")  ? 8
                      : absl::StartsWithIgnoreCase(text, "http://") ? 7
                                                                    : 0;
  if (host == 0) return Invalid("the URL does not begin with http:// or https://");
  if (host == text.size() || text[host] == '/' || text[host] == '?' || text[host] == '#') {
    return Invalid("the URL names no host");
  }
  CurlUrl parsed(curl_url());
  const std::string terminated(text);
  switch (curl_url_set(parsed.get(), CURLUPART_URL, terminated.c_str(), CURLU_URLENCODE)) {
    case CURLUE_OK:
      break;
    case CURLUE_BAD_PORT_NUMBER:
      return Invalid("the URL's port is not between 1 and 65535");
    case CURLUE_NO_HOST:
      return Invalid("the URL names no host");
    case CURLUE_BAD_HOSTNAME:
    case CURLUE_BAD_IPV6:
      return Invalid("the URL's host has a character that no host name may have");
    case CURLUE_BAD_USER:
    case CURLUE_BAD_PASSWORD:
    case CURLUE_BAD_LOGIN:
      return Invalid("the URL's user name or password is malformed");
    default:
      return Invalid("the URL is malformed (a blank or another character must be encoded)");
  }
  absl::StatusOr<Url> url = Extract(parsed.get(), text);
  if (url.ok()) recent.Add(text, *url);
  return url;
}

absl::StatusOr<Url> JoinUrl(const Url& base, absl::string_view location) {
  location = absl::StripAsciiWhitespace(location);
  if (location.empty()) return Invalid("the Location is empty");
  if (location.size() > kMaxUrlBytes) {
    return Invalid(absl::StrCat("the Location is longer than ", kMaxUrlBytes, " bytes"));
  }
  if (HasControlCharacter(location)) return Invalid("the Location has a control character");
  // A fragment alone means the base itself; libcurl would join it to the folder.
  if (location.front() == '#') location = base.canonical;
  CurlUrl parsed(curl_url());
  if (curl_url_set(parsed.get(), CURLUPART_URL, base.canonical.c_str(), 0) != CURLUE_OK) {
    return absl::InternalError("the base URL was not parsed by ParseUrl");
  }
  const std::string terminated(location);
  switch (curl_url_set(parsed.get(), CURLUPART_URL, terminated.c_str(),
                       CURLU_ALLOW_SPACE | CURLU_URLENCODE)) {
    case CURLUE_OK:
      break;
    case CURLUE_UNSUPPORTED_SCHEME:
      return Invalid("the Location is neither http nor https");
    default:
      return Invalid("the Location is not a valid URL");
  }
  // Once more through the front door: what may be dialled is decided in one place.
  CURLUcode code;
  absl::StatusOr<Url> url = ParseUrl(Part(parsed.get(), CURLUPART_URL, 0, &code));
  if (!url.ok())
    return Invalid(absl::StrCat("the Location leads nowhere: ", url.status().message()));
  url->fragment.clear();
  return url;
}

std::string RedactUrl(absl::string_view text) {
  const auto scheme_end = std::find_if_not(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c));
  });
  const auto scheme = static_cast<size_t>(scheme_end - text.begin());
  const size_t authority = text.substr(scheme, 3) == "://" ? scheme + 3 : 0;
  // Where a URL cannot be read, a password may have been taken for a path, a query or a fragment.
  const bool is_readable = !absl::StrContains(text, '@') || ParseUrl(text).ok();
  const size_t authority_end =
      is_readable ? std::min(text.find_first_of("/?#", authority), text.size()) : text.size();
  const size_t at = text.substr(authority, authority_end - authority).rfind('@');
  const absl::string_view rest =
      text.substr(at == absl::string_view::npos ? authority : authority + at + 1);
  return absl::StrCat(text.substr(0, authority), rest.substr(0, rest.find('#')));
}

}  // namespace understudy::twilio
