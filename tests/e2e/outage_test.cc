// Which alerts an outage raises, and that it raises no other: both services with the shipped
// configuration, the shipped rules, a real Prometheus.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "tests/e2e/prometheus_process.h"
#include "tests/e2e/shipped_world.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using nlohmann::json;
using ::testing::ContainerEq;
using ::testing::IsEmpty;
using ::testing::Not;

// A minute takes 1.2 seconds, a scrape comes every 0.3.
constexpr int kFactor = 50;
constexpr absl::Duration kSoon = absl::Seconds(90);

using Alerts = std::set<std::string>;

class OutageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    PrometheusFiles files =
        ShippedPrometheusFiles(world_.router().admin_port(), world_.notifier().admin_port());
    files.config = Hastened(files.config, kFactor);
    files.rules = Hastened(files.rules, kFactor);
    prometheus_.emplace(files);
    ASSERT_TRUE(prometheus_->FindPort()) << "is the package prometheus installed?";
    world_.StartTraffic();
    ASSERT_TRUE(WaitForScrapes("5m")) << "a window with calls before anything happens";
  }

  void TearDown() override {
    EXPECT_TRUE(world_.AllAnswered());
    // In between as at the end.
    EXPECT_THAT(Named(prometheus_->Query("max_over_time(ALERTS{alertstate=\"firing\"}[10m])")),
                ContainerEq(expected_));
  }

  // Until both services were scraped through all of a window of the rules.
  bool WaitForScrapes(const std::string& window) {
    const std::string query = "up == 1 and up offset " + Hastened(window, kFactor) + " == 1";
    return WaitFor([&] { return prometheus_->Query(query).size() == 2; }, kSoon);
  }

  // An alert is its name, and whose failures it is about.
  static Alerts Named(const json& series) {
    Alerts alerts;
    for (const json& one : series) {
      const json& labels = one.at("metric");
      std::string alert = labels.at("alertname");
      for (const char* name : {"target", "error_code", "kind"}) {
        if (labels.contains(name)) absl::StrAppend(&alert, " ", std::string(labels.at(name)));
      }
      alerts.insert(alert);
    }
    return alerts;
  }
  // `when` is "", or " offset TIME" for what did so that long ago.
  Alerts Firing(const std::string& when = "") const {
    return Named(prometheus_->Query("ALERTS{alertstate=\"firing\"}" + when));
  }

  // These come and last for 5 minutes; TearDown says if others came.
  void ExpectAlerts(const Alerts& alerts) {
    expected_ = alerts;
    const std::string before = " offset " + Hastened("5m", kFactor);
    EXPECT_TRUE(WaitFor([&] { return Firing(before) == alerts; }, kSoon));
    EXPECT_THAT(Firing(), ContainerEq(alerts));
    ExpectReadable();
  }

  // Texts are templates, and those with mistakes say so in themselves.
  void ExpectReadable() const {
    const json data = prometheus_->Ask("alerts");
    EXPECT_THAT(data.value("alerts", json::array()), Not(IsEmpty()));
    for (const json& alert : data.value("alerts", json::array())) {
      for (const json& value : alert.at("annotations")) {
        const std::string text = value;
        for (const char* trouble : {"{{", "<no value>", "<error", "NaN"}) {
          EXPECT_FALSE(absl::StrContains(text, trouble)) << text;
        }
      }
    }
  }

  ShippedWorld world_{kFactor};
  std::optional<PrometheusProcess> prometheus_;
  Alerts expected_;
};

const Reply kBroken = {.status = 500};

TEST_F(OutageTest, HealthyTrafficRaisesNothing) {
  EXPECT_TRUE(WaitForScrapes("15m"));
}

TEST_F(OutageTest, APrimaryThatFailsIsToldByItsCodeUntilItIsBack) {
  world_.primary().OnAny(kBroken);
  ExpectAlerts({"UnderstudyWebServersFail primary 11200"});
  world_.primary().OnAny(Reply{.body = "<Response/>"});
  EXPECT_TRUE(WaitFor([&] { return Firing().empty(); }, kSoon));
}

TEST_F(OutageTest, WhereTheFallbackFailsTooCallersHearTheDefault) {
  world_.primary().OnAny(kBroken);
  world_.fallback().OnAny(kBroken);
  ExpectAlerts({"UnderstudyCallersHearDefault", "UnderstudyDefaultAnswered messaging",
                "UnderstudyWebServersFail fallback 11200",
                "UnderstudyWebServersFail primary 11200"});
}

