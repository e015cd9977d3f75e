// A service's real binary, started as an operator would.
#ifndef TESTS_E2E_SERVICE_PROCESS_H_
#define TESTS_E2E_SERVICE_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace understudy::testing {

class ServiceProcess {
 public:
  enum class KeepLog {
    kAll,
    kUntilReady,  // for a process that writes millions of lines; they are still read
  };

  // Starts `binary` with the configuration file at `path`; Ready() says whether it serves. It ends
  // with the calling thread at the latest.
  ServiceProcess(const std::string& binary, const std::string& path,
                 KeepLog keep_log = KeepLog::kAll);
  // Kills it if it still runs.
  ~ServiceProcess();
  ServiceProcess(const ServiceProcess&) = delete;
  ServiceProcess& operator=(const ServiceProcess&) = delete;

  // Waits for the log line that names the ports; false if it does not come.
  [[nodiscard]] bool Ready();
  int grpc_port() const { return grpc_port_; }
  pid_t pid() const { return pid_; }
  int http_port() const { return http_port_; }  // 0: it has none
  int admin_port() const { return admin_port_; }

  void Signal(int signal);
  // Waits for the end; -1 if a signal caused it or it does not come.
  int WaitForExit();

  // Whatever it writes from now on fills its pipe.
  void StopReadingLog();
  // Waits for `count` log lines that contain `text`.
  [[nodiscard]] bool WaitForLog(absl::string_view text, int count = 1);
  std::vector<std::string> log() const;

  int threads() const;
  int64_t resident_kilobytes() const;
  int64_t peak_resident_kilobytes() const;
  double cpu_seconds() const;  // of all its threads, since it was started

 private:
  void ReadLog(int fd);
  int64_t StatusField(absl::string_view name) const;

  const KeepLog keep_log_;
  pid_t pid_ = -1;
  int grpc_port_ = 0;
  int http_port_ = 0;
  int admin_port_ = 0;
  mutable Mutex mutex_;
  CondVar ended_;
  bool reads_log_ GUARDED_BY(mutex_) = true;
  bool has_ended_ GUARDED_BY(mutex_) = false;
  std::vector<std::string> log_ GUARDED_BY(mutex_);
  std::thread reader_;
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_SERVICE_PROCESS_H_
