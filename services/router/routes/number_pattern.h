// What a list of numbers may be asked for: "*" stands for any digits. Pure.
#ifndef SERVICES_ROUTER_ROUTES_NUMBER_PATTERN_H_
#define SERVICES_ROUTER_ROUTES_NUMBER_PATTERN_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace understudy::router {

struct NumberPattern {
  std::string glob = "*";   // of digits, "+" and "*", for the whole number; fnmatch's and SQLite's
  std::string prefix = {};  // what every match begins with
};

// A part of a number, from its beginning if that is a "+". Blanks, hyphens, dots and parentheses
// count for nothing. Nothing for a pattern that no number matches.
std::optional<NumberPattern> ReadNumberPattern(absl::string_view text);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_NUMBER_PATTERN_H_
