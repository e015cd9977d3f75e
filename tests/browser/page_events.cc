// Makes a store with a day's events in it, for the tests of the page in a browser: one group of
// 10,000, others that are open or long quiet.
//
//   page_events DATABASE
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "services/notifier/store/sqlite_store.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

using notifier::Attempt;
using notifier::Event;
using notifier::Level;
using notifier::Outcome;
using notifier::Phase;
using notifier::Target;

constexpr int kBatch = 500;

struct Failure {
  int events = 0;
  absl::Duration begun = {};  // so long ago
  absl::Duration ended = {};
  Event event = {};
};

std::vector<Failure> Failures() {
  const Event server_error = {.account_sid = "AC00000000000000000000000000000001",
                              .error_code = 11200,
                              .error_url = "https://www.example.com/voice/answer?lang=en",
                              .target = Target::kPrimary,
                              .outcome = Outcome::kFallbackAnswered,
                              .phase = Phase::kStatus,
                              .http_status = 502,
                              .detail = "the web server answered 502",
                              .response_excerpt =
                                  "<html>\n<head><title>502 Bad Gateway</title>"
                                  "</head>\n<body>\n<h1>502 Bad Gateway</h1>\n"
                                  "</body>\n</html>"};
  Event refused = server_error;
  refused.error_code = 11205;
  refused.error_url = "https://api.shop.example/calls/incoming";
  refused.outcome = Outcome::kDefaultAnswered;
  refused.phase = Phase::kConnect;
  refused.http_status = 0;
  refused.detail = "connection refused by 192.0.2.17:443";
  refused.response_excerpt.clear();
  Event broken = server_error;
  broken.error_code = 12100;
  broken.error_url = "https://ivr.example.org/menu";
  broken.phase = Phase::kParse;
  broken.http_status = 200;
  broken.detail = "line 3, column 7: mismatched tag";
  broken.response_excerpt = "<Response>\n  <Say>Welcome\n</Response>";
  Event skipped = server_error;
  skipped.level = Level::kWarning;
  skipped.error_code = 12200;
  skipped.outcome = Outcome::kWarning;
  skipped.phase = Phase::kParse;
  skipped.http_status = 200;
  skipped.detail = "line 2, column 4: Say has no attribute \"voise\"";
  skipped.response_excerpt = "<Response>\n<Say voise=\"alice\">Hello</Say>\n</Response>";
  Event unknown_name = refused;
  unknown_name.account_sid = "AC00000000000000000000000000000002";
  unknown_name.error_code = 11210;
  unknown_name.error_url = "https://old-host.example.net/sms";
  unknown_name.kind = notifier::Kind::kMessaging;
  unknown_name.phase = Phase::kDns;
  unknown_name.detail = "old-host.example.net has no address";
  unknown_name.outcome = Outcome::kFallbackAnswered;
  Event expired = unknown_name;
  expired.error_code = 11236;
  expired.error_url = "https://hooks.clinic.example/appointments/reminder/status";
  expired.phase = Phase::kTls;
  expired.detail = "the certificate expired yesterday";
  return {{10000, absl::Hours(23), absl::ZeroDuration(), server_error},
          {640, absl::Minutes(48), absl::Seconds(20), refused},
          {55, absl::Hours(5), absl::Minutes(2), broken},
          {190, absl::Hours(22), absl::Minutes(4), skipped},
          {75, absl::Hours(21), absl::Hours(18), unknown_name},
          {410, absl::Hours(12), absl::Hours(7), expired}};
}

// Where the time of a request went, as it goes where the failure is.
std::vector<Attempt> AttemptsOf(const Event& event, std::mt19937_64& random) {
  std::vector<Attempt> attempts;
  for (int i = 0; i < event.attempt_count; ++i) {
    const auto some = [&](int most) {
      return absl::Microseconds(500 + static_cast<int>(random() % static_cast<uint64_t>(most)));
    };
    Attempt attempt = {.url = event.error_url,
                       .method = notifier::Method::kPost,
                       .remote_address = "192.0.2.17:443",
                       .http_status = event.http_status,
                       .error_code = event.error_code,
                       .phase = event.phase,
                       .detail = event.detail,
                       .dns = some(8000),
                       .connect = some(30000)};
    if (event.http_status != 0) {
      attempt.tls = some(40000);
      attempt.first_byte = some(600000);
    }
    attempt.total = attempt.dns + attempt.connect + attempt.tls + attempt.first_byte + some(9000);
    attempts.push_back(attempt);
  }
  return attempts;
}

int Main(const std::string& path) {
  auto store = notifier::SqliteStore::Open({.database = {.path = path}});
  Require(store.ok(), store.status().ToString());
  std::mt19937_64 random(1);
  const absl::Time now = absl::Now();
  std::vector<Event> events;
  for (const Failure& failure : Failures()) {
    for (int i = 0; i < failure.events; ++i) {
      Event event = failure.event;
      // More of them towards the end: what fails is noticed, called again, and fails again.
      const double share = std::pow(static_cast<double>(i + 1) / failure.events, 0.4);
      const absl::Duration age = failure.begun - (failure.begun - failure.ended) * share +
                                 absl::Milliseconds(static_cast<int>(random() % 2000));
      event.event_id = absl::StrCat(failure.event.error_code, "-", i);
      event.received_at = now - age;
      event.occurred_at = event.received_at - absl::Milliseconds(40);
      event.phone_number = absl::StrFormat("+1415555%04d", random() % 60 + 100);
      event.resource_sid =
          absl::StrFormat("%s%032x", event.kind == notifier::Kind::kVoice ? "CA" : "SM", random());
      event.resolution_id = absl::StrFormat("%016x", random());
      event.attempt_count = event.http_status == 0 ? 2 : 1;
      event.attempts = AttemptsOf(event, random);
      for (const Attempt& attempt : event.attempts) event.elapsed += attempt.total;
      event.request_method = notifier::Method::kPost;
      event.parameters = {
          {"AccountSid", event.account_sid},
          {event.kind == notifier::Kind::kVoice ? "CallSid" : "MessageSid", event.resource_sid},
          {"From", "+14155550123"},
          {"To", event.phone_number},
          {"Direction", "inbound"},
          {"Digits", "[not kept]"}};
      event.request_headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                               {"User-Agent", "TwilioProxy/1.1"}};
      if (event.http_status != 0) {
        event.response_headers = {{"Server", "nginx"}, {"Content-Type", "text/html"}};
      }
      events.push_back(std::move(event));
    }
  }
  std::sort(events.begin(), events.end(),
            [](const Event& a, const Event& b) { return a.received_at < b.received_at; });
  for (size_t begin = 0; begin < events.size(); begin += kBatch) {
    const size_t end = std::min(begin + kBatch, events.size());
    const absl::Status status = (*store)
                                    ->Append({events.begin() + static_cast<ptrdiff_t>(begin),
                                              events.begin() + static_cast<ptrdiff_t>(end)})
                                    .status();
    Require(status.ok(), status.ToString());
  }
  std::printf("%zu events\n", events.size());
  return 0;
}

}  // namespace
}  // namespace understudy::testing

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  return understudy::testing::Main(argv[1]);
}
