#include "services/cli/time_options.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace understudy::cli {
namespace {

// Ten thousand years of seconds have fewer.
constexpr size_t kMaxAgeDigits = 9;

}  // namespace

std::optional<absl::Duration> ParseAge(absl::string_view text) {
  const struct {
    char letter;
    absl::Duration unit;
  } kUnits[] = {{'s', absl::Seconds(1)},
                {'m', absl::Minutes(1)},
                {'h', absl::Hours(1)},
                {'d', absl::Hours(24)}};
  if (text.size() < 2 || text.size() > kMaxAgeDigits + 1) return std::nullopt;
  const absl::string_view digits = text.substr(0, text.size() - 1);
  int64_t count = 0;
  if (digits.find_first_not_of("0123456789") != absl::string_view::npos ||
      !absl::SimpleAtoi(digits, &count) || count == 0) {
    return std::nullopt;
  }
  for (const auto& unit : kUnits) {
    if (text.back() == unit.letter) return count * unit.unit;
  }
  return std::nullopt;
}

std::optional<absl::Time> ParseTime(absl::string_view text) {
  // absl::ParseTime takes blanks and infinite times, too.
  if (text.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(text.front())) ||
      absl::ascii_isspace(static_cast<unsigned char>(text.back()))) {
    return std::nullopt;
  }
  std::string written(text);
  if (written.size() > 10 && written[10] == ' ') written[10] = 'T';
  for (const char* format : {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%E*S",
                             "%Y-%m-%dT%H:%M%Ez", "%Y-%m-%dT%H:%M:%E*S%Ez"}) {
    absl::Time time;
    if (absl::ParseTime(format, written, absl::UTCTimeZone(), &time, nullptr)) return time;
  }
  return std::nullopt;
}

Option SinceOption(std::optional<absl::Duration>& out) {
  return {.name = "--since", .set = [&out](absl::string_view text) {
            out = ParseAge(text);
            return out.has_value() ? absl::OkStatus()
                                   : absl::InvalidArgumentError(
                                         "is a time such as 30s, 15m, 2h "
                                         "or 7d");
          }};
}

Option TimeOption(absl::string_view name, std::optional<absl::Time>& out) {
  return {.name = name, .set = [&out](absl::string_view text) {
            out = ParseTime(text);
            return out.has_value() ? absl::OkStatus()
                                   : absl::InvalidArgumentError(
                                         "is a time such as 2026-11-24, \"2026-11-24 13:30\" or "
                                         "2026-11-24T13:30:00+01:00");
          }};
}

}  // namespace understudy::cli
