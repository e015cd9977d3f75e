// What a call pays for its event: the time of OutboxSender::Append, in microseconds, while 5,000
// calls a second go wrong.
//
//   outbox_bench [APPENDS [DIRECTORY]]
//
// 20,000 appends a row unless told; files lie in a new folder of /tmp (or $TMPDIR), or in
// DIRECTORY. Build with the release preset; the log goes to standard error.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/serving/log.h"
#include "common/serving/monotonic_clock.h"
#include "services/router/report/outbox.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using router::Outbox;
using router::OutboxOptions;
using router::OutboxSender;
using router::SendResult;
using serving::MonotonicNow;
using Records = std::vector<std::string>;
using State = SendResult::State;

// An event as calls make it: sids, numbers, a URL, a sentence, the beginning of a response.
constexpr size_t kEventBytes = 600;
constexpr std::chrono::microseconds kPace(200);

class Bench {
 public:
  Bench(int appends, std::string directory) : appends_(appends), directory_(std::move(directory)) {}

  void Row(const char* name, const std::function<void()>& append) {
    std::vector<double> micros;
    micros.reserve(static_cast<size_t>(appends_));
    double sum = 0;
    auto next = std::chrono::steady_clock::now();
    for (int i = 0; i < appends_; ++i) {
      std::this_thread::sleep_until(next += kPace);
      const absl::Time before = MonotonicNow();
      append();
      micros.push_back(absl::ToDoubleMicroseconds(MonotonicNow() - before));
      sum += micros.back();
    }
    const double mean = sum / appends_;
    std::sort(micros.begin(), micros.end());
    const auto at = [&](double share) {
      return micros[static_cast<size_t>(share * static_cast<double>(micros.size() - 1))];
    };
    table_ += absl::StrFormat("%-52s %8.2f %8.2f %8.2f %8.1f %10.1f\n", name, mean, at(0.5),
                              at(0.99), at(0.999), micros.back());
  }

  // The same of an outbox whose far end answers so.
  void OutboxRow(const char* name, State state, int64_t max_bytes, const Records& records) {
    const std::string directory = absl::StrCat(directory_, "/outbox");
    OutboxOptions options = {.directory = directory, .max_bytes = max_bytes};
    options.random = [] { return 0.5; };
    options.send = [state](const Records&) {
      return SendResult{.state = state, .finished_at = MonotonicNow()};
    };
    auto outbox = Outbox::Open(std::move(options), MonotonicNow(), absl::Now());
    Require(outbox.ok(), std::string(outbox.status().message()));
    {
      OutboxSender sender(*std::move(outbox), [] {});
      Row(name, [&] { sender.Append(records); });
    }
    std::filesystem::remove_all(directory);
  }

  const std::string& directory() const { return directory_; }
  const std::string& table() const { return table_; }

 private:
  const int appends_;
  const std::string directory_;
  std::string table_;
};

// Somebody else on the same disk who syncs all the time.
class Neighbour {
 public:
  explicit Neighbour(const std::string& directory)
      : thread_([this, path = absl::StrCat(directory, "/neighbour")] {
          const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
          Require(fd >= 0, "a file of the neighbour");
          const std::string page(4096, 'x');
          while (!is_over_) {
            Require(write(fd, page.data(), page.size()) > 0 && fsync(fd) == 0, "a synced write");
          }
          close(fd);
        }) {}
  ~Neighbour() {
    is_over_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

int Main(int argc, char** argv) {
  const int appends = argc > 1 ? std::atoi(argv[1]) : 20000;
  if (appends <= 0) {
    std::fputs("usage: outbox_bench [APPENDS [DIRECTORY]]\n", stderr);
    return 2;
  }
  serving::SetLogLevel(serving::LogLevel::kError);
  const TempDir temporary;
  Bench bench(appends, argc > 2 ? argv[2] : temporary.path());
  const Records one = {std::string(kEventBytes, 'e')};
  const Records two(2, one[0]);

  {
    const std::string path = absl::StrCat(bench.directory(), "/plain");
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    Require(fd >= 0, "a file");
    bench.Row("write(2) of the same bytes, for scale",
              [&] { Require(write(fd, one[0].data(), one[0].size()) > 0, "a write"); });
    close(fd);
    unlink(path.c_str());
  }
  bench.OutboxRow("one event, the notifier takes everything", State::kAccepted,
                  router::kMaxOutboxBytes, one);
  bench.OutboxRow("one event, the notifier is away", State::kTryLater, router::kMaxOutboxBytes,
                  one);
  bench.OutboxRow("two events, the notifier is away", State::kTryLater, router::kMaxOutboxBytes,
                  two);
  bench.OutboxRow("one event, away, the outbox is full (1 MiB)", State::kTryLater,
                  router::kMinOutboxBytes, one);
  {
    const Neighbour neighbour(bench.directory());
    bench.OutboxRow("one event, away, a neighbour syncs all the time", State::kTryLater,
                    router::kMaxOutboxBytes, one);
  }
  signal(SIGXFSZ, SIG_IGN);
  rlimit files = {};
  Require(getrlimit(RLIMIT_FSIZE, &files) == 0, "the limit of files' sizes");
  const rlimit no_files = {.rlim_cur = 0, .rlim_max = files.rlim_max};
  Require(setrlimit(RLIMIT_FSIZE, &no_files) == 0, "a limit of files' sizes");
  bench.OutboxRow("one event, away, the disk takes nothing", State::kTryLater,
                  router::kMaxOutboxBytes, one);
  setrlimit(RLIMIT_FSIZE, &files);
  absl::PrintF("%-52s %8s %8s %8s %8s %10s\n%s",
               absl::StrCat(appends, " appends each, microseconds"), "mean", "p50", "p99", "p99.9",
               "longest", bench.table());
  return 0;
}

}  // namespace
}  // namespace understudy::testing

int main(int argc, char** argv) {
  return understudy::testing::Main(argc, argv);
}
