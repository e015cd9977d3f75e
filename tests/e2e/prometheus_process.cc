#include "tests/e2e/prometheus_process.h"

#include <httplib.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/testing/program.h"
#include "tests/testing/require.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using nlohmann::json;

constexpr absl::Duration kSoon = absl::Seconds(30);

// A duration that stands alone, or what an age in seconds is compared with.
const std::regex& TimePattern() {
  static const std::regex pattern(
      R"((^|[^A-Za-z0-9_.])(\d+)(ms|s|m|h|d)(?![A-Za-z0-9_])|(_oldest\w*\)? > )(\d+))",
      std::regex::optimize);
  return pattern;
}

int64_t Milliseconds(const std::string& unit) {
  static const std::map<std::string, int64_t> units = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  return units.at(unit);
}

// Where the process listens on 127.0.0.1; 0 if it does not. proc(5): a socket is a link of the
// process's fd folder, and a line of net/tcp with address, state (0A: it listens) and inode.
int ListeningPortOf(pid_t pid) {
  std::set<std::string> inodes;
  std::error_code error;
  for (const auto& fd :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/fd"), error)) {
    const std::string link = std::filesystem::read_symlink(fd.path(), error).string();
    absl::string_view inode = link;
    if (absl::ConsumePrefix(&inode, "socket:[")) {
      inodes.insert(std::string(absl::StripSuffix(inode, "]")));
    }
  }
  std::ifstream table("/proc/net/tcp");
  for (std::string line; std::getline(table, line);) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    int port = 0;
    if (words.size() > 9 && words[3] == "0A" && inodes.count(words[9]) > 0 &&
        absl::StartsWith(words[1], "0100007F:") &&
        absl::SimpleHexAtoi(words[1].substr(words[1].find(':') + 1), &port)) {
      return port;
    }
  }
  return 0;
}

}  // namespace

std::string ReadShipped(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Require(file.is_open(), path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string ReplaceExactly(absl::string_view text, absl::string_view from, absl::string_view to,
                           int count) {
  std::string replaced(text);
  Require(absl::StrReplaceAll({{from, to}}, &replaced) == count, from);
  return replaced;
}

PrometheusFiles ShippedPrometheusFiles(int router_port, int notifier_port) {
  const auto target = [](int port) {
    return absl::StrCat("[\"127.0.0.1:", port, "\"], labels: {namespace: test}}");
  };
  std::string config = ReadShipped("deploy/prometheus/prometheus.yaml");
  config = ReplaceExactly(config, "[\"router:9090\"]}", target(router_port));
  config = ReplaceExactly(config, "[\"notifier:9091\"]}", target(notifier_port));
  return {.config = config, .rules = ReadShipped("deploy/prometheus/rules.yaml")};
}

std::string Hastened(const std::string& text, int factor) {
  std::string hastened;
  auto rest = text.begin();
  for (std::sregex_iterator it(text.begin(), text.end(), TimePattern()), end; it != end; ++it) {
    const std::smatch& match = *it;
    hastened.append(rest, match[0].first);
    rest = match[0].second;
    const bool is_age = match[5].matched;
    const int64_t unit = is_age ? 1 : Milliseconds(match[3]);
    const int64_t time = std::stoll(is_age ? match[5] : match[2]) * unit;
    Require(time % factor == 0, match[0].str());
    absl::StrAppend(&hastened, is_age ? match[4].str() : match[1].str(), time / factor,
                    is_age ? "" : "ms");
  }
  hastened.append(rest, text.end());
  return hastened;
}

PrometheusProcess::PrometheusProcess(const PrometheusFiles& files) {
  folder_.Write("rules.yaml", files.rules);
  pid_ =
      StartProgram({"prometheus", "--config.file=" + folder_.Write("prometheus.yaml", files.config),
                    "--storage.tsdb.path=" + folder_.path() + "/data",
                    "--web.listen-address=127.0.0.1:0", "--log.level=error"});
}

PrometheusProcess::~PrometheusProcess() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool PrometheusProcess::FindPort() {
  const auto has_port = [this] {
    port_ = ListeningPortOf(pid_);
    return port_ != 0;
  };
  return WaitFor(has_port, kSoon);
}

json PrometheusProcess::Ask(const std::string& target) const {
  httplib::Client client("127.0.0.1", port_);
  const httplib::Result response = client.Get("/api/v1/" + target);
  if (!response || response->status != 200) return json::object();
  const json answer = json::parse(response->body, nullptr, false);
  const bool is_good = answer.is_object() && answer.value("status", "") == "success";
  return is_good ? answer.at("data") : json::object();
}

json PrometheusProcess::Query(const std::string& expression) const {
  const json data = Ask("query?query=" + httplib::detail::encode_query_param(expression));
  return data.contains("result") ? data.at("result") : json();
}

}  // namespace understudy::testing
