#include "services/notifier/ingest/event.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/charset.h"
#include "common/twilio/form.h"
#include "common/twilio/identifiers.h"
#include "common/twilio/kept_form.h"
#include "common/twilio/url.h"

namespace understudy::notifier {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";  // U+FFFD

// How far the clocks of a sender and ours may be apart, and how late an event may come.
constexpr absl::Duration kMaxTimeOff = absl::Hours(24);

// UTF-8 without control characters (line ends and tabs become blanks), at most `max` bytes.
std::string Clean(absl::string_view text, size_t max) {
  std::string clean;
  clean.reserve(std::min(text.size(), max));
  while (!text.empty() && clean.size() < max) {
    // Only so much that what is thrown away is never looked at.
    const size_t good = twilio::ValidUtf8Prefix(text.substr(0, max + 4));
    for (const char c : text.substr(0, good)) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 0x20 && byte != 0x7f) {
        clean.push_back(c);
      } else {
        clean.push_back(' ');
      }
    }
    if (good >= std::min(text.size(), max + 4)) break;
    clean += kReplacement;
    text.remove_prefix(good + 1);
  }
  if (clean.size() > max) {
    size_t size = max;
    while (size > 0 && (static_cast<unsigned char>(clean[size]) & 0xC0) == 0x80) --size;
    clean.resize(size);
  }
  return clean;
}

Refusal Refuse(const char* reason, const char* field, std::string message) {
  return {.reason = reason, .field = field, .message = std::move(message)};
}

// The first half of what may be kept, and the last.
void CleanAttempts(std::vector<Attempt>& attempts) {
  constexpr ptrdiff_t kHalf = kMaxAttempts / 2;
  if (attempts.size() > kMaxAttempts) {
    attempts.erase(attempts.begin() + kHalf, attempts.end() - kHalf);
  }
  for (Attempt& attempt : attempts) {
    attempt.url = Clean(twilio::RedactUrl(attempt.url), kMaxUrlBytes);
    attempt.remote_address = Clean(attempt.remote_address, kMaxWordBytes);
    attempt.http_status = std::max(attempt.http_status, 0);
    attempt.error_code = std::max(attempt.error_code, 0);
    attempt.detail = Clean(attempt.detail, kMaxAttemptDetailBytes);
    for (absl::Duration* time :
         {&attempt.dns, &attempt.connect, &attempt.tls, &attempt.first_byte, &attempt.total}) {
      *time = std::clamp(*time, absl::ZeroDuration(), kMaxElapsed);
    }
  }
}

bool IsNear(absl::Time time, absl::Time now) {
  return time > now - kMaxTimeOff && time < now + kMaxTimeOff;
}

}  // namespace

const char* OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kUnknown:
      break;
    case Outcome::kFallbackAnswered:
      return "OUTCOME_FALLBACK_ANSWERED";
    case Outcome::kDefaultAnswered:
      return "OUTCOME_DEFAULT_ANSWERED";
    case Outcome::kWarning:
      return "OUTCOME_WARNING";
  }
  return "OUTCOME_UNKNOWN";
}

const char* OutcomeLabel(Outcome outcome) {
  switch (outcome) {
    case Outcome::kUnknown:
      break;
    case Outcome::kFallbackAnswered:
      return "fallback_answered";
    case Outcome::kDefaultAnswered:
      return "default_answered";
    case Outcome::kWarning:
      return "warning";
  }
  return "unknown";
}

const char* PhaseName(Phase phase) {
  constexpr std::array<const char*, 13> kNames = {
      "PHASE_UNSPECIFIED", "PHASE_POLICY",  "PHASE_DNS",  "PHASE_CONNECT",  "PHASE_TLS",
      "PHASE_SEND",        "PHASE_HEADERS", "PHASE_BODY", "PHASE_PROTOCOL", "PHASE_STATUS",
      "PHASE_REDIRECT",    "PHASE_CONTENT", "PHASE_PARSE"};
  return kNames[static_cast<size_t>(phase)];
}

