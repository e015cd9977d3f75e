// The operator's page over many events: how long each view takes while events arrive. A real
// notifier process with a store made beforehand. Prints a table; fails if a promise is broken.
//
//   page_bench [JSON [EVENTS [SECONDS]]]   JSON: where the figures are written to
//                                          EVENTS: in the store, 1000000 by default
//                                          SECONDS: of views, 20 by default
#include <grpcpp/grpcpp.h>
#include <understudy/notifier/v1/notifier_service.grpc.pb.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/serving/monotonic_clock.h"
#include "services/notifier/store/sqlite_store.h"
#include "tests/e2e/notifier_caller.h"
#include "tests/e2e/notifier_process.h"
#include "tests/testing/http_client.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

namespace v1 = notifier::v1;
using serving::MonotonicNow;

// What docs/performance.md promises.
constexpr absl::Duration kMaxView = absl::Milliseconds(200);
constexpr int kEventsPerSecond = 2000;

constexpr int kGroups = 2000;
constexpr int kBatch = 500;
constexpr absl::Duration kDay = absl::Hours(24);

std::string HostOf(int group) {
  return absl::StrCat("web", group, ".example.com");
}

// Event `number` of `events` that are spread over the last two days.
notifier::Event EventOf(int number, int events, absl::Time now) {
  constexpr int kCodes[] = {11200, 11205, 11210, 12100, 12300, 11750, 11220};
  const int group = number % kGroups;
  const absl::Time at = now - 2 * kDay + 2 * kDay * number / events;
  return {.event_id = absl::StrCat("stored-", number),
          .occurred_at = at,
          .received_at = at,
          .account_sid = absl::StrFormat("AC%032x", group % 40 + 1),
          .phone_number = absl::StrFormat("+1415555%04d", number % 10000),
          .resource_sid = absl::StrFormat("CA%032x", number),
          .error_code = kCodes[group % 7],
          .error_url = absl::StrCat("https://", HostOf(group), "/voice/", number % 50),
          .target = notifier::Target::kPrimary,
          .outcome = notifier::Outcome::kFallbackAnswered,
          .phase = notifier::Phase::kStatus,
          .http_status = 502,
          .detail = "the web server answered 502",
          .elapsed = absl::Milliseconds(312),
          .attempt_count = 1,
          .response_excerpt = "<html><body>502 Bad Gateway</body></html>",
          .request_method = notifier::Method::kPost,
          .parameters = {{"From", "+14155550142"}, {"To", "+14155550143"}},
          .attempts = {{.url = absl::StrCat("https://", HostOf(group), "/voice"),
                        .http_status = 502,
                        .first_byte = absl::Milliseconds(300),
                        .total = absl::Milliseconds(312)}}};
}

void Fill(const std::string& path, int events) {
  auto store = notifier::SqliteStore::Open({.database = {.path = path}});
  Require(store.ok(), store.status().ToString());
  const absl::Time now = absl::Now();
  for (int begin = 0; begin < events; begin += kBatch * 10) {
    std::vector<notifier::Event> batch;
    for (int i = begin; i < std::min(begin + kBatch * 10, events); ++i) {
      batch.push_back(EventOf(i, events, now));
    }
    Require((*store)->Append(std::move(batch)).ok(), "a store that takes events");
  }
}

