// Events and times for the tests of stores.
#ifndef TESTS_NOTIFIER_STORE_SAMPLE_EVENTS_H_
#define TESTS_NOTIFIER_STORE_SAMPLE_EVENTS_H_

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/notifier/ingest/event.h"

namespace understudy::testing {

inline constexpr char kAccount[] = "AC00000000000000000000000000000001";
inline constexpr char kOtherAccount[] = "AC00000000000000000000000000000002";

// A moment of no special kind; times in tests count from it.
inline absl::Time At(absl::Duration after = absl::ZeroDuration()) {
  return absl::FromUnixSeconds(1'800'000'000) + after;
}

// A good event, received `after` At(), whose texts the test may change.
inline notifier::Event SampleEvent(std::string id, absl::Duration after = absl::ZeroDuration()) {
  return {.event_id = std::move(id),
          .occurred_at = At(after) - absl::Milliseconds(40),
          .received_at = At(after),
          .account_sid = kAccount,
          .phone_number = "+14155550199",
          .resource_sid = "CA0123456789abcdef0123456789abcdef",
          .error_code = 11200,
          .error_url = "https://www.example.com/index",
          .target = notifier::Target::kPrimary,
          .outcome = notifier::Outcome::kFallbackAnswered,
          .phase = notifier::Phase::kStatus,
          .http_status = 502,
          .detail = "the web server answered 502",
          .elapsed = absl::Milliseconds(312),
          .attempt_count = 1,
          .resolution_id = "0123456789abcdef",
          .response_excerpt = "bad gateway"};
}

// The same with everything that may be known of its request.
inline notifier::Event DetailedEvent(std::string id, absl::Duration after = absl::ZeroDuration()) {
  notifier::Event event = SampleEvent(std::move(id), after);
  event.request_method = notifier::Method::kPost;
  event.parameters = {{"From", "+14155550100"}, {"Body", "a & b = c\n\xC3\xA9"}, {"To", ""}};
  event.request_headers = {{"I-Twilio-Idempotency-Token", "0123-4567"}};
  event.response_headers = {{"Content-Type", "text/html; charset=utf-8"}, {"Server", "nginx"}};
  event.attempts = {{.url = "https://www.example.com/",
                     .method = notifier::Method::kGet,
                     .remote_address = "[2001:db8::1]:443",
                     .http_status = 301,
                     .dns = absl::Nanoseconds(1),
                     .connect = absl::Microseconds(2),
                     .tls = absl::Milliseconds(3),
                     .first_byte = absl::Seconds(4),
                     .total = absl::Hours(5)},
                    {.url = "https://www.example.com/index",
                     .method = notifier::Method::kPost,
                     .error_code = 11205,
                     .phase = notifier::Phase::kConnect,
                     .detail = "nobody\tlistens"}};
  return event;
}

inline notifier::Event SampleEventAt(std::string id, absl::string_view url,
                                     absl::Duration after = absl::ZeroDuration()) {
  notifier::Event event = SampleEvent(std::move(id), after);
  event.error_url = std::string(url);
  return event;
}

}  // namespace understudy::testing

#endif  // TESTS_NOTIFIER_STORE_SAMPLE_EVENTS_H_
