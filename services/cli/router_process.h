// A router as a process of its own, and what it says on standard error.
#ifndef SERVICES_CLI_ROUTER_PROCESS_H_
#define SERVICES_CLI_ROUTER_PROCESS_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

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

// An error event as the router logs it.
struct LoggedEvent {
  std::string level = {};  // "error" or "warning"
  int error_code = 0;
  std::string error_url = {};
  std::string target = {};   // "TARGET_PRIMARY"
  std::string outcome = {};  // "OUTCOME_FALLBACK_ANSWERED"

  friend bool operator==(const LoggedEvent&, const LoggedEvent&) = default;
};

class RouterProcess {
 public:
  // Runs `binary --config config_path` and waits until it serves, `bound` at most. The error tells
  // the process's last words.
  static absl::StatusOr<std::unique_ptr<RouterProcess>> Start(const std::string& binary,
                                                              const std::string& config_path,
                                                              absl::Duration bound);
  // Kills the process and its children unless Stop has ended it. It also dies with the thread that
  // started it.
  ~RouterProcess();
  RouterProcess(const RouterProcess&) = delete;
  RouterProcess& operator=(const RouterProcess&) = delete;

  int grpc_port();
  int admin_port();

  // What the router reported of a resolution: complete, as it waits for the log line that ends it.
  // DeadlineExceeded if that does not come within `bound`.
  absl::StatusOr<std::vector<LoggedEvent>> EventsOf(const std::string& resolution_id,
                                                    absl::Duration bound);

  // SIGTERM, then waits for the end. OK for status 0 within `bound`.
  absl::Status Stop(absl::Duration bound);

 private:
  RouterProcess(pid_t pid, int pid_fd, int log_fd, int wake_fd);

  void ReadLog();
  void ReadLine(absl::string_view line);
  bool WaitUntilServing(absl::Duration bound);
  bool WaitForEnd(absl::Duration bound);  // and reaps; true if it has ended
  std::string EndText() const;            // "status 1"
  std::string LastWords();

  const pid_t pid_;
  const int pid_fd_;
  const int log_fd_;
  const int wake_fd_;  // ends ReadLog
  bool has_ended_ = false;
  int wait_status_ = 0;

  Mutex mutex_;
  CondVar changed_;
  bool log_has_ended_ GUARDED_BY(mutex_) = false;
  int grpc_port_ GUARDED_BY(mutex_) = 0;
  int admin_port_ GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::vector<LoggedEvent>> events_ GUARDED_BY(mutex_);  // by resolution
  std::set<std::string> resolved_ GUARDED_BY(mutex_);
  std::vector<std::string> last_lines_ GUARDED_BY(mutex_);
  std::thread reader_;
};

}  // namespace understudy::cli

#endif  // SERVICES_CLI_ROUTER_PROCESS_H_
