// How long after a primary's failure is known a fallback that is a bin has answered.
//
//   bin_bench [FILE]    prints a table, and writes it to FILE as JSON
//
// A whole router in this process, calls over gRPC on loopback, a primary where nothing listens. A
// call's time as the caller sees it, less the time its requests to the primary took, is what the
// failover and gRPC took together; the plan's share is timed alone. Exit status: 0, or 1 if a
// promise of docs/performance.md does not hold.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/router/resolve/plan.h"
#include "tests/e2e/router_world.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

constexpr int kCalls = 2000;
constexpr double kMedianMillisecondsMax = 1;
constexpr char kApology[] =
    "<Response><Say>We are sorry{{#ErrorCode}} (error {{ErrorCode}}){{/ErrorCode}}.</Say>"
    "<Hangup/></Response>";

double MillisecondsNow() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::shared_ptr<const router::Bin> Apology() {
  return std::make_shared<const router::Bin>(
      router::Bin{.name = "apology", .text = *twilio::BinTemplate::Parse(kApology)});
}

struct Figures {
  const char* what = "";
  std::vector<double> milliseconds = {};

  double At(double share) const {
    std::vector<double> sorted = milliseconds;
    std::sort(sorted.begin(), sorted.end());
    return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
  }
};

// From the failure going into the plan to the document coming out.
Figures TimePlan() {
  Figures figures = {.what = "the plan alone"};
  auto route = std::make_shared<router::Route>();
  route->handler.primary.url = "http://www.example.com/";
  route->handler.fallback = router::Endpoint{.url = "bin:apology", .bin = Apology()};
  route->default_document = std::make_shared<const std::string>("<Response/>");
  for (int i = 0; i < kCalls; ++i) {
    router::Plan plan({.id = "RS1", .parameters = {{"CallSid", "CA1"}}}, route, {});
    static_cast<void>(plan.Begin(absl::UnixEpoch()));
    const router::Reply failed = {.status = 500, .finished_at = absl::UnixEpoch()};
    const double begun = MillisecondsNow();
    const router::Step step = plan.OnReply(failed);
    figures.milliseconds.push_back(MillisecondsNow() - begun);
    Require(std::get<router::Outcome>(step).source == router::Source::kFallback, "the bin answers");
  }
  return figures;
}

Figures TimeCalls() {
  Figures figures = {.what = "a whole call, less its requests"};
  router::RouterConfig config = LoopbackConfig();
  config.bins = {Apology()};
  RouterWorld world(config);
  const ClosedPort closed;
  const router::v1::ResolveTwiMLRequest request =
      VoiceRequest(absl::StrCat("http://127.0.0.1:", closed.port(), "/"), "bin:apology");
  for (int i = 0; i < kCalls; ++i) {
    const double begun = MillisecondsNow();
    const Answer answer = world.Resolve(request);
    double took = MillisecondsNow() - begun;
    Require(answer.response.source() == router::v1::SOURCE_FALLBACK, "the bin answers");
    for (const router::v1::Attempt& attempt : answer.response.attempts()) {
      took -= static_cast<double>(attempt.total().seconds()) * 1e3 +
              static_cast<double>(attempt.total().nanos()) / 1e6;
    }
    figures.milliseconds.push_back(took);
  }
  return figures;
}

int Main(int argc, char** argv) {
  bool is_good = true;
  nlohmann::json json = nlohmann::json::array();
  std::printf("%-34s %10s %10s %10s\n", "milliseconds", "median", "p99", "longest");
  for (const Figures& figures : {TimePlan(), TimeCalls()}) {
    std::printf("%s\n", absl::StrFormat("%-34s %10.4f %10.4f %10.4f", figures.what, figures.At(0.5),
                                        figures.At(0.99), figures.At(1))
                            .c_str());
    json.push_back({{"what", figures.what},
                    {"median_ms", figures.At(0.5)},
                    {"p99_ms", figures.At(0.99)},
                    {"longest_ms", figures.At(1)}});
    if (figures.At(0.5) > kMedianMillisecondsMax) is_good = false;
  }
  if (argc > 1) {
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(argv[1]).parent_path(), ignored);
    std::ofstream(argv[1]) << json.dump(2) << "\n";
  }
  if (!is_good) std::printf("A bin took longer than %g ms.\n", kMedianMillisecondsMax);
  return is_good ? 0 : 1;
}

}  // namespace
}  // namespace understudy::testing

int main(int argc, char** argv) {
  return understudy::testing::Main(argc, argv);
}
