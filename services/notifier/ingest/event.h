// An error event as the notifier keeps it: checked, bounded, without credentials. Plain values;
// nothing here knows of a wire or a disk. Times are dates (UTC).
#ifndef SERVICES_NOTIFIER_INGEST_EVENT_H_
#define SERVICES_NOTIFIER_INGEST_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/twilio/error_codes.h"
#include "common/twilio/form.h"
#include "common/twilio/kind.h"

namespace understudy::notifier {

using twilio::Kind;
using twilio::Level;

// What a field may hold; the rest is cut, between characters. An event_id over its limit is
// refused.
inline constexpr size_t kMaxEventIdBytes = 128;
inline constexpr size_t kMaxUrlBytes = 2048;
inline constexpr size_t kMaxTextBytes = 4096;  // detail and response_excerpt
inline constexpr size_t kMaxWordBytes = 256;   // every other text
// What durations are cut to: no call lasts longer.
inline constexpr absl::Duration kMaxElapsed = absl::Hours(24);
// Of more attempts the middle ones are left out.
inline constexpr size_t kMaxAttempts = 8;
inline constexpr size_t kMaxAttemptDetailBytes = 512;

enum class Target : uint8_t { kUnspecified, kPrimary, kFallback };

// What became of the caller.
enum class Outcome : uint8_t { kUnknown, kFallbackAnswered, kDefaultAnswered, kWarning };
inline constexpr int kOutcomes = 4;

// Where in the life of the request it failed; numbered as in the service.
enum class Phase : uint8_t {
  kNone,
  kPolicy,
  kDns,
  kConnect,
  kTls,
  kSend,
  kHeaders,
  kBody,
  kProtocol,
  kStatus,
  kRedirect,
  kContent,
  kParse,
};

enum class Method : uint8_t { kUnspecified, kGet, kPost };

// One request to the target.
struct Attempt {
  std::string url = {};  // without credentials and fragment
  Method method = Method::kUnspecified;
  std::string remote_address = {};
  int http_status = 0;  // 0: there was no response
  int error_code = 0;   // 0: it did not fail
  Phase phase = Phase::kNone;
  std::string detail = {};
  absl::Duration dns = {};
  absl::Duration connect = {};
  absl::Duration tls = {};
  absl::Duration first_byte = {};  // from the request sent
  absl::Duration total = {};

  friend bool operator==(const Attempt&, const Attempt&) = default;
};

struct Event {
  std::string event_id = {};
  absl::Time occurred_at = {};
  absl::Time received_at = {};
  std::string account_sid = {};
  Kind kind = Kind::kVoice;
  std::string phone_number = {};
  std::string resource_sid = {};  // of the call or message
  Level level = Level::kError;
  int error_code = 0;          // 0: unknown
  std::string error_url = {};  // without credentials and fragment
  Target target = Target::kUnspecified;
  Outcome outcome = Outcome::kUnknown;
  Phase phase = Phase::kNone;
  int http_status = 0;  // 0: there was no response, or the sender does not say
  std::string detail = {};
  absl::Duration elapsed = {};
  int attempt_count = 0;
  std::string resolution_id = {};
  std::string response_excerpt = {};
  // Of the request that failed; within the limits of common/twilio/kept_form.h.
  Method request_method = Method::kUnspecified;
  twilio::Form parameters = {};
  twilio::Form request_headers = {};
  twilio::Form response_headers = {};
  std::vector<Attempt> attempts = {};  // to the target, in order

  friend bool operator==(const Event&, const Event&) = default;
};

// "OUTCOME_FALLBACK_ANSWERED" and the like, as in the service; and for labels and logs
// "fallback_answered".
const char* OutcomeName(Outcome outcome);
const char* OutcomeLabel(Outcome outcome);
// "PHASE_DNS" and the like.
const char* PhaseName(Phase phase);

// Why an event is refused.
struct Refusal {
  std::string reason = {};  // stable, such as "ACCOUNT_SID_INVALID"; also a metric's label
  std::string field = {};
  std::string message = {};
};

// Checks `event` and makes it fit to keep: texts are cut, made UTF-8 and rid of control characters,
// credentials and fragments leave the URLs, secrets the parameters and headers; unset times become
// `now`, and times further off than a day become `now` too; negative numbers become 0. nullopt: it
// is good.
std::optional<Refusal> Normalize(Event& event, absl::Time now);

// What events that operators hear of together have in common.
struct GroupKey {
  std::string account_sid = {};
  Kind kind = Kind::kVoice;
  int error_code = 0;
  std::string host =
      {};  // of error_url, in lower case, with its port if one is written; may be empty

  friend bool operator==(const GroupKey&, const GroupKey&) = default;
};
GroupKey GroupKeyOf(const Event& event);

// A digest of everything the sender said, so that the same event_id with other content is noticed.
// Times the notifier added do not count.
uint64_t FingerprintOf(const Event& event);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_INGEST_EVENT_H_
