#include <csignal>
#include <cstdio>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/version.h"
#include "services/cli/command.h"
#include "services/cli/options.h"

namespace understudy::cli {
namespace {

constexpr char kUsage[] = R"(Usage: understudy COMMAND [OPTIONS]

Understudy answers calls and messages with TwiML from a number's primary web server or, when that
fails, from its fallback. This is its command line.

  resolve   ask a router (or this process) for a document, and see every request it took
  check     say everything that is wrong with TwiML in files, in bins, or as URLs answer it
  numbers   list, change, import and export the phone numbers of a router
  errors    list, show and follow what went wrong, as a notifier keeps it
  health    ask a router or notifier whether it is ready
  demo      watch a router keep answering while its web servers fail, all on this machine

  understudy COMMAND --help   what a command takes and which exit statuses it has
  understudy --version        the version
)";

struct Command {
  absl::string_view name = {};
  int (*run)(Arguments) = nullptr;
};

constexpr Command kCommands[] = {
    {"resolve", ResolveCommand}, {"check", CheckCommand},   {"numbers", NumbersCommand},
    {"errors", ErrorsCommand},   {"health", HealthCommand}, {"demo", DemoCommand},
};

int Main(Arguments arguments) {
  if (arguments.empty()) {
    Print(stderr, kUsage);
    return kExitUsage;
  }
  const absl::string_view first = arguments[0];
  if (first == "--help" || first == "-h" || first == "help") {
    Print(stdout, kUsage);
    return kExitGood;
  }
  if (first == "--version") {
    Print(stdout, absl::StrCat("understudy ", kVersion, "\n"));
    return kExitGood;
  }
  std::vector<absl::string_view> names = {"--help", "--version"};
  for (const Command& command : kCommands) {
    if (command.name == first) return command.run(arguments.subspan(1));
    names.push_back(command.name);
  }
  const absl::string_view near = NearestName(first, names);
  return UsageError(
      "", absl::StrCat("there is no ", first[0] == '-' ? "option " : "command ", first,
                       near.empty() ? "" : "; did you mean ", near, near.empty() ? "" : "?"));
}

}  // namespace
}  // namespace understudy::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that has read enough is no reason to die
  const std::vector<absl::string_view> arguments(argv + 1, argv + argc);
  return understudy::cli::Main(arguments);
}
