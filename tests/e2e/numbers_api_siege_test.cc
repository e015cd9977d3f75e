// Five thousand clients that do nothing and a thousand that are slow, and whether the others
// notice.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/monotonic_clock.h"
#include "tests/e2e/api_client.h"
#include "tests/e2e/router_world.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using serving::MonotonicNow;

constexpr size_t kIdle = 5000;
constexpr size_t kSlow = 1000;
constexpr size_t kRequests = 2000;
constexpr char kNumbers[] = "/IncomingPhoneNumbers.json";

struct Waits {
  absl::Duration median = {};
  absl::Duration p99 = {};
};

template <typename Ask>
Waits Measure(Ask ask) {
  std::vector<absl::Duration> waits;
  for (size_t i = 0; i < kRequests; ++i) {
    const absl::Time begin = MonotonicNow();
    ask();
    waits.push_back(MonotonicNow() - begin);
  }
  std::sort(waits.begin(), waits.end());
  return {.median = waits[kRequests / 2], .p99 = waits[kRequests * 99 / 100]};
}

Waits Longer(const Waits& a, const Waits& b) {
  return {.median = std::max(a.median, b.median), .p99 = std::max(a.p99, b.p99)};
}

// In the same minute, so that a busy machine is as busy for both. A scheduler's pause is no
// neighbour's fault: the rare long wait has a floor.
void ExpectUnchanged(const char* what, const Waits& quiet, const Waits& besieged) {
  ::testing::Test::RecordProperty(
      what, absl::StrCat(absl::FormatDuration(quiet.median), " ", absl::FormatDuration(quiet.p99),
                         " alone, ", absl::FormatDuration(besieged.median), " ",
                         absl::FormatDuration(besieged.p99)));
  EXPECT_LE(besieged.median, 2 * quiet.median + absl::Microseconds(200)) << what;
  EXPECT_LE(besieged.p99, 4 * quiet.p99 + absl::Milliseconds(5)) << what;
}

TEST(NumbersApiSiegeTest, NobodyElseNotices) {
  const TempDir folder(TempMedium::kMemory);
  router::RouterConfig config = LoopbackConfig();
  config.http = router::HttpConfig{.listen = {.host = "127.0.0.1", .port = 0}};
  config.numbers_database = absl::StrCat(folder.path(), "/numbers.db");
  RouterWorld world(config);
  const int port = world.router().http_port();
  Origin origin;
  origin.OnAny(Reply{.body = kPrimaryDocument});

  std::optional<ApiClient> client;
  int asked = 0;
  // A connection is good for a thousand requests.
  const auto api = [&]() -> ApiClient& {
    if (asked++ % 500 == 0) client.emplace(port, BasicHeader(kAccountSid, kAuthToken));
    return *client;
  };
  const ApiAnswer made =
      api().Post(kNumbers, {{"PhoneNumber", kNumber}, {"VoiceUrl", origin.url("/v")}});
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string path = made.json["uri"];
  const auto fetch = [&] { ASSERT_EQ(api().Get(path).status, 200); };
  const auto change = [&] {
    ASSERT_EQ(api().Post(path, {{"FriendlyName", absl::StrCat(asked)}}).status, 200);
  };
  const auto call = [&] {
    ASSERT_EQ(world.Resolve(VoiceRequest()).response.twiml(), kPrimaryDocument);
  };

  const Waits fetch_before = Measure(fetch);
  const Waits change_before = Measure(change);
  const Waits call_before = Measure(call);

  // Addresses as many as it takes: each may have 2,000 connections.
  std::vector<HttpClient> clients;
  for (size_t i = 0; i < kIdle + kSlow; ++i) {
    clients.emplace_back(port, HttpClientOptions{.from = absl::StrCat("127.0.0.", 2 + i / 1000)});
    ASSERT_TRUE(clients.back().is_open()) << i;
    // The idle have had an answer and are not at fault; the slow send a body for as long as they
    // may.
    if (i < kIdle) {
      ASSERT_TRUE(clients.back().Ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").has_value()) << i;
    } else {
      ASSERT_TRUE(clients.back().Send(
          absl::StrCat("POST /2010-04-01/Accounts/", kAccountSid, kNumbers,
                       " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                       "Content-Length: 1000\r\n\r\n")));
    }
  }
  std::atomic<bool> is_over = false;
  std::thread drip([&] {
    for (size_t i = 0; !is_over; i = (i + 1) % kSlow) {
      clients[kIdle + i].Send("a");
      absl::SleepFor(absl::Milliseconds(1));  // each slow client sends a byte a second
    }
  });
  const Waits fetch_besieged = Measure(fetch);
  const Waits change_besieged = Measure(change);
  const Waits call_besieged = Measure(call);
  EXPECT_GE(ReadMetric(world.router().admin_port(), "understudy_http_connections"), kIdle + kSlow)
      << "nobody was let go meanwhile";
  is_over = true;
  drip.join();
  clients.clear();

  ExpectUnchanged("fetch", Longer(fetch_before, Measure(fetch)), fetch_besieged);
  ExpectUnchanged("change", Longer(change_before, Measure(change)), change_besieged);
  ExpectUnchanged("call", Longer(call_before, Measure(call)), call_besieged);
}

}  // namespace
}  // namespace understudy::testing
