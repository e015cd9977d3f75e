#include "common/serving/process.h"

#include <getopt.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

#include "common/serving/file_stamp.h"
#include "common/serving/log.h"
#include "common/serving/stop_signal.h"
#include "common/version.h"

namespace understudy::serving {
namespace {

constexpr absl::Duration kLookAtFilesEvery = absl::Seconds(1);
constexpr absl::Duration kLookWhetherStopped = absl::Milliseconds(20);
constexpr absl::Duration kFlushTime = absl::Seconds(2);

// All that the configuration is made of.
std::vector<std::string> FilesOf(const Service& service, const std::string& path) {
  std::vector<std::string> files = service.files();
  files.push_back(path);
  return files;
}

void LogWarnings(const Service& service) {
  for (const std::string& warning : service.warnings()) {
    Log(LogLevel::kWarning, "configuration", {{"detail", warning}});
  }
}

// `files` are then those to watch.
void Reload(const Service& service, const std::string& path, std::vector<std::string>& files) {
  const absl::Status loaded = service.load(path);
  if (!loaded.ok()) {
    service.on_refused_reload();
    Log(LogLevel::kError, "configuration refused, the old one stays",
        {{"mistakes", loaded.message()}});
    return;
  }
  files = FilesOf(service, path);
  LogWarnings(service);
  service.reload();
  Log(LogLevel::kInfo, "configuration loaded", {{"holds", service.summary()}});
}

int Serve(const Service& service, const std::string& path, StopSignal& signals) {
  std::vector<std::string> files = FilesOf(service, path);
  std::vector<FileStamp> stamps = StampsOf(files);
  if (const absl::Status started = service.start(); !started.ok()) {
    FlushLog(kFlushTime);
    std::fprintf(stderr, "%s: %s\n", service.name, std::string(started.message()).c_str());
    return 1;
  }
  LogWarnings(service);
  while (true) {
    const StopSignal::Event event = signals.Wait(kLookAtFilesEvery);
    if (event == StopSignal::Event::kStop) break;
    std::vector<FileStamp> now = StampsOf(files);
    if (event == StopSignal::Event::kReload || now != stamps) {
      const std::vector<std::string> before = files;
      Reload(service, path, files);
      if (files != before) now = StampsOf(files);
    }
    stamps = std::move(now);
    service.refresh();
  }
  Log(LogLevel::kInfo, "stopping: what is under way is finished");
  std::atomic<bool> is_stopped = false;
  std::thread stopping([&] {
    service.stop();
    is_stopped = true;
  });
  while (!is_stopped) {
    if (signals.Wait(kLookWhetherStopped) != StopSignal::Event::kStop) continue;
    Log(LogLevel::kWarning, "stopped at once: what was under way is lost");
    FlushLog(kFlushTime);
    std::_Exit(1);
  }
  stopping.join();
  Log(LogLevel::kInfo, "stopped");
  FlushLog(kFlushTime);
  return 0;
}

}  // namespace

void RaiseDescriptorLimit(int64_t needed, const char* setting) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < static_cast<rlim_t>(needed)) {
    Log(LogLevel::kWarning, "the limit of open files is lower than a setting needs",
        {{"setting", setting},
         {"limit", static_cast<int64_t>(limit.rlim_cur)},
         {"needed", needed}});
  }
}

int RunService(int argc, char** argv, const Service& service) {
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
        std::printf("%s %s\n", service.name, kVersion);
        return 0;
      case 'h':
        std::fputs(service.usage, stdout);
        return 0;
      default:
        std::fprintf(stderr, "Try %s --help.\n", service.name);
        return 2;
    }
  }
  if (path.empty() || optind < argc) {
    std::fputs(service.usage, stderr);
    return 2;
  }
  StopSignal signals;  // before any other thread
  if (const absl::Status loaded = service.load(path); !loaded.ok()) {
    std::fprintf(stderr, "%s\n", std::string(loaded.message()).c_str());
    return 2;
  }
  if (check_only) {
    for (const std::string& warning : service.warnings()) std::printf("%s\n", warning.c_str());
    std::printf("%s: good: %s\n", path.c_str(), service.summary().c_str());
    return 0;
  }
  return Serve(service, path, signals);
}

}  // namespace understudy::serving
