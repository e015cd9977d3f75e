// A storm of error events into a real notifier process, mails into a folder: how many events become
// durable in a second with their senders on the same machine, what memory that takes, and whether
// probes are answered meanwhile. Prints tables; fails if a promise is broken.
//
//   storm_bench [JSON [EVENTS [STORM]]]   JSON: where the figures are written to
//                                         EVENTS: of the first storm, 1000000 by default
//                                         STORM: this one alone
#include <grpcpp/grpcpp.h>
#include <sys/stat.h>
#include <understudy/notifier/v1/notifier_service.grpc.pb.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/serving/monotonic_clock.h"
#include "tests/e2e/notifier_caller.h"
#include "tests/e2e/notifier_database.h"
#include "tests/e2e/notifier_process.h"
#include "tests/testing/http_client.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

namespace v1 = notifier::v1;
using serving::MonotonicNow;

// What docs/performance.md promises.
constexpr int64_t kMaxResidentKilobytes = 200 * 1024;
constexpr absl::Duration kMaxProbe = absl::Milliseconds(200);

constexpr int kGroups = 200;
constexpr int kHostsPerAccount = 5;
constexpr absl::Duration kProbeEvery = absl::Milliseconds(100);
constexpr absl::Duration kRetryAfter = absl::Milliseconds(50);
// With the waits of the reference configuration a recipient gets this many in five minutes, and one
// that sums up what is over it.
constexpr int kMaxMails = 20;
constexpr int kMaxSummaries = 1;

double Milliseconds(absl::Duration duration) {
  return absl::ToDoubleMilliseconds(duration);
}

// Event `number` of the storm `name`. Ids are in no order, as those of many routers are not.
v1::ErrorEvent StormEvent(const std::string& name, int number) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;  // so that no two numbers give one id
  const int group = number % kGroups;
  return ReportedEvent(absl::StrCat(name, "-", absl::Hex(static_cast<uint64_t>(number) * kOdd)),
                       absl::StrFormat("AC%032x", group / kHostsPerAccount + 1),
                       absl::StrCat("web", group % kHostsPerAccount, ".example.com"));
}

