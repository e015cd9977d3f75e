// Appends events to a store until somebody kills it, and prints the id of each that is
// acknowledged:
//   append_until_killed DATABASE PREFIX
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/notifier/store/sqlite_store.h"
#include "tests/notifier/store/sample_events.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

constexpr int kThreads = 4;
constexpr int kHosts = 5;

void AppendForEver(notifier::Store& store, const std::string& prefix) {
  for (int call = 0;; ++call) {
    std::vector<notifier::Event> events;
    std::string lines;
    for (int i = 0; i <= call % 8; ++i) {
      events.push_back(SampleEventAt(absl::StrCat(prefix, "-", call, "-", i),
                                     absl::StrCat("https://h", i % kHosts, ".example.com/")));
      absl::StrAppend(&lines, events.back().event_id, "\n");
    }
    const auto appended = store.Append(std::move(events));
    Require(appended.ok(), appended.status().ToString());
    // One write, which a pipe takes whole.
    Require(
        ::write(STDOUT_FILENO, lines.data(), lines.size()) == static_cast<ssize_t>(lines.size()),
        "telling what is acknowledged");
  }
}

int Main(int argc, char** argv) {
  Require(argc == 3, "arguments: DATABASE PREFIX");
  // A small log, so that it is written back over and over.
  auto store =
      notifier::SqliteStore::Open({.database = {.path = argv[1], .checkpoint_bytes = 200'000}});
  Require(store.ok(), store.status().ToString());
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] { AppendForEver(**store, absl::StrCat(argv[2], ".", i)); });
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace understudy::testing

int main(int argc, char** argv) {
  return understudy::testing::Main(argc, argv);
}
