#include <getopt.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <tuple>

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

SIGTERM stops it: no new calls, those under way are answered, status 0. A second one stops it now.
)";

constexpr absl::Duration kLookAtFileEvery = absl::Seconds(1);
constexpr absl::Duration kLookWhetherStopped = absl::Milliseconds(20);
constexpr absl::Duration kFlushTime = absl::Seconds(2);

using serving::Log;
using serving::LogLevel;
using serving::StopSignal;

// Changes when the file's content may have.
using FileStamp = std::tuple<ino_t, off_t, time_t, long>;

FileStamp StampOf(const std::string& path) {
  struct stat file = {};
  if (stat(path.c_str(), &file) != 0) return {};
  return {file.st_ino, file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec};
}

void Reload(Router& router, const std::string& path) {
  absl::StatusOr<RouterConfig> config = LoadRouterConfig(path);
  if (!config.ok()) {
    router.CountRefusedReload();
    Log(LogLevel::kError, "configuration refused, the old one stays",
        {{"mistakes", config.status().message()}});
    return;
  }
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
       {"numbers", static_cast<int64_t>(config.numbers.size())}});

  FileStamp stamp = StampOf(path);
  while (true) {
    const StopSignal::Event event = signals.Wait(kLookAtFileEvery);
    if (event == StopSignal::Event::kStop) break;
    const FileStamp now = StampOf(path);
    if (event == StopSignal::Event::kReload || now != stamp) Reload(router, path);
    stamp = now;
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
    std::printf("%s: good: %zu numbers, %zu accounts\n", path.c_str(), config->numbers.size(),
                config->accounts.size());
    return 0;
  }
  return Serve(signals, path, *config);
}

}  // namespace
}  // namespace understudy::router

int main(int argc, char** argv) {
  return understudy::router::Main(argc, argv);
}
