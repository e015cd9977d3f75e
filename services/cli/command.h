// The commands of `understudy`. Each takes the words after its name, prints, and returns the
// process's exit status.
#ifndef SERVICES_CLI_COMMAND_H_
#define SERVICES_CLI_COMMAND_H_

#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/cli/render.h"

namespace understudy::cli {

using Arguments = absl::Span<const absl::string_view>;

int ResolveCommand(Arguments arguments);
int CheckCommand(Arguments arguments);
int HealthCommand(Arguments arguments);
int ErrorsCommand(Arguments arguments);
int NumbersCommand(Arguments arguments);
int DemoCommand(Arguments arguments);

// Colour if `stream` is a terminal that has it and NO_COLOR is not set (https://no-color.org).
Style StyleFor(std::FILE* stream);

void Print(std::FILE* stream, absl::string_view text);

// Says on standard error what is wrong with the command line of `command` (empty: of understudy
// itself) and where help is. Returns kExitUsage.
int UsageError(absl::string_view command, absl::string_view message);

// True if `arguments` ask for help before any "--".
bool WantsHelp(Arguments arguments);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_COMMAND_H_
