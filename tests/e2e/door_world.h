// The real understudy-notifier on loopback, with a mail directory or a mail server, and clients for
// each of its doors.
#ifndef TESTS_E2E_DOOR_WORLD_H_
#define TESTS_E2E_DOOR_WORLD_H_

#include <grpcpp/grpcpp.h>
#include <understudy/notifier/v1/notifier_service.grpc.pb.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/twilio/form.h"
#include "tests/e2e/notifier_process.h"
#include "tests/testing/http_client.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {

inline constexpr char kNotifierAccount[] = "AC00000000000000000000000000000001";
inline constexpr char kNotifierToken[] = "12345 not a real token";

// Parts of the configuration, as YAML; what is not here is as small as it can be.
struct NotifierYaml {
  std::string accounts = {};  // of the root: "accounts: [...]\n"
  std::string http = {};      // more of http: ", public_url: ..."
  std::string fallback = {};  // "fallback: {...}\n"
  std::string page = {};      // "page: {...}\n"
  std::string mail = "directory: mail";
  // Mails go out at once, and about a known group every second.
  std::string alerts =
      "group_wait: 0, group_interval: 1s, heartbeat: 0, routes: [{to: [ops@example.com]}]";
};
// With a token in the file "token".
std::string SigningAccount();

class DoorWorld {
 public:
  // A notifier with that configuration; ends the process if it does not start.
  explicit DoorWorld(NotifierYaml yaml = {});

  const TempDir& dir() const { return dir_; }
  const std::string& config_path() const { return config_path_; }
  ServiceProcess& process() { return *process_; }
  notifier::v1::NotifierService::Stub& stub() { return *stub_; }

  // Writes the configuration anew, as an editor would; the process notices by itself.
  void Rewrite(const NotifierYaml& yaml);
  // SIGTERM, and its exit status.
  int Stop();
  // A new process with the same files.
  void Start();

  // One request each, on a connection of its own. Ends the process if no answer comes.
  Response Ask(absl::string_view bytes);
  Response Get(absl::string_view target, absl::string_view headers = "");
  Response Post(absl::string_view target, absl::string_view type, absl::string_view body,
                absl::string_view headers = "");
  Response PostForm(absl::string_view target, const twilio::Form& form,
                    absl::string_view headers = "");
  Response PostJson(absl::string_view body, absl::string_view headers = "");

  // The mails in the directory, oldest first, as bytes.
  std::vector<std::string> mails() const;
  // Waits until there are so many at least.
  [[nodiscard]] bool WaitForMails(size_t count) const;

  // Of /metrics; -1: there is no such series.
  double Metric(const std::string& series) const;
  [[nodiscard]] bool WaitForMetric(const std::string& series, double value) const;
  std::string Metrics() const;

  // The log lines of one message, "error event" for instance; waits for `count` of them.
  std::vector<std::string> LogLines(absl::string_view message, int count);

 private:
  TempDir dir_;
  std::string config_path_;
  std::unique_ptr<NotifierProcess> process_;
  std::unique_ptr<notifier::v1::NotifierService::Stub> stub_;
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_DOOR_WORLD_H_
