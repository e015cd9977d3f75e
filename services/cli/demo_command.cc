#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/serving/stop_signal.h"
#include "services/cli/command.h"
#include "services/cli/demo.h"
#include "services/cli/options.h"

namespace understudy::cli {
namespace {

constexpr char kUsage[] = R"(Usage: understudy demo [--router-binary FILE]

Starts a router, a primary and a fallback web server on 127.0.0.1 and makes calls while the
primary answers, fails, is gone, hangs, returns broken TwiML, and while both are gone; then an SMS.
Prints for each who answered, every request with its time, the document and the error events, at
the end the counters that moved, and checks all of it. Takes some seconds, leaves nothing behind.

  --router-binary FILE   the router to run (default: understudy-router beside this program)

Exit status: 0 all was as it should be, 1 it was not, 2 wrong usage.
)";

constexpr char kThisProgram[] = "/proc/self/exe";

}  // namespace

int DemoCommand(Arguments arguments) {
  if (WantsHelp(arguments)) {
    Print(stdout, kUsage);
    return kExitGood;
  }
  DemoOptions options;
  const absl::StatusOr<std::vector<std::string>> words =
      ParseOptions(arguments, {Text("--router-binary", options.router_binary)});
  if (!words.ok()) return UsageError("demo", words.status().message());
  if (!words->empty()) return UsageError("demo", absl::StrCat("takes no ", words->front()));
  if (options.router_binary.empty()) {
    std::error_code error;
    options.router_binary =
        (std::filesystem::read_symlink(kThisProgram, error).parent_path() / "understudy-router")
            .string();
  }
  serving::StopSignal signals;
  options.is_interrupted = [&signals] {
    return signals.Wait(absl::ZeroDuration()) == serving::StopSignal::Event::kStop;
  };
  return RunDemo(options, StyleFor(stdout), stdout) ? kExitGood : kExitFailed;
}

}  // namespace understudy::cli
