// Every query of the dashboard and of the rules asks for what the running services export: metrics,
// labels and their values. A query with a typing mistake finds nothing and looks like a quiet day.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/e2e/prometheus_process.h"
#include "tests/e2e/shipped_world.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;
using ::testing::IsSubsetOf;
using ::testing::Not;

constexpr absl::Duration kSoon = absl::Seconds(60);
constexpr int kFactor = 50;  // of scrapes and mails; the rules are as shipped

using Names = std::set<std::string>;

struct Query {
  std::string where = {};
  std::string expression = {};
  Names shown = {};  // labels of the result that a text or a legend shows
};

Names Captured(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  Names names;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) {
    names.insert((*it)[1]);
  }
  return names;
}

// What Grafana fills in.
std::string Filled(const std::string& expression) {
  return absl::StrReplaceAll(expression, {{"$namespace", ".+"}, {"$__rate_interval", "5m"}});
}

std::vector<Query> OfDashboard() {
  const json dashboard = json::parse(ReadShipped("deploy/grafana/understudy.json"));
  std::vector<Query> queries;
  for (const json& panel : dashboard.at("panels")) {
    for (const json& target : panel.value("targets", json::array())) {
      queries.push_back({.where = panel.at("title"),
                         .expression = Filled(target.at("expr")),
                         .shown = Captured(target.at("legendFormat"), R"(\{\{(\w+)\}\})")});
    }
  }
  for (const json& variable : dashboard.at("templating").at("list")) {
    if (variable.at("type") != "query") continue;
    const std::string values = variable.at("query").at("query");
    std::smatch match;
    EXPECT_TRUE(std::regex_match(values, match, std::regex(R"(label_values\((.+), (\w+)\))")));
    queries.push_back(
        {.where = variable.at("name"), .expression = Filled(match[1]), .shown = Names{match[2]}});
  }
  return queries;
}

std::vector<Query> OfRules(const PrometheusProcess& prometheus) {
  std::vector<Query> queries;
  const json rules = prometheus.Ask("rules");
  for (const json& group : rules.value("groups", json::array())) {
    for (const json& rule : group.at("rules")) {
      Query query{.where = rule.at("name"), .expression = rule.at("query")};
      for (const json& text : rule.value("annotations", json::object())) {
        query.shown.merge(Captured(text, R"(\$labels\.(\w+))"));
      }
      queries.push_back(query);
    }
  }
  return queries;
}

// `name` and `name{matchers}` of ours, as they stand in an expression. Alerts are nobody's metric.
Names Selectors(const std::string& expression) {
  return Captured(expression, R"(((?:\bunderstudy[_:][\w:]+|\bup\b)(?:\{[^}]*\})?))");
}

// The selectors of `selector` with one of its values alone, for each value that it names.
Names ByValue(const std::string& selector) {
  const std::string name = selector.substr(0, selector.find('{'));
  const std::regex matcher(R"re((\w+)(?:=|!=|=~|!~)"([\w|-]+)")re");
  Names single;
  for (std::sregex_iterator it(selector.begin(), selector.end(), matcher), end; it != end; ++it) {
    for (absl::string_view value : absl::StrSplit((*it)[2].str(), '|')) {
      single.insert(absl::StrCat(name, "{", (*it)[1].str(), "=\"", value, "\"}"));
    }
  }
  return single;
}

class MonitoringTest : public ::testing::Test {
 protected:
  // What makes every series there is: failures, a mail that is refused and one that is not.
  void SetUp() override {
    const Reply broken{.status = 500};
    const Reply good{.body = "<Response/>"};
    world_.primary().OnSequence("/voice", {broken, broken, good});
    world_.primary().OnSequence("/message", {broken, broken, good});
    world_.fallback().OnSequence("/message", {broken, good});
    world_.smtp().OnSequence(SmtpStep::kRcpt,
                             {Script{}.Send("550 5.1.1 nobody here\r\n"), Script{}});
    PrometheusFiles files =
        ShippedPrometheusFiles(world_.router().admin_port(), world_.notifier().admin_port());
    files.config = Hastened(files.config, kFactor);
    prometheus_.emplace(files);
    ASSERT_TRUE(prometheus_->FindPort()) << "is the package prometheus installed?";
    world_.StartTraffic();
    ASSERT_TRUE(WaitFor([&] { return Has("understudy_mails_total{result=\"accepted\"}"); }, kSoon));
    ASSERT_TRUE(WaitFor([&] { return Has("understudy:attempts:share5m"); }, kSoon));
  }

