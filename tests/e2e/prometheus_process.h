// Debian's Prometheus, and the files that are shipped for it.
#ifndef TESTS_E2E_PROMETHEUS_PROCESS_H_
#define TESTS_E2E_PROMETHEUS_PROCESS_H_

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {

// Of the checkout; ends the test process if it cannot be read.
std::string ReadShipped(const std::string& path);

// `text` with the only `count` times that `from` stands in it replaced; ends the test process if it
// stands there more or less often.
std::string ReplaceExactly(absl::string_view text, absl::string_view from, absl::string_view to,
                           int count = 1);

// deploy/prometheus with the services' admin ports on loopback as targets. Each target has the
// label `namespace`, as in a cluster.
struct PrometheusFiles {
  std::string config = {};  // prometheus.yaml
  std::string rules = {};   // rules.yaml
};
PrometheusFiles ShippedPrometheusFiles(int router_port, int notifier_port);

// The same text with every duration divided by `factor`, and the bounds that ages in seconds are
// compared with, so that what takes minutes takes seconds. Ends the test process if one cannot be
// divided to whole milliseconds.
std::string Hastened(const std::string& text, int factor);

class PrometheusProcess {
 public:
  explicit PrometheusProcess(const PrometheusFiles& files);
  ~PrometheusProcess();
  PrometheusProcess(const PrometheusProcess&) = delete;
  PrometheusProcess& operator=(const PrometheusProcess&) = delete;

  // Once it listens; it tells nobody where, so the system is asked.
  [[nodiscard]] bool FindPort();

  // The `data` of an answer of its API; {} if there was none.
  nlohmann::json Ask(const std::string& target) const;
  // The series an expression has now; null if it is none.
  nlohmann::json Query(const std::string& expression) const;

 private:
  TempDir folder_;
  pid_t pid_ = -1;
  int port_ = 0;
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_PROMETHEUS_PROCESS_H_
