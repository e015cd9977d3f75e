#include "services/router/resolve/challenge.h"

#include <openssl/evp.h>

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace understudy::router {
namespace {

struct Offer {
  std::string scheme = {};
  std::vector<std::pair<std::string, std::string>> parameters = {};

  absl::string_view Find(absl::string_view name) const {
    for (const auto& [key, value] : parameters) {
      if (absl::EqualsIgnoreCase(key, name)) return value;
    }
    return {};
  }
  bool Has(absl::string_view name) const {
    for (const auto& [key, value] : parameters) {
      if (absl::EqualsIgnoreCase(key, name)) return true;
    }
    return false;
  }
};

// Reads `Scheme name=value, name="value", Scheme ...`: commas separate parameters and challenges
// alike, so a word that no '=' follows begins the next challenge.
class OfferReader {
 public:
  explicit OfferReader(absl::string_view text) : text_(text) {}

  std::vector<Offer> Read() {
    std::vector<Offer> offers;
    while (true) {
      SkipSeparators();
      const std::string word = Token();
      if (word.empty()) return offers;  // the end, or something no grammar has: what we have counts
      SkipBlanks();
      if (!text_.empty() && text_.front() == '=' && !offers.empty()) {
        text_.remove_prefix(1);
        SkipBlanks();
        offers.back().parameters.emplace_back(word, Value());
      } else {
        offers.push_back({.scheme = word});
      }
    }
  }

 private:
  void SkipBlanks() { text_ = absl::StripLeadingAsciiWhitespace(text_); }
  void SkipSeparators() {
    // '=' pads the tokens of schemes that are not for us, such as Negotiate.
    while (!text_.empty() &&
           (text_.front() == ',' || text_.front() == '=' || absl::ascii_isspace(Front()))) {
      text_.remove_prefix(1);
    }
  }
  unsigned char Front() const { return static_cast<unsigned char>(text_.front()); }

  std::string Token() {
    size_t length = 0;
    while (length < text_.size() &&
           !absl::ascii_isspace(static_cast<unsigned char>(text_[length])) &&
           !absl::StrContains("=,\"", text_.substr(length, 1))) {
      ++length;
    }
    std::string token(text_.substr(0, length));
    text_.remove_prefix(length);
    return token;
  }

  std::string Value() {
    if (text_.empty() || text_.front() != '"') return Token();
    text_.remove_prefix(1);
    std::string value;
    while (!text_.empty() && text_.front() != '"') {
      if (text_.front() == '\\' && text_.size() > 1) text_.remove_prefix(1);
      value.push_back(text_.front());
      text_.remove_prefix(1);
    }
    if (!text_.empty()) text_.remove_prefix(1);
    return value;
  }

  absl::string_view text_;
};

std::optional<Challenge> Understand(const Offer& offer) {
  if (!offer.Has("realm")) return std::nullopt;
  Challenge challenge{.realm = std::string(offer.Find("realm"))};
  if (absl::EqualsIgnoreCase(offer.scheme, "basic")) return challenge;
  if (!absl::EqualsIgnoreCase(offer.scheme, "digest")) return std::nullopt;

  challenge.scheme = Challenge::Scheme::kDigest;
  challenge.nonce = std::string(offer.Find("nonce"));
  challenge.opaque = std::string(offer.Find("opaque"));
  if (challenge.nonce.empty()) return std::nullopt;

  std::string algorithm = absl::AsciiStrToUpper(offer.Find("algorithm"));
  if (absl::EndsWith(algorithm, "-SESS")) {
    challenge.session = true;
    algorithm.resize(algorithm.size() - 5);
  }
  if (algorithm == "SHA-256") {
    challenge.hash = Challenge::Hash::kSha256;
  } else if (!algorithm.empty() && algorithm != "MD5") {
    return std::nullopt;
  }
  if (offer.Has("qop")) {
    for (absl::string_view qop : absl::StrSplit(offer.Find("qop"), ',')) {
      if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(qop), "auth"))
        challenge.qop_auth = true;
    }
    if (!challenge.qop_auth) return std::nullopt;  // auth-int alone
  }
  return challenge;
}

int Strength(const Challenge& challenge) {
  if (challenge.scheme == Challenge::Scheme::kBasic) return 0;
  return challenge.hash == Challenge::Hash::kMd5 ? 1 : 2;
}

std::string HexHash(Challenge::Hash hash, absl::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &length,
             hash == Challenge::Hash::kMd5 ? EVP_md5() : EVP_sha256(), nullptr);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), length));
}

std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

}  // namespace

std::optional<Challenge> PickChallenge(const Headers& headers) {
  std::optional<Challenge> best;
  for (const Header& header : headers) {
    if (!absl::EqualsIgnoreCase(header.name, "www-authenticate")) continue;
    for (const Offer& offer : OfferReader(header.value).Read()) {
      std::optional<Challenge> challenge = Understand(offer);
      if (challenge.has_value() && (!best.has_value() || Strength(*challenge) > Strength(*best))) {
        best = std::move(challenge);
      }
    }
  }
  return best;
}

std::string Authorize(const Challenge& challenge, const Credentials& credentials, Method method,
                      absl::string_view uri, int count, absl::string_view cnonce) {
  const std::string& password = credentials.password.Reveal();
  if (challenge.scheme == Challenge::Scheme::kBasic) {
    return absl::StrCat("Basic ",
                        absl::Base64Escape(absl::StrCat(credentials.user, ":", password)));
  }
  const Challenge::Hash hash = challenge.hash;
  std::string key =
      HexHash(hash, absl::StrCat(credentials.user, ":", challenge.realm, ":", password));
  if (challenge.session) {
    key = HexHash(hash, absl::StrCat(key, ":", challenge.nonce, ":", cnonce));
  }
  const std::string what =
      HexHash(hash, absl::StrCat(method == Method::kPost ? "POST:" : "GET:", uri));
  const std::string nc = absl::StrFormat("%08x", count);
  const std::string response = HexHash(
      hash, challenge.qop_auth
                ? absl::StrCat(key, ":", challenge.nonce, ":", nc, ":", cnonce, ":auth:", what)
                : absl::StrCat(key, ":", challenge.nonce, ":", what));

  std::string value = absl::StrCat(
      "Digest username=", Quoted(credentials.user), ", realm=", Quoted(challenge.realm),
      ", nonce=", Quoted(challenge.nonce), ", uri=", Quoted(uri), ", response=\"", response,
      "\", algorithm=", hash == Challenge::Hash::kMd5 ? "MD5" : "SHA-256",
      challenge.session ? "-sess" : "");
  if (challenge.qop_auth) absl::StrAppend(&value, ", qop=auth, nc=", nc);
  if (challenge.qop_auth || challenge.session) {
    absl::StrAppend(&value, ", cnonce=", Quoted(cnonce));
  }
  if (!challenge.opaque.empty()) absl::StrAppend(&value, ", opaque=", Quoted(challenge.opaque));
  return value;
}

}  // namespace understudy::router
