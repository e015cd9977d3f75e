#include "services/cli/service_process.h"

#include <fcntl.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace understudy::cli {
namespace {

constexpr absl::Duration kKillTime = absl::Seconds(2);
// From the end of its log to the end of a process.
constexpr absl::Duration kReapTime = absl::Milliseconds(200);

LogLine ReadLogLine(absl::string_view text) {
  google::protobuf::Struct object;
  LogLine line;
  if (!google::protobuf::util::JsonStringToMessage(
           google::protobuf::StringPiece(text.data(), text.size()), &object)
           .ok()) {
    return line;
  }
  for (const auto& [name, value] : object.fields()) {
    if (value.has_string_value()) line.texts[name] = value.string_value();
    if (value.has_number_value()) line.numbers[name] = static_cast<int>(value.number_value());
  }
  return line;
}

bool IsServing(const LogLine& line) {
  return line.Text("message") == "serving";
}

// A descriptor that can be read once the process has ended. glibc's own function cannot be linked
// from C++ in the version we build with.
int OpenPidFd(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

// In the child of a process with threads: nothing but system calls. Does not return.
void ExecService(const char* binary, const char* config, int log_fd, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setpgid(0, 0);  // a Ctrl-C is the parent's to act on
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  dup2(log_fd, STDOUT_FILENO);
  dup2(log_fd, STDERR_FILENO);
  close_range(STDERR_FILENO + 1, ~0U, 0);
  execl(binary, binary, "--config", config, static_cast<char*>(nullptr));
  _exit(127);
}

}  // namespace

std::string LogLine::Text(absl::string_view name) const {
  const auto field = texts.find(name);
  return field == texts.end() ? "" : field->second;
}

int LogLine::Number(absl::string_view name) const {
  const auto field = numbers.find(name);
  return field == numbers.end() ? 0 : field->second;
}

absl::StatusOr<std::unique_ptr<ServiceProcess>> ServiceProcess::Start(
    const std::string& binary, const std::string& config_path, absl::Duration bound) {
  if (access(binary.c_str(), X_OK) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot run ", binary));
  }
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "cannot make a pipe");
  const int wake_fd = eventfd(0, EFD_CLOEXEC);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) ExecService(binary.c_str(), config_path.c_str(), pipe_ends[1], parent);
  const int fork_errno = errno;
  close(pipe_ends[1]);
  const int pid_fd = pid < 0 ? -1 : OpenPidFd(pid);
  if (wake_fd < 0 || pid_fd < 0) {
    close(pipe_ends[0]);
    if (wake_fd >= 0) close(wake_fd);
    if (pid > 0) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
    return absl::ErrnoToStatus(fork_errno, "cannot start a process");
  }
  std::unique_ptr<ServiceProcess> process(new ServiceProcess(
      std::filesystem::path(binary).filename().string(), pid, pid_fd, pipe_ends[0], wake_fd));
  const auto is_serving = [](const std::vector<LogLine>& log) {
    return std::any_of(log.begin(), log.end(), IsServing);
  };
  if (process->WaitForLog(bound, is_serving)) return process;
  const std::string what =
      process->WaitForEnd(kReapTime)
          ? absl::StrCat("ended with ", process->EndText(), " and never served")
          : absl::StrCat("does not serve after ", absl::FormatDuration(bound));
  return absl::UnavailableError(absl::StrCat(binary, " ", what, process->LastWords()));
}

ServiceProcess::ServiceProcess(std::string name, pid_t pid, int pid_fd, int log_fd, int wake_fd)
    : name_(std::move(name)), pid_(pid), pid_fd_(pid_fd), log_fd_(log_fd), wake_fd_(wake_fd) {
  reader_ = std::thread([this] { ReadLog(); });
}

ServiceProcess::~ServiceProcess() {
  if (!has_ended_) {
    kill(-pid_, SIGKILL);  // and what it has started
    kill(pid_, SIGKILL);   // if it is not yet the head of a group
    WaitForEnd(kKillTime);
  }
  eventfd_write(wake_fd_, 1);
  reader_.join();
  close(pid_fd_);
  close(log_fd_);
  close(wake_fd_);
}

int ServiceProcess::Port(absl::string_view name) {
  MutexLock lock(mutex_);
  const auto line = std::find_if(log_.begin(), log_.end(), IsServing);
  return line == log_.end() ? 0 : line->Number(absl::StrCat(name, "_port"));
}

void ServiceProcess::ReadLog() {
  std::string unread;
  char bytes[4096];
  while (true) {
    pollfd waits[] = {{.fd = log_fd_, .events = POLLIN, .revents = 0},
                      {.fd = wake_fd_, .events = POLLIN, .revents = 0}};
    if (poll(waits, 2, -1) < 0 && errno == EINTR) continue;
    if (waits[0].revents == 0) break;  // woken, and nothing left to read
    const ssize_t count = read(log_fd_, bytes, sizeof(bytes));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    unread.append(bytes, static_cast<size_t>(count));
    size_t end;
    while ((end = unread.find('\n')) != std::string::npos || unread.size() > kMaxLineBytes) {
      ReadLine(absl::string_view(unread).substr(0, end));
      unread.erase(0, end == std::string::npos ? end : end + 1);
    }
  }
  MutexLock lock(mutex_);
  log_has_ended_ = true;
  changed_.NotifyAll();
}

void ServiceProcess::ReadLine(absl::string_view text) {
  LogLine line = ReadLogLine(text);
  MutexLock lock(mutex_);
  log_.push_back(std::move(line));
  if (log_.size() > kMaxLogLines) log_.erase(log_.begin());
  last_lines_.emplace_back(text);
  if (last_lines_.size() > kLastWords) last_lines_.erase(last_lines_.begin());
  changed_.NotifyAll();
}

bool ServiceProcess::WaitForLog(absl::Duration bound,
                                absl::FunctionRef<bool(const std::vector<LogLine>&)> is_enough) {
  MutexLock lock(mutex_);
  changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(bound),
                   [&]() REQUIRES(mutex_) { return log_has_ended_ || is_enough(log_); });
  return is_enough(log_);
}

std::vector<LogLine> ServiceProcess::log() {
  MutexLock lock(mutex_);
  return log_;
}

absl::Status ServiceProcess::Stop(absl::Duration bound) {
  kill(pid_, SIGTERM);
  if (!WaitForEnd(bound)) {
    return absl::DeadlineExceededError(
        absl::StrCat(name_, " does not stop within ", absl::FormatDuration(bound)));
  }
  if (WIFEXITED(wait_status_) && WEXITSTATUS(wait_status_) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(name_, " ended with ", EndText(), LastWords()));
}

bool ServiceProcess::WaitForEnd(absl::Duration bound) {
  if (has_ended_) return true;
  pollfd end = {.fd = pid_fd_, .events = POLLIN, .revents = 0};
  if (poll(&end, 1, static_cast<int>(absl::ToInt64Milliseconds(bound))) <= 0) return false;
  has_ended_ = waitpid(pid_, &wait_status_, 0) == pid_;
  return has_ended_;
}

std::string ServiceProcess::EndText() const {
  return WIFSIGNALED(wait_status_) ? absl::StrCat("signal ", WTERMSIG(wait_status_))
                                   : absl::StrCat("status ", WEXITSTATUS(wait_status_));
}

std::string ServiceProcess::LastWords() {
  MutexLock lock(mutex_);
  return last_lines_.empty() ? "" : absl::StrCat("; it said:\n", absl::StrJoin(last_lines_, "\n"));
}

}  // namespace understudy::cli
