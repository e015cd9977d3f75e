// Measures the notifier's store on this machine's disk: how many events become durable in a second,
// and how long lists and claims take in a large database. Prints tables; asserts nothing.
//
//   store_bench [FOLDER [LARGE]]   FOLDER: where the databases are made, /tmp by default
//                                  LARGE: events in the large one, 1000000 by default
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/serving/monotonic_clock.h"
#include "services/notifier/store/sqlite_store.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using notifier::Event;
using notifier::SqliteOptions;
using notifier::SqliteStore;
using serving::MonotonicNow;

constexpr int kAccounts = 100;
constexpr int kNumbers = 2000;
constexpr int kHostsPerAccount = 5;
constexpr absl::Duration kRun = absl::Seconds(5);
constexpr absl::Duration kSteadyRun = absl::Seconds(20);

// Events as a platform of some size has them: about 700 bytes each.
class EventMaker {
 public:
  explicit EventMaker(uint64_t seed) : random_(seed) {}

  std::vector<Event> Make(int count) {
    std::vector<Event> events;
    for (int i = 0; i < count; ++i) events.push_back(Make());
    return events;
  }

  Event Make() {
    const int account = Below(kAccounts);
    const int host = Below(kHostsPerAccount);
    const int codes[] = {11200, 11205, 11210, 12100, 12300};
    const absl::Time now = absl::Now();
    return {.event_id = absl::StrCat(Hex(), Hex()),
            .occurred_at = now,
            .received_at = now,
            .account_sid = Account(account),
            .kind = Below(4) == 0 ? notifier::Kind::kMessaging : notifier::Kind::kVoice,
            .phone_number = Number(Below(kNumbers)),
            .resource_sid = absl::StrCat("CA", Hex(), Hex()),
            .error_code = codes[host],
            .error_url = absl::StrCat("https://web", host, ".customer", account,
                                      ".example.com/voice/incoming?region=", Below(10)),
            .target = notifier::Target::kPrimary,
            .outcome = notifier::Outcome::kFallbackAnswered,
            .phase = notifier::Phase::kStatus,
            .http_status = 502,
            .detail = "the web server answered 502 Bad Gateway after 312 ms, and the retry did too",
            .elapsed = absl::Milliseconds(312),
            .attempt_count = 2,
            .resolution_id = Hex(),
            .response_excerpt = std::string(200, 'x')};
  }

  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  std::string Hex() { return absl::StrCat(absl::Hex(random_(), absl::kZeroPad16)); }
  static std::string Account(int i) { return absl::StrFormat("AC%032d", i); }
  static std::string Number(int i) { return absl::StrFormat("+1415%07d", i); }

 private:
  std::mt19937_64 random_;
};

std::unique_ptr<SqliteStore> OpenStore(const std::string& path) {
  absl::StatusOr<std::unique_ptr<SqliteStore>> store =
      SqliteStore::Open(SqliteOptions{.database = {.path = path}});
  Require(store.ok(), store.status().message());
  return *std::move(store);
}

// Of this process now.
int64_t ResidentMebibytes() {
  std::ifstream memory("/proc/self/statm");
  int64_t size = 0;
  int64_t resident = 0;
  memory >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE) >> 20;
}

// That this process has sent to the disk so far.
int64_t WrittenBytes() {
  std::ifstream io("/proc/self/io");
  std::string name;
  int64_t value = 0;
  while (io >> name >> value) {
    if (name == "write_bytes:") return value;
  }
  return 0;
}

double Milliseconds(absl::Duration duration) {
  return absl::ToDoubleMilliseconds(duration);
}

absl::Duration Percentile(std::vector<absl::Duration>& sorted, double part) {
  if (sorted.empty()) return {};
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<size_t>(part * last)];
}

void Append(SqliteStore& store, std::vector<Event> events) {
  const auto appended = store.Append(std::move(events));
  Require(appended.ok(), appended.status().ToString());
}

// `waits` are each appender's, of its appends.
void PrintAppends(int appenders, int batch, absl::Duration ran,
                  const std::vector<std::vector<absl::Duration>>& waits, const char* note) {
  std::vector<absl::Duration> all;
  for (const auto& some : waits) all.insert(all.end(), some.begin(), some.end());
  std::sort(all.begin(), all.end());
  std::printf("%9d %6d %12.0f %9.2f %9.2f %9.2f %8lld%s\n", appenders, batch,
              static_cast<double>(all.size()) * batch / absl::ToDoubleSeconds(ran),
              Milliseconds(Percentile(all, 0.5)), Milliseconds(Percentile(all, 0.99)),
              Milliseconds(all.back()), static_cast<long long>(ResidentMebibytes()), note);
  std::fflush(stdout);
}

