#include "services/router/resolve/session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/form.h"

namespace understudy::router {
namespace {

using twilio::Form;
using twilio::Parameter;

// The names of the parts in the encoded form; a grant is a form within.
constexpr char kCookie[] = "cookie";
constexpr char kGrant[] = "grant";

std::string EncodeGrant(const Grant& grant) {
  const Challenge& challenge = grant.challenge;
  return twilio::EncodeForm({{"origin", grant.origin},
                             {"user", grant.credentials.user},
                             {"password", grant.credentials.password.Reveal()},
                             {"uses", absl::StrCat(grant.uses)},
                             {"digest", challenge.scheme == Challenge::Scheme::kDigest ? "1" : "0"},
                             {"sha256", challenge.hash == Challenge::Hash::kSha256 ? "1" : "0"},
                             {"sess", challenge.session ? "1" : "0"},
                             {"auth", challenge.qop_auth ? "1" : "0"},
                             {"realm", challenge.realm},
                             {"nonce", challenge.nonce},
                             {"opaque", challenge.opaque}});
}

std::optional<Grant> DecodeGrant(absl::string_view text) {
  constexpr absl::string_view kNames[] = {"origin", "user", "password", "uses",  "digest", "sha256",
                                          "sess",   "auth", "realm",    "nonce", "opaque"};
  Form form = twilio::DecodeForm(text);
  const bool has_all = std::equal(
      form.begin(), form.end(), std::begin(kNames), std::end(kNames),
      [](const Parameter& parameter, absl::string_view name) { return parameter.name == name; });
  Grant grant;
  if (!has_all || !absl::SimpleAtoi(form[3].value, &grant.uses)) return std::nullopt;
  grant.origin = std::move(form[0].value);
  grant.credentials = {.user = std::move(form[1].value),
                       .password = Secret(std::move(form[2].value))};
  Challenge& challenge = grant.challenge;
  if (form[4].value == "1") challenge.scheme = Challenge::Scheme::kDigest;
  if (form[5].value == "1") challenge.hash = Challenge::Hash::kSha256;
  challenge.session = form[6].value == "1";
  challenge.qop_auth = form[7].value == "1";
  challenge.realm = std::move(form[8].value);
  challenge.nonce = std::move(form[9].value);
  challenge.opaque = std::move(form[10].value);
  return grant;
}

size_t EncodedBytes(absl::string_view name, const std::string& value) {
  return twilio::EncodeForm({{std::string(name), value}}).size() + 1;  // and '&'
}

}  // namespace

std::string EncodeSession(const Session& session) {
  Form form;
  form.reserve(session.cookies.size() + session.grants.size());
  for (const std::string& cookie : session.cookies) form.push_back({kCookie, cookie});
  for (const Grant& grant : session.grants) form.push_back({kGrant, EncodeGrant(grant)});
  return twilio::EncodeForm(form);
}

std::optional<Session> DecodeSession(absl::string_view text) {
  Session session;
  for (Parameter& part : twilio::DecodeForm(text)) {
    if (part.name == kCookie) {
      session.cookies.push_back(std::move(part.value));
    } else if (part.name == kGrant) {
      std::optional<Grant> grant = DecodeGrant(part.value);
      if (!grant.has_value()) return std::nullopt;
      session.grants.push_back(*std::move(grant));
    } else {
      return std::nullopt;
    }
  }
  return session;
}

int FitSession(Session& session, size_t bytes) {
  int left_out = 0;
  while (session.grants.size() > kMaxGrants) {
    session.grants.erase(session.grants.begin());
    ++left_out;
  }
  size_t total = 0;
  for (const Grant& grant : session.grants) total += EncodedBytes(kGrant, EncodeGrant(grant));
  std::vector<size_t> cookie_bytes;
  cookie_bytes.reserve(session.cookies.size());
  for (const std::string& cookie : session.cookies) {
    cookie_bytes.push_back(EncodedBytes(kCookie, cookie));
    total += cookie_bytes.back();
  }
  while (total > bytes && !session.cookies.empty()) {
    const auto largest = std::max_element(cookie_bytes.begin(), cookie_bytes.end());
    total -= *largest;
    session.cookies.erase(session.cookies.begin() + (largest - cookie_bytes.begin()));
    cookie_bytes.erase(largest);
    ++left_out;
  }
  while (total > bytes && !session.grants.empty()) {
    total -= EncodedBytes(kGrant, EncodeGrant(session.grants.front()));
    session.grants.erase(session.grants.begin());
    ++left_out;
  }
  return left_out;
}

}  // namespace understudy::router
