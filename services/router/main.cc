#include <getopt.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "common/serving/log.h"
#include "common/serving/stop_signal.h"
#include "common/version.h"
#include "services/router/config.h"
#include "services/router/router.h"

namespace understudy::router {
namespace {

constexpr char kUsage[] = R"(Usage: understudy-router --config FILE [--check-config]

Answers gRPC calls to understudy.router.v1.RouterService/ResolveTwiML with TwiML from a number's
primary URL or, when that fails, from its fallback URL.

  --config FILE    the configuration (YAML); read again on SIGHUP and when it changes
  --check-config   only read the configuration and say every mistake in it: status 0 or 2
  --version        print the version
  --help           print this

SIGTERM stops it: no new calls, those under way are answered, events that wait for the notifier are
sent, status 0. A second one stops it now.
)";

constexpr absl::Duration kLookAtFileEvery = absl::Seconds(1);
constexpr absl::Duration kLookWhetherStopped = absl::Milliseconds(20);
constexpr absl::Duration kFlushTime = absl::Seconds(2);

using serving::Log;
using serving::LogLevel;
using serving::StopSignal;

// Changes when the content of a file may have.
using FileStamp = std::tuple<ino_t, off_t, time_t, long>;

std::vector<FileStamp> StampsOf(const std::vector<std::string>& paths) {
  std::vector<FileStamp> stamps;
  for (const std::string& path : paths) {
    struct stat file = {};
    FileStamp& stamp = stamps.emplace_back();
    if (stat(path.c_str(), &file) != 0) continue;
    stamp = {file.st_ino, file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec};
  }
  return stamps;
}

// All that a configuration is made of.
std::vector<std::string> FilesOf(const std::string& path, const RouterConfig& config) {
  std::vector<std::string> files = {path};
  files.insert(files.end(), config.files.begin(), config.files.end());
  return files;
}

void LogWarnings(const RouterConfig& config) {
  for (const std::string& warning : config.warnings) {
    Log(LogLevel::kWarning, "configuration", {{"detail", warning}});
  }
}

// `files` are then those to watch.
void Reload(Router& router, const std::string& path, std::vector<std::string>& files) {
  absl::StatusOr<RouterConfig> config = LoadRouterConfig(path);
  if (!config.ok()) {
    router.CountRefusedReload();
    Log(LogLevel::kError, "configuration refused, the old one stays",
        {{"mistakes", config.status().message()}});
    return;
  }
  files = FilesOf(path, *config);
  LogWarnings(*config);
  router.Reload(*config);
  serving::SetLogLevel(config->log_level);
  Log(LogLevel::kInfo, "configuration loaded",
      {{"numbers", static_cast<int64_t>(config->numbers.size())},
       {"accounts", static_cast<int64_t>(config->accounts.size())}});
}

int Serve(StopSignal& signals, const std::string& path, const RouterConfig& config) {
  serving::SetLogLevel(config.log_level);
  absl::StatusOr<std::unique_ptr<Router>> started = Router::Start(config);
  if (!started.ok()) {
    serving::FlushLog(kFlushTime);
    std::fprintf(stderr, "understudy-router: %s\n",
                 std::string(started.status().message()).c_str());
    return 1;
  }
  Router& router = **started;
  const std::string grpc = serving::ListenAddressText(config.grpc_listen);
  const std::string admin = serving::ListenAddressText(config.admin_listen);
  Log(LogLevel::kInfo, "serving",
      {{"version", kVersion},
       {"grpc", grpc},
       {"grpc_port", router.grpc_port()},
       {"admin", admin},
       {"admin_port", router.admin_port()},
       {"numbers", static_cast<int64_t>(config.numbers.size())},
       {"bins", static_cast<int64_t>(config.bins.size())}});
  LogWarnings(config);
  if (config.session_key.empty()) {
    Log(LogLevel::kWarning,
        "session_key_file is not set: only this process, until it ends, can read the sessions it "
        "gives to calls");
  }

  std::vector<std::string> files = FilesOf(path, config);
  std::vector<FileStamp> stamps = StampsOf(files);
  while (true) {
    const StopSignal::Event event = signals.Wait(kLookAtFileEvery);
    if (event == StopSignal::Event::kStop) break;
    std::vector<FileStamp> now = StampsOf(files);
    if (event == StopSignal::Event::kReload || now != stamps) {
      const std::vector<std::string> before = files;
      Reload(router, path, files);
      if (files != before) now = StampsOf(files);
    }
    stamps = std::move(now);
  }
  Log(LogLevel::kInfo, "stopping: calls under way are answered");
  std::atomic<bool> is_stopped = false;
  std::thread stopping([&] {
    router.Stop(kDrainTime);
    is_stopped = true;
  });
  while (!is_stopped) {
    if (signals.Wait(kLookWhetherStopped) != StopSignal::Event::kStop) continue;
    Log(LogLevel::kWarning, "stopped at once: calls under way are lost");
    serving::FlushLog(kFlushTime);
    std::_Exit(1);
  }
  stopping.join();
  Log(LogLevel::kInfo, "stopped");
  serving::FlushLog(kFlushTime);
  return 0;
}

int Main(int argc, char** argv) {
  std::string path;
  bool check_only = false;
  const option options[] = {{"config", required_argument, nullptr, 'c'},
                            {"check-config", no_argument, nullptr, 'k'},
                            {"version", no_argument, nullptr, 'v'},
                            {"help", no_argument, nullptr, 'h'},
                            {}};
  for (int choice; (choice = getopt_long(argc, argv, "", options, nullptr)) != -1;) {
    switch (choice) {
      case 'c':
        path = optarg;
        break;
      case 'k':
        check_only = true;
        break;
      case 'v':
        std::printf("understudy-router %s\n", kVersion);
        return 0;
      case 'h':
        std::fputs(kUsage, stdout);
        return 0;
      default:
        std::fputs("Try understudy-router --help.\n", stderr);
        return 2;
    }
  }
  if (path.empty() || optind < argc) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  StopSignal signals;
  const absl::StatusOr<RouterConfig> config = LoadRouterConfig(path);
  if (!config.ok()) {
    std::fprintf(stderr, "%s\n", std::string(config.status().message()).c_str());
    return 2;
  }
  if (check_only) {
    for (const std::string& warning : config->warnings) std::printf("%s\n", warning.c_str());
    std::printf("%s: good: %zu numbers, %zu accounts, %zu bins\n", path.c_str(),
                config->numbers.size(), config->accounts.size(), config->bins.size());
    return 0;
  }
  return Serve(signals, path, *config);
}

}  // namespace
}  // namespace understudy::router

int main(int argc, char** argv) {
  return understudy::router::Main(argc, argv);
}
