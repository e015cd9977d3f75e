// A real Prometheus scrapes both services, and docs/metrics.md says of both what it finds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "tests/e2e/notifier_process.h"
#include "tests/e2e/prometheus_process.h"
#include "tests/e2e/router_process.h"
#include "tests/testing/certificates.h"
#include "tests/testing/program.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr absl::Duration kSoon = absl::Seconds(30);

using Labels = std::set<std::string>;
using Metrics = std::map<std::string, Labels>;  // by name

// The rows of the table under `## The SERVICE`.
Metrics Documented(const std::string& service) {
  std::ifstream file(UNDERSTUDY_METRICS_PAGE);
  Metrics metrics;
  bool is_here = false;
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "## ")) is_here = line == "## The " + service;
    const std::vector<std::string> cells = absl::StrSplit(line, '|');
    if (!is_here || cells.size() < 4 || !absl::StrContains(cells[1], "`understudy_")) continue;
    const std::vector<std::string> name = absl::StrSplit(cells[1], '`');
    Labels& labels = metrics[name.at(1)];
    const std::vector<std::string> words = absl::StrSplit(cells[2], '`');
    for (size_t i = 1; i < words.size(); i += 2) labels.insert(words[i]);
  }
  return metrics;
}

// Labels that Prometheus adds, and those of a histogram's parts.
constexpr char kOfPrometheus[] = " __name__ instance job le namespace ";

// By name, but for what Prometheus adds; the parts of a histogram are one.
Metrics MetricsIn(const json& series) {
  Metrics metrics;
  for (const json& labels : series) {
    std::string name = labels.at("__name__");
    if (!absl::StartsWith(name, "understudy_")) continue;
    for (const char* part : {"_bucket", "_sum", "_count"}) {
      if (absl::StrContains(name, "_duration_seconds_")) {
        name = std::string(absl::StripSuffix(name, part));
      }
    }
    Labels& known = metrics[name];
    for (const auto& [label, value] : labels.items()) {
      if (!absl::StrContains(kOfPrometheus, " " + label + " ")) known.insert(label);
    }
  }
  return metrics;
}

std::string Text(const Metrics& metrics) {
  std::string text;
  for (const auto& [name, labels] : metrics) {
    absl::StrAppend(&text, name, "{", absl::StrJoin(labels, ","), "}\n");
  }
  return text;
}

std::optional<std::string> Get(int port, const std::string& target) {
  httplib::Client client("127.0.0.1", port);
  const httplib::Result response = client.Get(target);
  if (!response || response->status != 200) return std::nullopt;
  return response->body;
}

// Both services, which have done a bit of everything that makes a series of its own.
class PrometheusTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const TestAuthority authority;
    const Certificate certificate = authority.Issue({.ip_addresses = {"127.0.0.1"}});
    folder_.Write("tls.crt", certificate.chain_pem);
    folder_.Write("tls.key", certificate.key_pem);
    folder_.Write("ca.crt", authority.ca_pem());
    folder_.Write("notifier.yaml",
                  "grpc: {listen: 127.0.0.1:0, tls: {certificate_file: tls.crt, key_file: tls.key, "
                  "client_ca_file: ca.crt}}\n"
                  "http: {listen: 127.0.0.1:0}\n"
                  "admin: {listen: 127.0.0.1:0}\n"
                  "store: {sqlite: notifier.db}\n"
                  "mail: {from: understudy@example.com, directory: mail}\n"
                  "alerts: {group_wait: 0s, heartbeat: 0s, routes: [{to: [ops@example.com]}]}\n");
    notifier_.emplace(folder_.path() + "/notifier.yaml");
    ASSERT_TRUE(notifier_->Ready());
    // The primary may not be dialled, and the fallback's document earns a warning.
    folder_.Write("fallback.xml", "<Response><Say pitch=\"high\">Hello</Say></Response>");
    folder_.Write(
        "router.yaml",
        absl::StrCat(
            "grpc: {listen: 127.0.0.1:0}\n"
            "http: {listen: 127.0.0.1:0}\n"
            "admin: {listen: 127.0.0.1:0}\n"
            "accounts: [{sid: AC00000000000000000000000000000001}]\n"
            "bins: {fallback: {document_file: fallback.xml}}\n"
            "numbers_database: numbers.db\n"
            "numbers:\n"
            "  - phone_number: \"+14155550199\"\n"
            "    account_sid: AC00000000000000000000000000000001\n"
            "    voice: {url: \"http://127.0.0.1:9/\", "
            "fallback_url: \"bin:fallback\"}\n"
            "notifier: {target: \"dns:///127.0.0.1:",
            notifier_->grpc_port(), "\", outbox_dir: \"", folder_.path(),
            "/outbox\", tls: {ca_file: ca.crt, certificate_file: tls.crt, key_file: tls.key}}\n"));
    router_.emplace(folder_.path() + "/router.yaml");
    ASSERT_TRUE(router_->Ready());

    const ProgramEnd call =
        RunProgram({UNDERSTUDY_BINARY, "resolve", "--router",
                    absl::StrCat("127.0.0.1:", router_->grpc_port()), "--number", "+14155550199"});
    ASSERT_EQ(call.status, 3) << call.out << call.err;
    ASSERT_TRUE(notifier_->WaitForLog("mail accepted"));
    httplib::Client client("127.0.0.1", notifier_->http_port());
    const httplib::Result refused = client.Post("/debugger");
    ASSERT_TRUE(refused);
    ASSERT_EQ(refused->status, 400);
  }

  TempDir folder_;
  std::optional<NotifierProcess> notifier_;
  std::optional<RouterProcess> router_;
};

TEST_F(PrometheusTest, FindsWhatIsDocumentedAndNothingElse) {
  PrometheusFiles files = ShippedPrometheusFiles(router_->admin_port(), notifier_->admin_port());
  files.config = Hastened(files.config, 50);  // a scrape every 0.3 seconds
  PrometheusProcess prometheus(files);
  ASSERT_TRUE(prometheus.FindPort()) << "is the package prometheus installed?";
  json targets;
  EXPECT_TRUE(WaitFor(
      [&] {
        targets = prometheus.Ask("targets?state=active");
        int up = 0;
        for (const json& target : targets.value("activeTargets", json::array())) {
          if (target.value("health", "") == "up") ++up;
        }
        return up == 2;
      },
      kSoon))
      << targets;
  for (const std::string service : {"router", "notifier"}) {
    const Metrics documented = Documented(service);
    EXPECT_THAT(documented, Not(IsEmpty()));
    EXPECT_EQ(Text(MetricsIn(prometheus.Ask("series?match%5B%5D=%7Bjob%3D%22understudy-" + service +
                                            "%22%7D"))),
              Text(documented))
        << service;
  }
}

TEST_F(PrometheusTest, FindsNothingToSayOfThePages) {
  for (const int port : {router_->admin_port(), notifier_->admin_port()}) {
    const std::optional<std::string> page = Get(port, "/metrics");
    ASSERT_TRUE(page.has_value());
    const std::string path = folder_.Write("page", *page);
    const ProgramEnd end = RunProgram({"/bin/sh", "-c", "promtool check metrics <" + path});
    EXPECT_EQ(end.status, 0);
    EXPECT_EQ(end.out + end.err, "");
  }
}

}  // namespace
}  // namespace understudy::testing
