#include "common/twilio/signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace understudy::twilio {
namespace {

using absl::string_view;

// scheme "://" userinfo "@" host ":" port rest, cut but not checked: the pieces in this order are
// the URL again. `rest` begins with '/', '?', '#' or is empty.
struct UrlPieces {
  string_view scheme = {};    // with "://"; empty if there is none, then all is in `rest`
  string_view userinfo = {};  // with '@'
  string_view host = {};
  string_view port = {};  // with ':'
  string_view rest = {};
};

UrlPieces Cut(string_view url) {
  UrlPieces pieces;
  const size_t scheme_end = url.find("://");
  if (scheme_end == string_view::npos || scheme_end > url.find_first_of("/?#")) {
    pieces.rest = url;
    return pieces;
  }
  pieces.scheme = url.substr(0, scheme_end + 3);
  url.remove_prefix(pieces.scheme.size());
  string_view authority = url.substr(0, url.find_first_of("/?#"));
  pieces.rest = url.substr(authority.size());
  // The last '@' divides: an unescaped one in a password belongs to the password.
  const size_t at = authority.rfind('@');
  if (at != string_view::npos) {
    pieces.userinfo = authority.substr(0, at + 1);
    authority.remove_prefix(at + 1);
  }
  // The colons inside an IPv6 address, "[::1]:8080", are none of ours.
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.find(':', bracket == string_view::npos ? 0 : bracket);
  pieces.host = authority.substr(0, colon);
  pieces.port = authority.substr(pieces.host.size());
  return pieces;
}

bool IsHttps(const UrlPieces& pieces) {
  return absl::EqualsIgnoreCase(pieces.scheme, "https://");
}

std::string Join(const UrlPieces& pieces, string_view port) {
  return absl::StrCat(pieces.scheme, pieces.userinfo, pieces.host, port, pieces.rest);
}

}  // namespace

std::string SignedUrl(string_view url, Kind kind) {
  UrlPieces pieces = Cut(url);
  pieces.userinfo = {};
  pieces.rest = pieces.rest.substr(0, pieces.rest.find('#'));
  return Join(pieces, IsHttps(pieces) && kind == Kind::kVoice ? string_view() : pieces.port);
}

std::string Sign(const Secret& token, string_view url, const Form& body) {
  std::vector<std::pair<string_view, string_view>> parameters;
  parameters.reserve(body.size());
  for (const Parameter& parameter : body) {
    parameters.emplace_back(parameter.name, parameter.value);
  }
  std::sort(parameters.begin(), parameters.end());
  parameters.erase(std::unique(parameters.begin(), parameters.end()), parameters.end());

  std::string signed_text(url);
  for (const auto& [name, value] : parameters) absl::StrAppend(&signed_text, name, value);

  const std::string& key = token.Reveal();
  unsigned char digest[SHA_DIGEST_LENGTH];
  HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(), digest,
       nullptr);
  return absl::Base64Escape(string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

bool SignatureMatches(const Secret& token, string_view url, const Form& body,
                      string_view signature) {
  if (token.empty()) return false;
  const UrlPieces pieces = Cut(url);
  const string_view default_port = IsHttps(pieces) ? ":443" : ":80";
  std::vector<std::string> candidates = {
      Join(pieces, ""), Join(pieces, pieces.port.empty() ? default_port : pieces.port)};
  // Some of Twilio's senders escape the apostrophe before they sign, and send it bare.
  const size_t query = url.find('?');
  if (query != string_view::npos && absl::StrContains(url.substr(query), "'")) {
    UrlPieces escaped = pieces;
    const size_t question = pieces.rest.find('?');
    const std::string rest =
        absl::StrCat(pieces.rest.substr(0, question),
                     absl::StrReplaceAll(pieces.rest.substr(question), {{"'", "%27"}}));
    escaped.rest = rest;
    candidates.push_back(Join(escaped, ""));
    candidates.push_back(Join(escaped, pieces.port.empty() ? default_port : pieces.port));
  }
  // Every candidate is computed and compared in full, so the time taken tells nothing.
  bool matches = false;
  for (const std::string& candidate : candidates) {
    const std::string expected = Sign(token, candidate, body);
    matches |= expected.size() == signature.size() &&
               CRYPTO_memcmp(expected.data(), signature.data(), expected.size()) == 0;
  }
  return matches;
}

bool JsonSignatureMatches(const Secret& token, string_view url, string_view raw_body,
                          string_view signature) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(raw_body.data()), raw_body.size(), digest);
  const std::string expected =
      absl::BytesToHexString(string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));

  const size_t question = url.find('?');
  if (question == string_view::npos) return false;
  const Form query = DecodeForm(url.substr(question + 1));
  const std::string* const claimed = FindParameter(query, "bodySHA256");
  return claimed != nullptr && *claimed == expected && SignatureMatches(token, url, {}, signature);
}

}  // namespace understudy::twilio
