// The real understudy-router binary, started as an operator would.
#ifndef TESTS_E2E_ROUTER_PROCESS_H_
#define TESTS_E2E_ROUTER_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace understudy::testing {

class RouterProcess {
 public:
  // Starts the binary with the configuration file at `path`; Ready() says whether it serves.
  explicit RouterProcess(const std::string& path);
  // Kills it if it still runs.
  ~RouterProcess();
  RouterProcess(const RouterProcess&) = delete;
  RouterProcess& operator=(const RouterProcess&) = delete;

  // Waits for the log line that names the ports; false if it does not come.
  [[nodiscard]] bool Ready();
  int grpc_port() const { return grpc_port_; }
  int admin_port() const { return admin_port_; }

  void Signal(int signal);
  // Waits for the end; -1 if a signal caused it or it does not come.
  int WaitForExit();

  // Waits for `count` log lines that contain `text`.
  [[nodiscard]] bool WaitForLog(absl::string_view text, int count = 1);
  std::vector<std::string> log() const;

  int threads() const;
  int64_t resident_kilobytes() const;

 private:
  void ReadLog(int fd);
  int64_t StatusField(absl::string_view name) const;

  pid_t pid_ = -1;
  int grpc_port_ = 0;
  int admin_port_ = 0;
  mutable Mutex mutex_;
  std::vector<std::string> log_ GUARDED_BY(mutex_);
  std::thread reader_;
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_ROUTER_PROCESS_H_