void MeasureAppends(const std::string& folder, int appenders, int batch) {
  const std::string path = absl::StrCat(folder, "/append-", appenders, "-", batch, ".db");
  std::unique_ptr<SqliteStore> store = OpenStore(path);
  std::vector<std::vector<absl::Duration>> waits(static_cast<size_t>(appenders));
  std::vector<std::thread> threads;
  const absl::Time begun_at = MonotonicNow();
  for (int i = 0; i < appenders; ++i) {
    threads.emplace_back([&, i] {
      EventMaker maker(static_cast<uint64_t>(i) + 1);
      while (MonotonicNow() < begun_at + kRun) {
        std::vector<Event> events = maker.Make(batch);
        const absl::Time sent_at = MonotonicNow();
        Append(*store, std::move(events));
        waits[static_cast<size_t>(i)].push_back(MonotonicNow() - sent_at);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  PrintAppends(appenders, batch, MonotonicNow() - begun_at, waits, "");
}

// A steady stream: how long an append takes that is not in anybody's way.
void MeasureSteadyAppends(const std::string& folder, int events_per_second, int appenders,
                          int batch) {
  std::unique_ptr<SqliteStore> store =
      OpenStore(absl::StrCat(folder, "/steady-", events_per_second, "-", batch, ".db"));
  const absl::Duration pause = absl::Seconds(1) * appenders * batch / events_per_second;
  std::vector<std::vector<absl::Duration>> waits(static_cast<size_t>(appenders));
  std::vector<std::thread> threads;
  const absl::Time begun_at = MonotonicNow();
  for (int i = 0; i < appenders; ++i) {
    threads.emplace_back([&, i] {
      EventMaker maker(static_cast<uint64_t>(i) + 1);
      absl::Time due_at = begun_at + pause * i / appenders;
      while (due_at < begun_at + kSteadyRun) {
        absl::SleepFor(due_at - MonotonicNow());
        Append(*store, maker.Make(batch));
        // From when it was due: one that is late makes the next late, too.
        waits[static_cast<size_t>(i)].push_back(MonotonicNow() - due_at);
        due_at += pause;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  PrintAppends(appenders, batch, MonotonicNow() - begun_at, waits, "   steady");
}

// Times `act` again and again.
void MeasureTimes(const char* what, int times, const std::function<void()>& act) {
  std::vector<absl::Duration> took;
  for (int i = 0; i < times; ++i) {
    const absl::Time begun_at = MonotonicNow();
    act();
    took.push_back(MonotonicNow() - begun_at);
  }
  std::sort(took.begin(), took.end());
  std::printf("%-44s %9.3f %9.3f %9.3f\n", what, Milliseconds(Percentile(took, 0.5)),
              Milliseconds(Percentile(took, 0.99)), Milliseconds(took.back()));
  std::fflush(stdout);
}

void Fill(SqliteStore& store, int events) {
  constexpr int kThreads = 16;
  constexpr int kBatch = 100;
  constexpr int kSteps = 10;
  const int step = std::max(events / kSteps, kBatch);
  std::vector<EventMaker> makers;
  for (int i = 0; i < kThreads; ++i) makers.emplace_back(static_cast<uint64_t>(i) + 1000);
  std::printf("%9s %12s %14s %8s\n", "events", "events/s", "bytes/event", "RSS MiB");
  for (int filled = 0; filled < events; filled += step) {
    std::atomic<int> done = 0;
    std::vector<std::thread> threads;
    const absl::Time begun_at = MonotonicNow();
    const int64_t written_before = WrittenBytes();
    for (EventMaker& maker : makers) {
      threads.emplace_back([&] {
        while (done.fetch_add(kBatch) < step) Append(store, maker.Make(kBatch));
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::printf("%9d %12.0f %14lld %8lld\n", filled + step,
                step / absl::ToDoubleSeconds(MonotonicNow() - begun_at),
                static_cast<long long>((WrittenBytes() - written_before) / step),
                static_cast<long long>(ResidentMebibytes()));
    std::fflush(stdout);
  }
}

void MeasureLists(SqliteStore& store, EventMaker& maker) {
  constexpr int kTimes = 300;
  const auto list = [&](const notifier::EventFilter& filter, int64_t before) {
    const auto listed = store.ListEvents(filter, before, 50);
    Require(listed.ok(), listed.status().ToString());
  };
  const absl::Time now = absl::Now();
  std::printf("%-44s %9s %9s %9s\n", "50 at a time (ms)", "p50", "p99", "most");
  MeasureTimes("events, the newest", kTimes, [&] { list({}, 0); });
  MeasureTimes("events, somewhere", kTimes, [&] { list({}, 1 + maker.Below(500000)); });
  MeasureTimes("events of an account", kTimes, [&] {
    list({.account_sid = EventMaker::Account(maker.Below(kAccounts))}, 1 + maker.Below(500000));
  });
  MeasureTimes("events to a number", kTimes,
               [&] { list({.phone_number = EventMaker::Number(maker.Below(kNumbers))}, 0); });
  MeasureTimes("events of a call", kTimes,
               [&] { list({.resource_sid = absl::StrCat("CA", maker.Hex(), maker.Hex())}, 0); });
  MeasureTimes("events of a code", kTimes, [&] { list({.error_code = 12100}, 0); });
  MeasureTimes("events of an account and a code", kTimes, [&] {
    list({.account_sid = EventMaker::Account(maker.Below(kAccounts)), .error_code = 12100}, 0);
  });
  MeasureTimes("events of an account, code never seen", kTimes, [&] {
    list({.account_sid = EventMaker::Account(maker.Below(kAccounts)), .error_code = 11750}, 0);
  });
  MeasureTimes("events of a group", kTimes, [&] { list({.group_id = 1 + maker.Below(500)}, 0); });
  MeasureTimes("events before this day", kTimes, [&] { list({.end = now - absl::Hours(24)}, 0); });
  MeasureTimes("groups", kTimes, [&] {
    const auto listed = store.ListGroups({}, std::nullopt, 50);
    Require(listed.ok(), listed.status().ToString());
  });
  MeasureTimes("status", kTimes, [&] { Require(store.ReadStatus().ok(), "status"); });
  MeasureTimes("next due", kTimes, [&] { Require(store.NextDueAt().ok(), "next due"); });
}

void MeasureClaims(SqliteStore& store) {
  constexpr int kMails = 2000;
  const absl::Time now = absl::Now();
  const auto write = [&](auto work) {
    const absl::Status status = store.Write(work);
    Require(status.ok(), status.ToString());
  };
  std::printf("%-44s %9s %9s %9s\n", "transactions (ms)", "p50", "p99", "most");
  MeasureTimes("write a mail of 8 KiB", kMails, [&] {
    write([&](notifier::StoreTransaction& transaction) {
      transaction.AddMail({.recipient = "ops@example.com",
                           .reason = notifier::Reason::kNews,
                           .message_id = "1@example.com",
                           .subject = "news",
                           .bytes = std::string(8192, 'm'),
                           .written_at = now,
                           .next_attempt_at = now});
      return absl::OkStatus();
    });
  });
  MeasureTimes("claim the next due mail", kMails, [&] {
    write([&](notifier::StoreTransaction& transaction) {
      std::optional<notifier::Mail> mail = transaction.NextDueMail(now);
      Require(mail.has_value(), "a due mail");
      mail->state = notifier::MailState::kSending;
      transaction.SaveMailOutcome(*mail);
      return absl::OkStatus();
    });
  });
  MeasureTimes("50 due groups", 200, [&] {
    write([&](notifier::StoreTransaction& transaction) {
      transaction.DueGroups(absl::InfiniteFuture(), 50);
      return absl::OkStatus();
    });
  });
  MeasureTimes("count the events of a day", 20, [&] {
    write([&](notifier::StoreTransaction& transaction) {
      transaction.CountEvents(now - absl::Hours(24));
      return absl::OkStatus();
    });
  });
  MeasureTimes("purge 500 events", 200, [&] {
    write([&](notifier::StoreTransaction& transaction) {
      transaction.Purge(absl::InfiniteFuture(), 500);
      return absl::OkStatus();
    });
  });
}

int Main(int argc, char** argv) {
  if (argc > 1) setenv("TMPDIR", argv[1], 1);
  const int large = argc > 2 ? std::atoi(argv[2]) : 1000000;
  const TempDir folder;
  std::printf("%9s %6s %12s %9s %9s %9s %8s\n", "appenders", "batch", "events/s", "p50 ms",
              "p99 ms", "most ms", "RSS MiB");
  for (const int batch : {1, 100}) {
    for (const int appenders : {16, 64}) MeasureAppends(folder.path(), appenders, batch);
  }
  MeasureSteadyAppends(folder.path(), 1000, 50, 1);
  MeasureSteadyAppends(folder.path(), 10000, 50, 1);
  MeasureSteadyAppends(folder.path(), 10000, 50, 10);
  const std::string path = folder.path() + "/large.db";
  std::printf("\nfilling a large database: 16 appenders, 100 at a time\n");
  {
    const std::unique_ptr<SqliteStore> store = OpenStore(path);
    Fill(*store, large);
  }
  const absl::Time begun_at = MonotonicNow();
  const std::unique_ptr<SqliteStore> store = OpenStore(path);
  std::printf("opened after a clean stop in %.1f ms\n\n", Milliseconds(MonotonicNow() - begun_at));
  EventMaker maker(7);
  MeasureLists(*store, maker);
  std::printf("\n");
  MeasureClaims(*store);
  return 0;
}

}  // namespace
}  // namespace understudy::testing

int main(int argc, char** argv) {
  return understudy::testing::Main(argc, argv);
}
