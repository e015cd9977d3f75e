#include "common/twilio/signature.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <memory>
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

struct FreeMac {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

std::unique_ptr<EVP_MAC_CTX, FreeMac> NewHmacSha1() {
  const std::unique_ptr<EVP_MAC, FreeMac> hmac(EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr));
  std::unique_ptr<EVP_MAC_CTX, FreeMac> context(EVP_MAC_CTX_new(hmac.get()));
  char digest[] = OSSL_DIGEST_NAME_SHA1;
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  EVP_MAC_CTX_set_params(context.get(), parameters.data());
  return context;
}

// Kept by each thread: to look the algorithms up takes longer than to use them.
std::array<unsigned char, SHA_DIGEST_LENGTH> HmacSha1(const std::string& key, string_view text) {
  static thread_local const std::unique_ptr<EVP_MAC_CTX, FreeMac> context = NewHmacSha1();
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest = {};
  size_t size = 0;
  EVP_MAC_init(context.get(), reinterpret_cast<const unsigned char*>(key.data()), key.size(),
               nullptr);
  EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  EVP_MAC_final(context.get(), digest.data(), &size, digest.size());
  return digest;
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

  const auto digest = HmacSha1(token.Reveal(), signed_text);
  return absl::Base64Escape(
      string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
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
