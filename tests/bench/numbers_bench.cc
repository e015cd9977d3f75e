// What stored numbers cost: the start, memory, a look-up, a change.
//
//   numbers_bench [NUMBERS [DIRECTORY]]
//
// 1,000,000 numbers unless told, first with four URLs of their own each, then with the same for
// all; the database lies in a new folder of /tmp (or $TMPDIR), or in DIRECTORY. Build with the
// release preset. Fails if the figures are not those that docs/performance.md promises.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/serving/log.h"
#include "common/serving/monotonic_clock.h"
#include "services/router/routes/numbers.h"
#include "tests/router/routes/numbers_world.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using router::Numbers;
using router::NumberTable;
using router::RouteTable;
using serving::MonotonicNow;

constexpr double kMaxStartSeconds = 5;
constexpr double kMaxLookupNanos = 1000;
constexpr double kMaxBytes = 400;
constexpr double kMaxChangeMillis = 10;  // 99 of 100, beside the flush to the disk

constexpr int kLookups = 5'000'000;
constexpr int kChanges = 1000;
constexpr std::chrono::microseconds kPace(200);  // 5,000 calls a second
constexpr int kChangesOfOthers = 30;

std::string PhoneOf(int i) {
  return absl::StrCat("+1", 2'000'000'000 + i);
}

double Seconds(absl::Duration duration) {
  return absl::ToDoubleSeconds(duration);
}

double ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  file >> pages >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double At(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

void Import(const std::string& path, int count, bool has_own_urls) {
  const auto store = OpenStore(path);
  const auto import = store->BeginImport(kToday);
  for (int i = 0; i < count; ++i) {
    const std::string phone = PhoneOf(i);
    const std::string query = has_own_urls ? absl::StrCat("?number=", phone.substr(1)) : "";
    const auto errors =
        import->Put({{"account_sid", kOwner},
                     {"phone_number", phone},
                     {"voice_url", absl::StrCat("https://www.example.com/voice", query)},
                     {"voice_fallback_url", absl::StrCat("https://b.example.com/voice", query)},
                     {"sms_url", absl::StrCat("https://www.example.com/sms", query)},
                     {"sms_fallback_url", absl::StrCat("https://b.example.com/sms", query)}});
    Require(errors.empty(), errors.empty() ? "" : errors.front().message);
  }
  const absl::Status status = import->Commit();
  Require(status.ok(), status.ToString());
}

// In a process of its own, so that what it took is not counted for others; its exit status.
int Aside(const std::function<int()>& work) {
  std::fflush(stdout);
  const pid_t pid = ::fork();
  Require(pid >= 0, "fork");
  if (pid == 0) {
    const int status = work();
    std::fflush(stdout);
    std::_Exit(status);
  }
  int status = 0;
  Require(::waitpid(pid, &status, 0) == pid && WIFEXITED(status), "the end of a process");
  return WEXITSTATUS(status);
}

// Leaves nothing of the file in memory.
void Forget(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  Require(fd >= 0 && ::fdatasync(fd) == 0, path);
  Require(::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0, path);
  ::close(fd);
}

// A router, as far as its numbers go: what calls take is behind a lock, as in its door.
class Replica {
 public:
  explicit Replica(const std::string& path) {
    auto numbers = Numbers::Open(
        {.path = path,
         .publish =
             [this](const NumberTable& table) {
               auto routes = std::make_shared<const RouteTable>(routes_.WithStored(table));
               MutexLock lock(mutex_);
               now_ = std::move(routes);
             }},
        routes_, {}, kToday);
    Require(numbers.ok(), numbers.ok() ? "" : numbers.status().ToString());
    numbers_ = *std::move(numbers);
  }

  Numbers& numbers() { return *numbers_; }
  std::shared_ptr<const RouteTable> Routes() {
    MutexLock lock(mutex_);
    return now_;
  }
  // How long the last change took until it was on the disk.
  absl::Duration last_write() {
    MutexLock lock(mutex_);
    return last_write_;
  }
  std::string Goes(const std::string& phone) {
    return Routes()->FindNumber(phone, twilio::Kind::kVoice)->handler->primary.url;
  }

 private:
  const RouteTable routes_{{{.sid = kOwner, .auth_token = Secret("0123456789abcdef")}}, {}};
  Mutex mutex_;
  std::shared_ptr<const RouteTable> now_ GUARDED_BY(mutex_);
  absl::Duration last_write_ GUARDED_BY(mutex_);
  std::unique_ptr<Numbers> numbers_;
};

class Bench {
 public:
  Bench(int count, std::string directory) : count_(count), directory_(std::move(directory)) {}

  void Run(bool has_own_urls) {
    absl::PrintF("%d numbers, %s:\n", count_,
                 has_own_urls ? "four URLs of its own each" : "the same four URLs for all");
    const std::string path =
        absl::StrCat(directory_, has_own_urls ? "/own" : "/same", "-numbers.db");
    const absl::Time begun = MonotonicNow();
    Require(Aside([&] {
              Import(path, count_, has_own_urls);
              return 0;
            }) == 0,
            "the import");
    Row("import, one transaction", Seconds(MonotonicNow() - begun), "s");
    Row("the file", static_cast<double>(std::filesystem::file_size(path)) / 1e6, "MB");
    Forget(path);
    const double before = ResidentBytes();
    const absl::Time opened = MonotonicNow();
    Replica replica(path);
    Row("start: from the file to the table, nothing cached", Seconds(MonotonicNow() - opened), "s",
        kMaxStartSeconds);
    const double bytes = (ResidentBytes() - before) / count_;
    Row("memory for each number", bytes, "B", kMaxBytes);
    Lookups(replica);
    Changes(replica);
    ChangesOfOthers(replica, path);
    absl::PrintF("\n");
  }
  bool is_good() const { return is_good_; }

 private:
  void Row(const char* what, double value, const char* unit, double limit = 0) {
    absl::PrintF("  %-58s %10.3f %-3s", what, value, unit);
    if (limit > 0) absl::PrintF(" (limit %g)%s", limit, value < limit ? "" : "  MISSED");
    absl::PrintF("\n");
    if (limit > 0 && value >= limit) is_good_ = false;
  }

  void Lookups(Replica& replica) {
    std::mt19937 random(1);
    std::vector<std::string> phones;
    for (int i = 0; i < 1 << 16; ++i) {
      phones.push_back(PhoneOf(static_cast<int>(random() % static_cast<unsigned>(count_))));
    }
    size_t bytes = 0;
    const auto measure = [&](auto look_up) {
      const absl::Time begun = MonotonicNow();
      for (size_t i = 0; i < kLookups; ++i) bytes += look_up(phones[i % phones.size()]);
      return absl::ToDoubleNanoseconds(MonotonicNow() - begun) / kLookups;
    };
    const std::shared_ptr<const RouteTable> routes = replica.Routes();
    Row("a look-up in the table", measure([&](const std::string& phone) {
          return routes->stored().FindNumber(phone)->voice.url.size();
        }),
        "ns", kMaxLookupNanos);
    Row("the same, with the route that a call takes with it",
        measure([&](const std::string& phone) {
          return replica.Routes()->FindNumber(phone, twilio::Kind::kVoice)->account_sid.size();
        }),
        "ns", kMaxLookupNanos);
    Require(bytes > 0, "look-ups");
  }

  void Changes(Replica& replica) {
    std::atomic<bool> is_over = false;
    std::vector<double> lookups;
    std::thread calls([&] {
      std::mt19937 random(2);
      auto next = std::chrono::steady_clock::now();
      while (!is_over) {
        std::this_thread::sleep_until(next += kPace);
        const std::string phone =
            PhoneOf(static_cast<int>(random() % static_cast<unsigned>(count_)));
        const absl::Time begun = MonotonicNow();
        Require(!replica.Goes(phone).empty(), phone);
        lookups.push_back(absl::ToDoubleMicroseconds(MonotonicNow() - begun));
      }
    });
    std::mt19937 random(3);
    std::vector<double> writes;
    std::vector<double> changes;
    for (int i = 0; i < kChanges; ++i) {
      const std::string phone = PhoneOf(static_cast<int>(random() % static_cast<unsigned>(count_)));
      const auto number = Good(replica.numbers().ListNumbers(kOwner, {.phone_number = phone}, {}));
      const std::string url = absl::StrCat("https://changed.example.com/", i);
      const absl::Time begun = MonotonicNow();
      Good(replica.numbers().UpdateNumber(kOwner, number.items.front().sid, {{"VoiceUrl", url}},
                                          kToday));
      Require(replica.Goes(phone) == url, "the next call goes by the change");
      const absl::Duration write = replica.last_write();
      writes.push_back(absl::ToDoubleMilliseconds(write));
      changes.push_back(absl::ToDoubleMilliseconds(MonotonicNow() - begun - write));
    }
    is_over = true;
    calls.join();
    Row("a change, until it is on the disk, median", At(writes, 0.5), "ms");
    Row("... 99 of 100", At(writes, 0.99), "ms");
    Row("from there until the next call goes by it, median", At(changes, 0.5), "ms");
    Row("... 99 of 100", At(changes, 0.99), "ms", kMaxChangeMillis);
    Row("... the slowest", At(changes, 1), "ms");
    Row("a call's look-up meanwhile, median", At(lookups, 0.5), "us");
    Row("... 999 of 1000", At(lookups, 0.999), "us");
  }

  void ChangesOfOthers(Replica& replica, const std::string& path) {
    const auto store = OpenStore(path);
    replica.numbers().Watch();
    std::vector<double> millis;
    for (int i = 0; i < kChangesOfOthers; ++i) {
      const std::string phone = PhoneOf(i);
      const auto number = Good(store->FindNumber(phone));
      const std::string url = absl::StrCat("https://others.example.com/", i);
      Good(store->UpdateNumber(kOwner, number.sid, {{"VoiceUrl", url}}, kToday));
      const absl::Time answered = MonotonicNow();
      while (replica.Goes(phone) != url) absl::SleepFor(absl::Milliseconds(1));
      millis.push_back(absl::ToDoubleMilliseconds(MonotonicNow() - answered));
    }
    Row("another process's change, until calls go by it, the slowest", At(millis, 1), "ms", 1000);
  }

  const int count_;
  const std::string directory_;
  bool is_good_ = true;
};

int Main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 1'000'000;
  if (count < 1 || count > 10'000'000 || argc > 3) {
    std::fputs("usage: numbers_bench [NUMBERS [DIRECTORY]]\n", stderr);
    return 2;
  }
  const TempDir temporary;
  const std::string directory = argc > 2 ? argv[2] : temporary.path();
  int status = 0;
  for (const bool has_own_urls : {true, false}) {
    status |= Aside([&] {
      Bench bench(count, directory);
      bench.Run(has_own_urls);
      return bench.is_good() ? 0 : 1;
    });
  }
  return status;
}

}  // namespace
}  // namespace understudy::testing

int main(int argc, char** argv) {
  return understudy::testing::Main(argc, argv);
}