std::optional<Refusal> Normalize(Event& event, absl::Time now) {
  if (!twilio::IsAccountSid(event.account_sid)) {
    return Refuse("ACCOUNT_SID_INVALID", "account_sid",
                  "account_sid must be AC and 32 lower-case hexadecimal digits");
  }
  if (event.event_id.empty() || event.event_id.size() > kMaxEventIdBytes ||
      Clean(event.event_id, kMaxEventIdBytes) != event.event_id) {
    return Refuse("EVENT_ID_INVALID", "event_id",
                  absl::StrCat("event_id must have 1 to ", kMaxEventIdBytes,
                               " bytes of UTF-8 without control characters"));
  }
  if (event.error_code < 0) {
    return Refuse("ERROR_CODE_INVALID", "error_code", "error_code must not be negative");
  }
  event.error_url = Clean(twilio::RedactUrl(event.error_url), kMaxUrlBytes);
  event.detail = Clean(event.detail, kMaxTextBytes);
  event.response_excerpt = Clean(event.response_excerpt, kMaxTextBytes);
  for (std::string* word : {&event.phone_number, &event.resource_sid, &event.resolution_id}) {
    *word = Clean(*word, kMaxWordBytes);
  }
  event.received_at = now;
  if (!IsNear(event.occurred_at, now)) event.occurred_at = now;
  event.elapsed = std::clamp(event.elapsed, absl::ZeroDuration(), kMaxElapsed);
  event.attempt_count = std::max(event.attempt_count, 0);
  event.http_status = std::max(event.http_status, 0);
  event.parameters = twilio::KeptParameters(event.parameters);
  event.request_headers = twilio::KeptHeaders(event.request_headers);
  event.response_headers = twilio::KeptHeaders(event.response_headers);
  CleanAttempts(event.attempts);
  return std::nullopt;
}

GroupKey GroupKeyOf(const Event& event) {
  absl::string_view url = event.error_url;
  const size_t scheme = url.find("://");
  std::string host;
  if (scheme != absl::string_view::npos) {
    url.remove_prefix(scheme + 3);
    host = absl::AsciiStrToLower(Clean(url.substr(0, url.find_first_of("/?#")), kMaxWordBytes));
  } else if (absl::StartsWith(url, "bin:")) {
    host = Clean(url.substr(0, url.find('?')), kMaxWordBytes);
  }
  return {.account_sid = event.account_sid,
          .kind = event.kind,
          .error_code = event.error_code,
          .host = std::move(host)};
}

namespace {

std::string Microseconds(const absl::Duration& time) {
  return absl::StrCat(absl::ToInt64Microseconds(time));
}

}  // namespace

uint64_t FingerprintOf(const Event& event) {
  std::string text = twilio::EncodeForm(
      {{event.account_sid, event.phone_number},
       {event.resource_sid, event.error_url},
       {event.detail, event.resolution_id},
       {event.response_excerpt,
        absl::StrCat(static_cast<int>(event.kind), ",", static_cast<int>(event.level), ",",
                     event.error_code, ",", static_cast<int>(event.target), ",",
                     static_cast<int>(event.outcome), ",", static_cast<int>(event.phase), ",",
                     event.http_status, ",", absl::ToInt64Microseconds(event.elapsed), ",",
                     event.attempt_count)}});
  // Behind what events had at first, so that without these an event's digest is what it was.
  const auto add = [&](const char* name, const twilio::Form& form) {
    if (!form.empty()) absl::StrAppend(&text, "&&", name, "&", twilio::EncodeForm(form));
  };
  add("parameters", event.parameters);
  add("request_headers", event.request_headers);
  add("response_headers", event.response_headers);
  if (event.request_method != Method::kUnspecified) {
    absl::StrAppend(&text, "&&request_method&", static_cast<int>(event.request_method));
  }
  for (const Attempt& attempt : event.attempts) {
    absl::StrAppend(
        &text, "&&attempt&",
        twilio::EncodeForm({{attempt.url, attempt.remote_address},
                            {attempt.detail, Microseconds(attempt.dns)},
                            {Microseconds(attempt.connect), Microseconds(attempt.tls)},
                            {Microseconds(attempt.first_byte), Microseconds(attempt.total)}}),
        "&", static_cast<int>(attempt.method), ",", attempt.http_status, ",", attempt.error_code,
        ",", static_cast<int>(attempt.phase));
  }
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash = {};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
  uint64_t fingerprint = 0;
  std::memcpy(&fingerprint, hash.data(), sizeof(fingerprint));
  return fingerprint;
}

}  // namespace understudy::notifier
