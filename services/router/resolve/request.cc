#include "services/router/resolve/request.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/twilio/signature.h"
#include "common/version.h"
#include "services/router/resolve/overrides.h"

namespace understudy::router {
namespace {

// Names us, and the agent that web servers written for Twilio expect.
constexpr char kCompatibleWith[] = " (compatible; TwilioProxy/1.1)";
constexpr size_t kUsualHeaders = 6;  // of a request, Authorization included
constexpr absl::string_view kFormType = "application/x-www-form-urlencoded; charset=UTF-8";

constexpr std::array<absl::string_view, 13> kVerbParameters = {
    "Digits",       "SpeechResult",   "Confidence",  "RecordingUrl", "RecordingDuration",
    "RecordingSid", "DialCallStatus", "DialCallSid", "DialBridged",  "DialCallDuration",
    "QueueResult",  "QueueSid",       "QueueTime"};

}  // namespace

std::optional<absl::string_view> BinName(absl::string_view url) {
  if (!absl::ConsumePrefix(&url, "bin:")) return std::nullopt;
  return url.substr(0, url.find('?'));
}

std::string StepUrl(absl::string_view base_url, absl::string_view url) {
  url = absl::StripAsciiWhitespace(url);
  const absl::StatusOr<twilio::Url> base = twilio::ParseUrl(base_url);
  if (!base.ok() || twilio::ParseUrl(url).ok()) return std::string(url);
  if (absl::StartsWith(url, "//")) return absl::StrCat(base->scheme, ":", url);
  if (url.empty()) return std::string(base_url);
  const absl::StatusOr<twilio::Url> joined = twilio::JoinUrl(*base, url);
  if (!joined.ok()) return std::string(url);
  const size_t fragment = url.find('#');
  return absl::StrCat(joined->canonical,
                      fragment == absl::string_view::npos ? "" : url.substr(fragment));
}

absl::Status CheckEndpointUrl(absl::string_view url) {
  const absl::StatusOr<twilio::Url> parsed = twilio::ParseUrl(url);
  if (!parsed.ok()) return parsed.status();
  const Overrides overrides = ParseOverrides(parsed->fragment);
  if (overrides.error_code != 0) return absl::InvalidArgumentError(overrides.error);
  if (!overrides.warnings.empty()) return absl::InvalidArgumentError(overrides.warnings.front());
  return absl::OkStatus();
}

Exchange ExchangeTo(const twilio::Url& url) {
  return {
      .url = url.canonical, .host = url.host, .port = url.port, .is_https = url.scheme == "https"};
}

Exchange BuildExchange(const RequestContext& context, const twilio::Url& url, Method method,
                       const twilio::Form& parameters) {
  Exchange exchange = ExchangeTo(url);
  exchange.method = method;
  const bool post = method == Method::kPost;
  if (!post) exchange.url = twilio::AppendQuery(url.canonical, parameters);
  exchange.headers.reserve(kUsualHeaders);
  exchange.headers.push_back(
      {"User-Agent", absl::StrCat("Understudy/", kVersion, kCompatibleWith)});
  exchange.headers.push_back({"Accept", "*/*"});
  if (post) {
    exchange.body = twilio::EncodeForm(parameters);
    exchange.headers.push_back({"Content-Type", std::string(kFormType)});
  }
  exchange.headers.push_back({"I-Twilio-Idempotency-Token", context.idempotency_token});
  if (context.auth_token != nullptr && !context.auth_token->empty()) {
    exchange.headers.push_back(
        {"X-Twilio-Signature",
         twilio::Sign(*context.auth_token, twilio::SignedUrl(exchange.url, context.kind),
                      post ? parameters : twilio::Form{})});
  }
  return exchange;
}

std::string IdempotencyToken(absl::string_view seed) {
  // Never freed: to look it up each time takes longer than to use it.
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  std::array<unsigned char, SHA_DIGEST_LENGTH> hash = {};
  EVP_Digest(seed.data(), seed.size(), hash.data(), nullptr, sha1, nullptr);
  hash[6] = static_cast<unsigned char>((hash[6] & 0x0f) | 0x50);  // version 5: made from a name
  hash[8] = static_cast<unsigned char>((hash[8] & 0x3f) | 0x80);
  const std::string hex =
      absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(hash.data()), 16));
  const absl::string_view h = hex;
  return absl::StrCat(h.substr(0, 8), "-", h.substr(8, 4), "-", h.substr(12, 4), "-",
                      h.substr(16, 4), "-", h.substr(20, 12));
}

twilio::Form WithoutNamesInQuery(const twilio::Form& parameters, absl::string_view url) {
  const size_t query = url.find('?');
  if (query == absl::string_view::npos) return parameters;
  const twilio::Form present = twilio::DecodeForm(url.substr(query + 1));
  twilio::Form kept;
  for (const twilio::Parameter& parameter : parameters) {
    if (twilio::FindParameter(present, parameter.name) == nullptr) kept.push_back(parameter);
  }
  return kept;
}

twilio::Form WithoutVerbParameters(const twilio::Form& parameters) {
  twilio::Form kept;
  for (const twilio::Parameter& parameter : parameters) {
    if (std::find(kVerbParameters.begin(), kVerbParameters.end(), parameter.name) ==
        kVerbParameters.end()) {
      kept.push_back(parameter);
    }
  }
  return kept;
}

}  // namespace understudy::router