// Reports events at a rate until stopped, as a router's outbox does.
class Reporter {
 public:
  explicit Reporter(const std::string& address) : address_(address), thread_([this] { Run(); }) {}
  ~Reporter() { Stop(); }
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  void Stop() {
    is_stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int sent() const { return sent_; }

 private:
  void Run() {
    constexpr int kAtOnce = 100;
    const auto stub = v1::NotifierService::NewStub(PatientChannel(address_));
    absl::Time next = MonotonicNow();
    while (!is_stopping_) {
      v1::ReportErrorEventsRequest request;
      for (int i = 0; i < kAtOnce; ++i) {
        const int number = sent_ + i;
        *request.add_events() =
            ReportedEvent(absl::StrCat("live-", number),
                          absl::StrFormat("AC%032x", number % 40 + 1), HostOf(number % kGroups));
      }
      grpc::ClientContext context;
      v1::ReportErrorEventsResponse response;
      Require(stub->ReportErrorEvents(&context, request, &response).ok() &&
                  response.rejected_size() == 0,
              "events that are taken");
      sent_ += kAtOnce;
      next += absl::Seconds(1) * kAtOnce / kEventsPerSecond;
      absl::SleepFor(std::max(next - MonotonicNow(), absl::ZeroDuration()));
    }
  }

  const std::string address_;
  std::atomic<bool> is_stopping_ = false;
  std::atomic<int> sent_ = 0;
  std::thread thread_;
};

struct View {
  const char* name = "";
  std::string path = {};
  std::vector<absl::Duration> took = {};
  size_t bytes = 0;
};

std::vector<View> Views(int events) {
  // The newest of a number, of a sid; the oldest of a group, of a URL; what is not there at all.
  return {{"overview, 3 h", "/"},
          {"overview, 24 h", "/?hours=24"},
          {"open groups", "/groups?state=open"},
          {"group", "/groups/7"},
          {"group, its oldest", absl::StrCat("/groups/7?before=", 5 * kGroups)},
          {"event", absl::StrCat("/events/", events / 2)},
          {"search: call", absl::StrFormat("/search?q=CA%032x", events / 3)},
          {"search: number", "/search?q=%2B14155550042"},
          {"search: no number", "/search?q=%2B14155599999"},
          {"search: code", "/search?q=12300"},
          {"search: URL", "/search?q=https%3A%2F%2Fweb77.example.com%2Fvoice%2F27"},
          {"search: no URL", "/search?q=web77.example.com%2Fnowhere"},
          {"search: code, no time", "/search?q=11200&to=2020-01-01"},
          {"search: an old hour",
           absl::StrCat("/search?from=",
                        absl::FormatTime("%Y-%m-%dT%H:%M", absl::Now() - kDay, absl::UTCTimeZone()),
                        "&to=",
                        absl::FormatTime("%Y-%m-%dT%H:%M", absl::Now() - kDay + absl::Hours(1),
                                         absl::UTCTimeZone()))}};
}

int Main(int argc, char** argv) {
  const int events = argc > 2 ? std::atoi(argv[2]) : 1'000'000;
  const absl::Duration time = absl::Seconds(argc > 3 ? std::atoi(argv[3]) : 20);
  const TempDir dir;
  const std::string path = dir.path() + "/notifier.db";
  Fill(path, events);
  NotifierProcess notifier(
      dir.Write("notifier.yaml",
                absl::StrCat("grpc: {listen: \"127.0.0.1:0\"}\nhttp: {listen: \"127.0.0.1:0\"}\n",
                             "admin: {listen: \"127.0.0.1:0\"}\nstore: {sqlite: ", path, "}\n",
                             "page: {open: true}\nmail: {from: u@example.com, directory: mail}\n",
                             "alerts: {heartbeat: 0s, routes: [{to: [ops@example.com]}]}\n")),
      ServiceProcess::KeepLog::kUntilReady);
  Require(notifier.Ready(), "a notifier that serves");
  std::vector<View> views = Views(events);
  bool good = true;
  const absl::Time begun_at = MonotonicNow();
  Reporter reporter(absl::StrCat("127.0.0.1:", notifier.grpc_port()));
  while (MonotonicNow() - begun_at < time) {
    for (View& view : views) {
      HttpClient client(notifier.http_port());
      const absl::Time asked_at = MonotonicNow();
      const auto answer = client.Ask(
          absl::StrCat("GET ", view.path, " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
      view.took.push_back(MonotonicNow() - asked_at);
      Require(answer.has_value() && answer->status == 200, view.path);
      view.bytes = answer->body.size();
    }
  }
  const absl::Duration took = MonotonicNow() - begun_at;
  reporter.Stop();
  const double rate = reporter.sent() / absl::ToDoubleSeconds(took);

  std::printf("%d events stored, %.0f more a second, %d views of each\n", events, rate,
              static_cast<int>(views.front().took.size()));
  std::printf("%-24s %8s %8s %8s %8s\n", "view", "p50 ms", "p99 ms", "most ms", "KiB");
  nlohmann::ordered_json json = {{"events", events}, {"events_per_second", rate}};
  for (View& view : views) {
    std::sort(view.took.begin(), view.took.end());
    const auto of = [&](double share) {
      const auto last = static_cast<double>(view.took.size() - 1);
      return absl::ToDoubleMilliseconds(view.took[static_cast<size_t>(share * last + 0.5)]);
    };
    std::printf("%-24s %8.1f %8.1f %8.1f %8.0f\n", view.name, of(0.5), of(0.99), of(1),
                static_cast<double>(view.bytes) / 1024);
    json["views"].push_back({{"view", view.name},
                             {"p50_ms", of(0.5)},
                             {"p99_ms", of(0.99)},
                             {"longest_ms", of(1)},
                             {"bytes", view.bytes}});
    if (view.took.back() > kMaxView) {
      std::printf("NOT KEPT: %s answers in 200 ms\n", view.name);
      good = false;
    }
  }
  if (rate < 0.95 * kEventsPerSecond) {
    std::printf("NOT KEPT: 2,000 events a second are taken meanwhile\n");
    good = false;
  }
  if (argc > 1) {
    std::filesystem::create_directories(std::filesystem::path(argv[1]).parent_path());
    std::ofstream file(argv[1]);
    file << json.dump(2) << "\n";
    file.close();
    Require(file.good(), "writing the figures");
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace understudy::testing

int main(int argc, char** argv) {
  return understudy::testing::Main(argc, argv);
}
