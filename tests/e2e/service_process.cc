#include "tests/e2e/service_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/testing/program.h"
#include "tests/testing/require.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

constexpr absl::Duration kBound = absl::Seconds(40);
constexpr char kServing[] = "\"message\":\"serving\"";

struct Child {
  pid_t pid = -1;
  int output = -1;  // the reading end of its standard error
};

Child Spawn(const std::vector<std::string>& command) {
  int ends[2];
  Require(pipe2(ends, O_CLOEXEC) == 0, "a pipe");
  const Child child{.pid = StartProgram(command, ends[1]), .output = ends[0]};
  close(ends[1]);
  return child;
}

int ExitStatus(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int NumberAfter(absl::string_view line, absl::string_view key) {
  const size_t at = line.find(key);
  if (at == absl::string_view::npos) return 0;
  absl::string_view rest = line.substr(at + key.size());
  int number = 0;
  static_cast<void>(absl::SimpleAtoi(rest.substr(0, rest.find_first_of(",}")), &number));
  return number;
}

}  // namespace

ServiceProcess::ServiceProcess(const std::string& binary, const std::string& path, KeepLog keep_log)
    : keep_log_(keep_log) {
  const Child child = Spawn({binary, "--config", path});
  pid_ = child.pid;
  reader_ = std::thread([this, fd = child.output] { ReadLog(fd); });
}

ServiceProcess::~ServiceProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  {
    MutexLock lock(mutex_);
    has_ended_ = true;
  }
  ended_.NotifyAll();
  reader_.join();
}

void ServiceProcess::ReadLog(int fd) {
  std::string pending;
  bool keeps = true;
  char buffer[65536];
  for (ssize_t count; (count = read(fd, buffer, sizeof buffer)) > 0;) {
    {
      MutexLock lock(mutex_);
      ended_.Wait(mutex_, [&]() REQUIRES(mutex_) { return reads_log_ || has_ended_; });
    }
    if (!keeps) continue;
    pending.append(buffer, static_cast<size_t>(count));
    for (size_t end; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1)) {
      if (keep_log_ == KeepLog::kUntilReady &&
          absl::StrContains(pending.substr(0, end), kServing)) {
        keeps = false;
      }
      MutexLock lock(mutex_);
      log_.push_back(pending.substr(0, end));
    }
  }
  close(fd);
}

void ServiceProcess::StopReadingLog() {
  MutexLock lock(mutex_);
  reads_log_ = false;
}

bool ServiceProcess::Ready() {
  if (!WaitForLog(kServing)) return false;
  for (const std::string& line : log()) {
    if (!absl::StrContains(line, kServing)) continue;
    grpc_port_ = NumberAfter(line, "\"grpc_port\":");
    http_port_ = NumberAfter(line, "\"http_port\":");
    admin_port_ = NumberAfter(line, "\"admin_port\":");
  }
  return grpc_port_ != 0 && admin_port_ != 0;
}

void ServiceProcess::Signal(int signal) {
  kill(pid_, signal);
}

int ServiceProcess::WaitForExit() {
  int status = 0;
  const bool ended = WaitFor([&] { return waitpid(pid_, &status, WNOHANG) == pid_; }, kBound);
  if (!ended) return -1;
  pid_ = -1;
  return ExitStatus(status);
}

bool ServiceProcess::WaitForLog(absl::string_view text, int count) {
  return WaitFor(
      [&] {
        MutexLock lock(mutex_);
        int found = 0;
        for (const std::string& line : log_) found += absl::StrContains(line, text) ? 1 : 0;
        return found >= count;
      },
      kBound);
}

std::vector<std::string> ServiceProcess::log() const {
  MutexLock lock(mutex_);
  return log_;
}

int64_t ServiceProcess::StatusField(absl::string_view name) const {
  std::ifstream status(absl::StrCat("/proc/", pid_, "/status"));
  for (std::string word; status >> word;) {
    int64_t value = 0;
    if (word == name && status >> value) return value;
  }
  return -1;
}

int ServiceProcess::threads() const {
  return static_cast<int>(StatusField("Threads:"));
}
int64_t ServiceProcess::resident_kilobytes() const {
  return StatusField("VmRSS:");
}
int64_t ServiceProcess::peak_resident_kilobytes() const {
  return StatusField("VmHWM:");
}

double ServiceProcess::cpu_seconds() const {
  clockid_t clock = {};
  timespec time = {};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return absl::ToDoubleSeconds(absl::DurationFromTimespec(time));
}

}  // namespace understudy::testing