// Some calls fail over, too few for an alert of their own.
void FailAFewTimes(ShippedWorld& world) {
  world.primary().OnSequence("/voice", {kBroken, kBroken, Reply{.body = "<Response/>"}});
}

TEST_F(OutageTest, ANotifierThatIsGoneIsMissedByPrometheusAndByTheRouter) {
  world_.KillNotifier();
  FailAFewTimes(world_);
  ExpectAlerts({"UnderstudyNotifierDown", "UnderstudyNotifierUnreachable"});
}

TEST_F(OutageTest, AMailServerThatIsGoneLeavesMailStuck) {
  world_.KillMailServer();
  FailAFewTimes(world_);
  ExpectAlerts({"UnderstudyMailStuck"});
}

TEST(Hastened, DividesEveryTimeAndNothingElse) {
  EXPECT_EQ(Hastened("- record: a:rate5m\n"
                     "  expr: rate(x_total[5m] offset 1h) > 0.05 and p99_5m > 15\n"
                     "  for: 10m\n  # 2 minutes, 2mails\n"
                     "- expr: max by (a) (x_oldest_seconds) > 300 and x_oldest_y_seconds > 900",
                     60),
            "- record: a:rate5m\n"
            "  expr: rate(x_total[5000ms] offset 60000ms) > 0.05 and p99_5m > 15\n"
            "  for: 10000ms\n  # 2 minutes, 2mails\n"
            "- expr: max by (a) (x_oldest_seconds) > 5 and x_oldest_y_seconds > 15");
}

// A query as Prometheus prints it, its windows apart.
struct Query {
  std::string text = {};
  std::vector<absl::Duration> windows = {};
};
Query Parsed(const std::string& text) {
  Query query;
  for (absl::string_view part : absl::StrSplit(text, '[')) {
    const size_t end = query.text.empty() ? 0 : part.find(']');
    absl::Duration window;
    if (end > 0 && absl::ParseDuration(part.substr(0, end), &window)) {
      query.windows.push_back(window);
      part.remove_prefix(end);
    }
    absl::StrAppend(&query.text, "[", part);
  }
  return query;
}

// As Prometheus reads both, rule by rule: waits and windows are shorter by the factor, and that is
// all.
TEST_F(OutageTest, TheHastenedRulesAreTheShippedOnes) {
  PrometheusProcess shipped(
      ShippedPrometheusFiles(world_.router().admin_port(), world_.notifier().admin_port()));
  ASSERT_TRUE(shipped.FindPort());
  json slow_groups;
  const auto has_rules = [&] {
    slow_groups = shipped.Ask("rules").value("groups", json::array());
    return !slow_groups.empty();
  };
  ASSERT_TRUE(WaitFor(has_rules, kSoon));
  const json fast_groups = prometheus_->Ask("rules").value("groups", json::array());
  ASSERT_EQ(fast_groups.size(), slow_groups.size());
  int windows = 0;
  for (size_t i = 0; i < slow_groups.size(); ++i) {
    EXPECT_DOUBLE_EQ(fast_groups[i].at("interval").get<double>() * kFactor,
                     slow_groups[i].at("interval"));
    const json& slow_rules = slow_groups[i].at("rules");
    const json& fast_rules = fast_groups[i].at("rules");
    ASSERT_EQ(fast_rules.size(), slow_rules.size());
    for (size_t j = 0; j < slow_rules.size(); ++j) {
      const json& slow = slow_rules[j];
      const json& fast = fast_rules[j];
      EXPECT_EQ(fast.at("name"), slow.at("name"));
      EXPECT_DOUBLE_EQ(fast.value("duration", 0.0) * kFactor, slow.value("duration", 0.0));
      const Query slow_query = Parsed(slow.at("query"));
      const Query fast_query = Parsed(fast.at("query"));
      EXPECT_EQ(fast_query.text, Hastened(slow_query.text, kFactor));
      ASSERT_EQ(fast_query.windows.size(), slow_query.windows.size());
      for (size_t k = 0; k < slow_query.windows.size(); ++k, ++windows) {
        EXPECT_EQ(fast_query.windows[k] * kFactor, slow_query.windows[k]) << slow_query.text;
      }
    }
  }
  EXPECT_GT(windows, 10);
}

}  // namespace
}  // namespace understudy::testing
