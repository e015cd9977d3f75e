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

constexpr char kUsage[] = R"(Usage: understudy demo [options]

Starts a router, a notifier, a primary and a fallback web server on 127.0.0.1 and makes calls while
the primary answers, fails, is gone, hangs, returns broken TwiML, and while both are gone; then an
SMS. Prints for each who answered, every request with its time, the document and the error events;
then the mails that told operators, what the notifier keeps and the counters that moved. Checks all
of it, and tells where the operators' page is. Takes some seconds and leaves nothing behind but the
mails.

  --stay                   keep both services up behind it, with the operators' page, until Ctrl-C
  --mail-directory DIR     where the mails go (default: a new folder among the temporary files)
  --router-binary FILE     the router to run (default: understudy-router beside this program)
  --notifier-binary FILE   the notifier to run (default: understudy-notifier beside this program)

Exit status: 0 all was as it should be, 1 it was not, 2 wrong usage.
)";

constexpr char kThisProgram[] = "/proc/self/exe";

// The program of that name beside this one.
std::string Beside(const char* name) {
  std::error_code error;
  return (std::filesystem::read_symlink(kThisProgram, error).parent_path() / name).string();
}

}  // namespace

int DemoCommand(Arguments arguments) {
  if (WantsHelp(arguments)) {
    Print(stdout, kUsage);
    return kExitGood;
  }
  DemoOptions options;
  const absl::StatusOr<std::vector<std::string>> words = ParseOptions(
      arguments, {Flag("--stay", options.stays), Text("--mail-directory", options.mail_directory),
                  Text("--router-binary", options.router_binary),
                  Text("--notifier-binary", options.notifier_binary)});
  if (!words.ok()) return UsageError("demo", words.status().message());
  if (!words->empty()) return UsageError("demo", absl::StrCat("takes no ", words->front()));
  if (options.router_binary.empty()) options.router_binary = Beside("understudy-router");
  if (options.notifier_binary.empty()) options.notifier_binary = Beside("understudy-notifier");
  serving::StopSignal signals;
  options.is_interrupted = [&signals] {
    return signals.Wait(absl::ZeroDuration()) == serving::StopSignal::Event::kStop;
  };
  return RunDemo(options, StyleFor(stdout), stdout) ? kExitGood : kExitFailed;
}

}  // namespace understudy::cli
