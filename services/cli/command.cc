#include "services/cli/command.h"

#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "services/cli/options.h"

namespace understudy::cli {

Style StyleFor(std::FILE* stream) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool wanted = no_color == nullptr || *no_color == '\0';
  const bool able = terminal != nullptr && absl::string_view(terminal) != "dumb";
  return {.color = wanted && able && isatty(fileno(stream)) != 0};
}

void Print(std::FILE* stream, absl::string_view text) {
  if (stream == stderr) std::fflush(stdout);  // one after the other where both are a terminal
  std::fwrite(text.data(), 1, text.size(), stream);
}

int UsageError(absl::string_view command, absl::string_view message) {
  const std::string name = absl::StrCat("understudy", command.empty() ? "" : " ", command);
  Print(stderr, absl::StrCat(name, ": ", Printable(message), "\nTry ", name, " --help.\n"));
  return kExitUsage;
}

bool WantsHelp(Arguments arguments) {
  for (const absl::string_view argument : arguments) {
    if (argument == "--") return false;
    if (argument == "--help" || argument == "-h") return true;
  }
  return false;
}

}  // namespace understudy::cli
