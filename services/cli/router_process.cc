#include "services/cli/router_process.h"

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

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace understudy::cli {
namespace {

constexpr absl::Duration kKillTime = absl::Seconds(2);
// From the end of its log to the end of a process.
constexpr absl::Duration kReapTime = absl::Milliseconds(200);

using Fields = google::protobuf::Map<std::string, google::protobuf::Value>;

std::string TextOf(const Fields& fields, const char* name) {
  const auto field = fields.find(name);
  return field == fields.end() ? "" : field->second.string_value();
}

int NumberOf(const Fields& fields, const char* name) {
  const auto field = fields.find(name);
  return field == fields.end() ? 0 : static_cast<int>(field->second.number_value());
}

// A descriptor that can be read once the process has ended. glibc's own function cannot be linked
// from C++ in the version we build with.
int OpenPidFd(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

// In the child of a process with threads: nothing but system calls. Does not return.
void RunRouter(const char* binary, const char* config, int log_fd, pid_t parent) {
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

absl::StatusOr<std::unique_ptr<RouterProcess>> RouterProcess::Start(const std::string& binary,
                                                                    const std::string& config_path,
                                                                    absl::Duration bound) {
  if (access(binary.c_str(), X_OK) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot run ", binary));
  }
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "cannot make a pipe");
  const int wake_fd = eventfd(0, EFD_CLOEXEC);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) RunRouter(binary.c_str(), config_path.c_str(), pipe_ends[1], parent);
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
  std::unique_ptr<RouterProcess> process(new RouterProcess(pid, pid_fd, pipe_ends[0], wake_fd));
  if (process->WaitUntilServing(bound)) return process;
  const std::string what =
      process->WaitForEnd(kReapTime)
          ? absl::StrCat("ended with ", process->EndText(), " and never served")
          : absl::StrCat("does not serve after ", absl::FormatDuration(bound));
  return absl::UnavailableError(absl::StrCat(binary, " ", what, process->LastWords()));
}

RouterProcess::RouterProcess(pid_t pid, int pid_fd, int log_fd, int wake_fd)
    : pid_(pid), pid_fd_(pid_fd), log_fd_(log_fd), wake_fd_(wake_fd) {
  reader_ = std::thread([this] { ReadLog(); });
}

RouterProcess::~RouterProcess() {
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

int RouterProcess::grpc_port() {
  MutexLock lock(mutex_);
  return grpc_port_;
}

int RouterProcess::admin_port() {
  MutexLock lock(mutex_);
  return admin_port_;
}

void RouterProcess::ReadLog() {
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

void RouterProcess::ReadLine(absl::string_view line) {
  google::protobuf::Struct object;
  const bool is_json = google::protobuf::util::JsonStringToMessage(
                           google::protobuf::StringPiece(line.data(), line.size()), &object)
                           .ok();
  const Fields& fields = object.fields();
  const std::string message = TextOf(fields, "message");
  const std::string resolution_id = TextOf(fields, "resolution_id");
  MutexLock lock(mutex_);
  if (is_json && message == "serving") {
    grpc_port_ = NumberOf(fields, "grpc_port");
    admin_port_ = NumberOf(fields, "admin_port");
  } else if (is_json && message == "error event") {
    events_[resolution_id].push_back({.level = TextOf(fields, "event_level"),
                                      .error_code = NumberOf(fields, "error_code"),
                                      .error_url = TextOf(fields, "error_url"),
                                      .target = TextOf(fields, "target"),
                                      .outcome = TextOf(fields, "outcome")});
  } else if (is_json && message == "resolution") {
    resolved_.insert(resolution_id);
  }
  last_lines_.emplace_back(line);
  if (last_lines_.size() > kLastWords) last_lines_.erase(last_lines_.begin());
  changed_.NotifyAll();
}

bool RouterProcess::WaitUntilServing(absl::Duration bound) {
  MutexLock lock(mutex_);
  changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(bound),
                   [this]() REQUIRES(mutex_) { return log_has_ended_ || grpc_port_ != 0; });
  return grpc_port_ != 0;
}

absl::StatusOr<std::vector<LoggedEvent>> RouterProcess::EventsOf(const std::string& resolution_id,
                                                                 absl::Duration bound) {
  MutexLock lock(mutex_);
  changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(bound), [&]() REQUIRES(mutex_) {
    return log_has_ended_ || resolved_.count(resolution_id) > 0;
  });
  if (resolved_.count(resolution_id) == 0) {
    return absl::DeadlineExceededError(
        absl::StrCat("the router's log has no resolution ", resolution_id));
  }
  return events_[resolution_id];
}

absl::Status RouterProcess::Stop(absl::Duration bound) {
  kill(pid_, SIGTERM);
  if (!WaitForEnd(bound)) {
    return absl::DeadlineExceededError(
        absl::StrCat("the router does not stop within ", absl::FormatDuration(bound)));
  }
  if (WIFEXITED(wait_status_) && WEXITSTATUS(wait_status_) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the router ended with ", EndText(), LastWords()));
}

bool RouterProcess::WaitForEnd(absl::Duration bound) {
  if (has_ended_) return true;
  pollfd end = {.fd = pid_fd_, .events = POLLIN, .revents = 0};
  if (poll(&end, 1, static_cast<int>(absl::ToInt64Milliseconds(bound))) <= 0) return false;
  has_ended_ = waitpid(pid_, &wait_status_, 0) == pid_;
  return has_ended_;
}

std::string RouterProcess::EndText() const {
  return WIFSIGNALED(wait_status_) ? absl::StrCat("signal ", WTERMSIG(wait_status_))
                                   : absl::StrCat("status ", WEXITSTATUS(wait_status_));
}

std::string RouterProcess::LastWords() {
  MutexLock lock(mutex_);
  return last_lines_.empty() ? "" : absl::StrCat("; it said:\n", absl::StrJoin(last_lines_, "\n"));
}

}  // namespace understudy::cli
