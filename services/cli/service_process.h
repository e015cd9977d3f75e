// One of our services as a process of its own, and what it says on standard error.
#ifndef SERVICES_CLI_SERVICE_PROCESS_H_
#define SERVICES_CLI_SERVICE_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace understudy::cli {

// Of a process that failed, so many of its last lines are told.
inline constexpr size_t kLastWords = 5;
// A longer line of its log is cut into several.
inline constexpr size_t kMaxLineBytes = size_t{64} * 1024;

// So many of its newest lines are kept.
inline constexpr size_t kMaxLogLines = 10000;

// A line of the log by its fields' names; one that is no JSON object has none. Fields of other
// kinds are left out.
struct LogLine {
  std::map<std::string, std::string, std::less<>> texts = {};
  std::map<std::string, int, std::less<>> numbers = {};

  // Empty, or 0, if there is none.
  std::string Text(absl::string_view name) const;
  int Number(absl::string_view name) const;
};

class ServiceProcess {
 public:
  // Runs `binary --config config_path` and waits until it serves, `bound` at most. The error tells
  // the process's last words.
  static absl::StatusOr<std::unique_ptr<ServiceProcess>> Start(const std::string& binary,
                                                               const std::string& config_path,
                                                               absl::Duration bound);
  // Kills the process and its children unless Stop has ended it. It also dies with the thread that
  // started it.
  ~ServiceProcess();
  ServiceProcess(const ServiceProcess&) = delete;
  ServiceProcess& operator=(const ServiceProcess&) = delete;

  // "grpc", "http" or "admin"; 0 if it has none of that name.
  int Port(absl::string_view name);

  // Waits until `is_enough` likes the lines so far, `bound` at most and no longer than the process
  // writes any; whether it does. `is_enough` must not call this object.
  bool WaitForLog(absl::Duration bound,
                  absl::FunctionRef<bool(const std::vector<LogLine>&)> is_enough);
  std::vector<LogLine> log();

  // SIGTERM, then waits for the end. OK for status 0 within `bound`.
  absl::Status Stop(absl::Duration bound);

 private:
  ServiceProcess(std::string name, pid_t pid, int pid_fd, int log_fd, int wake_fd);

  void ReadLog();
  void ReadLine(absl::string_view text);
  bool WaitForEnd(absl::Duration bound);  // and reaps; true if it has ended
  std::string EndText() const;            // "status 1"
  std::string LastWords();

  const std::string name_;
  const pid_t pid_;
  const int pid_fd_;
  const int log_fd_;
  const int wake_fd_;  // ends ReadLog
  bool has_ended_ = false;
  int wait_status_ = 0;

  Mutex mutex_;
  CondVar changed_;
  bool log_has_ended_ GUARDED_BY(mutex_) = false;
  std::vector<LogLine> log_ GUARDED_BY(mutex_);
  std::vector<std::string> last_lines_ GUARDED_BY(mutex_);
  std::thread reader_;
};

}  // namespace understudy::cli

#endif  // SERVICES_CLI_SERVICE_PROCESS_H_