  bool Has(const std::string& selector) const { return prometheus_->Query(selector).size() > 0; }

  void Expect(const Query& query) const {
    SCOPED_TRACE(absl::StrCat(query.where, ": ", query.expression));
    EXPECT_THAT(query.expression, Not(::testing::HasSubstr("$")));
    Names labels;
    for (const std::string& selector : Selectors(query.expression)) {
      json series;
      const auto has_series = [&] {
        series = prometheus_->Query(selector);
        return !series.empty();
      };
      EXPECT_TRUE(WaitFor(has_series, kSoon)) << selector;
      for (const json& one : series) {
        for (const auto& [label, value] : one.at("metric").items()) labels.insert(label);
      }
      for (const std::string& single : ByValue(selector)) EXPECT_TRUE(Has(single)) << single;
    }
    const bool has_alerts = absl::StrContains(query.expression, "ALERTS");
    EXPECT_TRUE(has_alerts || !labels.empty());
    if (has_alerts) labels.insert({"alertname", "alertstate", "severity", "namespace"});

    Names grouped;
    for (const std::string& list :
         Captured(query.expression, R"(\b(?:by|on|without|ignoring) ?\(([\w, ]*)\))")) {
      for (absl::string_view label :
           absl::StrSplit(list, absl::ByAnyChar(", "), absl::SkipEmpty())) {
        grouped.emplace(label);
      }
    }
    EXPECT_THAT(grouped, IsSubsetOf(labels));
    EXPECT_THAT(query.shown, IsSubsetOf(labels));

    // As a whole: it is answered, and what it shows is what it has.
    const json result = prometheus_->Query(query.expression);
    EXPECT_FALSE(result.is_null()) << "no query";
    for (const json& one : result.is_array() ? result : json::array()) {
      for (const std::string& label : query.shown) EXPECT_TRUE(one.at("metric").contains(label));
    }
  }

  ShippedWorld world_{kFactor};
  std::optional<PrometheusProcess> prometheus_;
};

TEST_F(MonitoringTest, EveryQueryAsksForWhatThereIs) {
  const std::vector<Query> dashboard = OfDashboard();
  EXPECT_GT(dashboard.size(), 20u);
  for (const Query& query : dashboard) {
    Expect(query);
    // A panel is empty only where it shows what is wrong alone.
    if (absl::StrContains(query.expression, "ALERTS") || absl::EndsWith(query.expression, "> 0")) {
      continue;
    }
    EXPECT_TRUE(Has(query.expression)) << query.expression;
  }
  const std::vector<Query> rules = OfRules(*prometheus_);
  EXPECT_GT(rules.size(), 20u);
  for (const Query& query : rules) Expect(query);
}

TEST(Selectors, AreThoseOfAnExpression) {
  EXPECT_EQ(Selectors("sum by (up) (rate(understudy_a_total{b!=\"0\", c=~\"d|e\"}[5m])) / "
                      "understudy:f:g and up{job=\"understudy-x\"} == 0"),
            (Names{"understudy_a_total{b!=\"0\", c=~\"d|e\"}", "understudy:f:g", "up",
                   "up{job=\"understudy-x\"}"}));
  EXPECT_EQ(ByValue("x{b!=\"0\", c=~\"d|e\", f=~\".+\"}"),
            (Names{"x{b=\"0\"}", "x{c=\"d\"}", "x{c=\"e\"}"}));
}

}  // namespace
}  // namespace understudy::testing
