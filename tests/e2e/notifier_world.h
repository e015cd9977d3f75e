// A notifier process, what it needs, and what is asked of it.
#ifndef TESTS_E2E_NOTIFIER_WORLD_H_
#define TESTS_E2E_NOTIFIER_WORLD_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/e2e/notifier_caller.h"
#include "tests/e2e/notifier_process.h"
#include "tests/testing/http_client.h"
#include "tests/testing/smtp_server.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {

class NotifierWorld {
 public:
  // Nothing runs yet. The store is in `folder`, which may be a disk of its own; empty: in one that
  // nothing is wrong with.
  explicit NotifierWorld(const std::string& folder = "");

  // Text that is added to the configuration, at its end.
  void AddToConfig(absl::string_view text);
  // Starts it, again at the same gRPC port; ends the test process if it does not serve.
  void Start();
  void Kill() { process_.reset(); }
  // By SIGTERM; its exit status.
  int Stop();

  NotifierProcess& process() { return *process_; }
  NotifierCaller& caller() { return *caller_; }
  SmtpServer& smtp() { return smtp_; }
  const std::string& config() const { return config_; }
  const std::string& store() const { return store_; }
  std::string grpc_address() const;

  grpc::Status Report(const std::string& id);
  // False also while events cannot be listed.
  bool HasEvent(const std::string& id);
  // As Twilio does when a call's primary failed, without a signature.
  std::optional<Response> Fallback(const std::string& call_sid);
  bool HasCall(const std::string& call_sid);
  // The status of an answer to POST /v1/events; 0: there was none.
  int PostEvent(const std::string& id);
  std::optional<Response> Admin(const std::string& path);
  bool IsReady();
  // -1 if it cannot be had.
  double Metric(const std::string& name);

 private:
  void WriteConfig();

  const TempDir dir_;
  const std::string address_ = OwnLoopbackAddress();
  SmtpServer smtp_;
  std::string store_;
  std::string more_;
  std::string config_;
  int grpc_port_ = 0;
  std::unique_ptr<NotifierProcess> process_;
  std::unique_ptr<NotifierCaller> caller_;
};

// Of the events that NotifierWorld reports.
inline constexpr char kWorldAccount[] = "AC00000000000000000000000000000001";

}  // namespace understudy::testing

#endif  // TESTS_E2E_NOTIFIER_WORLD_H_