// Asks a page every tenth of a second, on a connection of its own each time as probes do.
class Prober {
 public:
  Prober(int port, std::string path)
      : port_(port), path_(std::move(path)), thread_([this] { Run(); }) {}
  ~Prober() { Stop(); }
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  void Stop() {
    is_stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  // REQUIRES: stopped.
  int bad() const { return bad_; }
  absl::Duration Quantile(double share) {
    if (took_.empty()) return absl::ZeroDuration();
    std::sort(took_.begin(), took_.end());
    const auto last = static_cast<double>(took_.size() - 1);
    return took_[static_cast<size_t>(share * last + 0.5)];
  }

 private:
  void Run() {
    while (!is_stopping_) {
      const absl::Time begun_at = MonotonicNow();
      HttpClient client(port_);
      const auto answer = client.Ask(
          absl::StrCat("GET ", path_, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
      const absl::Duration took = MonotonicNow() - begun_at;
      took_.push_back(took);
      if (!answer.has_value() || answer->status != 200) ++bad_;
      absl::SleepFor(std::max(kProbeEvery - took, absl::ZeroDuration()));
    }
  }

  const int port_;
  const std::string path_;
  std::atomic<bool> is_stopping_ = false;
  std::vector<absl::Duration> took_;
  int bad_ = 0;
  std::thread thread_;
};

struct Storm {
  std::string name = {};
  int events = 0;
  int batch = 0;
  int connections = 0;
};

struct Figures {
  absl::Duration took = {};
  int64_t refused = 0;  // batches that had to be sent again
  std::vector<absl::Duration> calls = {};

  double events_per_second(const Storm& storm) const {
    return storm.events / absl::ToDoubleSeconds(took);
  }
};

// Sends all of it; each connection has one batch under way, as a router's outbox has.
Figures Send(const Storm& storm, const std::string& address) {
  std::atomic<int> next = 0;
  std::atomic<int64_t> refused = 0;
  std::vector<std::vector<absl::Duration>> calls(static_cast<size_t>(storm.connections));
  const absl::Time begun_at = MonotonicNow();
  std::vector<std::thread> senders;
  for (auto& mine : calls) {
    senders.emplace_back([&] {
      const auto stub = v1::NotifierService::NewStub(PatientChannel(address));
      v1::ReportErrorEventsRequest request;
      while (true) {
        const int begin = next.fetch_add(storm.batch);
        if (begin >= storm.events) break;
        request.Clear();
        const int end = std::min(begin + storm.batch, storm.events);
        for (int i = begin; i < end; ++i) *request.add_events() = StormEvent(storm.name, i);
        const absl::Time asked_at = MonotonicNow();
        while (true) {
          grpc::ClientContext context;
          context.set_wait_for_ready(true);
          v1::ReportErrorEventsResponse response;
          const grpc::Status status = stub->ReportErrorEvents(&context, request, &response);
          Require(response.rejected_size() == 0, "events that are taken");
          if (status.ok()) break;
          ++refused;
          absl::SleepFor(kRetryAfter);
        }
        mine.push_back(MonotonicNow() - asked_at);
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  Figures figures = {.took = MonotonicNow() - begun_at, .refused = refused};
  for (const auto& mine : calls) {
    figures.calls.insert(figures.calls.end(), mine.begin(), mine.end());
  }
  std::sort(figures.calls.begin(), figures.calls.end());
  return figures;
}

bool Holds(bool promise, const char* words) {
  if (!promise) std::printf("NOT KEPT: %s\n", words);
  return promise;
}

bool Measure(const Storm& storm, nlohmann::ordered_json& json) {
  const TempDir dir;
  const std::string store = dir.path() + "/notifier.db";
  const std::string mails = dir.path() + "/mail";
  NotifierProcess notifier(
      dir.Write("notifier.yaml",
                absl::StrCat("grpc: {listen: \"127.0.0.1:0\"}\nhttp: {listen: \"127.0.0.1:0\"}\n",
                             "admin: {listen: \"127.0.0.1:0\"}\nstore: {sqlite: ", store, "}\n",
                             "mail: {from: u@example.com, directory: ", mails, "}\n",
                             "alerts: {heartbeat: 0s, routes: [{to: [ops@example.com]}]}\n")),
      ServiceProcess::KeepLog::kUntilReady);
  Require(notifier.Ready(), "a notifier that serves");
  const int64_t idle = notifier.resident_kilobytes();

  Prober metrics(notifier.admin_port(), "/metrics");
  Prober ready(notifier.admin_port(), "/readyz");
  const double begun_cpu = notifier.cpu_seconds();
  const Figures figures = Send(storm, absl::StrCat("127.0.0.1:", notifier.grpc_port()));
  const double cpu = notifier.cpu_seconds() - begun_cpu;
  metrics.Stop();
  ready.Stop();
  const int64_t peak = notifier.peak_resident_kilobytes();

  NotifierDatabase database(store);
  const int64_t stored = database.Number("SELECT count(*) FROM events");
  const int64_t different = database.Number("SELECT count(DISTINCT event_id) FROM events");
  const int64_t counted = database.Number("SELECT sum(fallback_answered_count) FROM groups");
  const int64_t groups = database.Number("SELECT count(*) FROM groups");
  const int64_t written = database.Number("SELECT count(*) FROM mails");
  const auto of = [&](double share) {
    const auto last = static_cast<double>(figures.calls.size() - 1);
    return Milliseconds(figures.calls[static_cast<size_t>(share * last + 0.5)]);
  };
  const double rate = figures.events_per_second(storm);
  std::printf("%-8s %9d %6d %6d %10.0f %9.1f %9.1f %8.1f %7.0f %7.0f %9.1f %9.1f %6lld %7.1f\n",
              storm.name.c_str(), storm.events, storm.batch, storm.connections, rate, of(0.5),
              of(0.99), Milliseconds(figures.calls.back()), static_cast<double>(idle) / 1024,
              static_cast<double>(peak) / 1024, Milliseconds(metrics.Quantile(1)),
              Milliseconds(ready.Quantile(1)), static_cast<long long>(written),
              cpu / storm.events * 1e6);
  std::fflush(stdout);
  json.push_back({{"storm", storm.name},
                  {"events", storm.events},
                  {"batch", storm.batch},
                  {"connections", storm.connections},
                  {"events_per_second", rate},
                  {"batch_ms", {{"median", of(0.5)}, {"p99", of(0.99)}, {"longest", of(1)}}},
                  {"batches_sent_again", figures.refused},
                  {"idle_resident_kib", idle},
                  {"peak_resident_kib", peak},
                  {"cpu_us_per_event", cpu / storm.events * 1e6},
                  {"metrics_ms",
                   {{"median", Milliseconds(metrics.Quantile(0.5))},
                    {"p99", Milliseconds(metrics.Quantile(0.99))},
                    {"longest", Milliseconds(metrics.Quantile(1))}}},
                  {"readyz_ms",
                   {{"median", Milliseconds(ready.Quantile(0.5))},
                    {"p99", Milliseconds(ready.Quantile(0.99))},
                    {"longest", Milliseconds(ready.Quantile(1))}}},
                  {"mails", written}});
  bool good = Holds(stored == storm.events, "every event is stored");
  good &= Holds(different == storm.events, "no event is stored twice");
  good &= Holds(counted == storm.events, "every event is counted in its group");
  good &= Holds(groups == std::min(kGroups, storm.events), "events fall into their groups");
  good &= Holds(peak <= kMaxResidentKilobytes, "resident memory stays under 200 MiB");
  good &=
      Holds(metrics.bad() == 0 && metrics.Quantile(1) <= kMaxProbe, "/metrics answers in 200 ms");
  good &= Holds(ready.bad() == 0 && ready.Quantile(1) <= kMaxProbe, "/readyz answers in 200 ms");
  good &= Holds(written <= kMaxMails + kMaxSummaries, "no more mails than the waits allow");
  return good;
}

int Main(int argc, char** argv) {
  const int events = argc > 2 ? std::atoi(argv[2]) : 1'000'000;
  std::printf("%-8s %9s %6s %6s %10s %9s %9s %8s %7s %7s %9s %9s %6s %7s\n", "storm", "events",
              "batch", "conns", "events/s", "p50 ms", "p99 ms", "most ms", "idle", "peak MiB",
              "metrics", "readyz ms", "mails", "us CPU");
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  const Storm storms[] = {
      {.name = "outboxes", .events = events, .batch = 500, .connections = 16},
      {.name = "singles", .events = events / 10, .batch = 1, .connections = 64},
  };
  bool good = true;
  for (const Storm& storm : storms) {
    if (argc <= 3 || storm.name == argv[3]) good &= Measure(storm, json);
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
