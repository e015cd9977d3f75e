// Times on the command line.
#ifndef SERVICES_CLI_TIME_OPTIONS_H_
#define SERVICES_CLI_TIME_OPTIONS_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/cli/options.h"

namespace understudy::cli {

// "90s", "15m", "2h", "7d": one number of one unit, more than nothing.
std::optional<absl::Duration> ParseAge(absl::string_view text);

// "2026-11-24", "2026-11-24 13:30", "2026-11-24T13:30:05" in UTC, or with "Z" or "+01:00" behind.
std::optional<absl::Time> ParseTime(absl::string_view text);

Option SinceOption(std::optional<absl::Duration>& out);  // --since
Option TimeOption(absl::string_view name, std::optional<absl::Time>& out);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_TIME_OPTIONS_H_
