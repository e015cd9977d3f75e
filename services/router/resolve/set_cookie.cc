#include "services/router/resolve/set_cookie.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace understudy::router {

std::optional<std::string> FindCookieMistake(const Headers& headers) {
  for (const Header& header : headers) {
    if (!absl::EqualsIgnoreCase(header.name, "set-cookie")) continue;
    const absl::string_view pair =
        absl::string_view(header.value).substr(0, header.value.find(';'));
    if (pair.find_first_of("\t\r\n\v\f") != absl::string_view::npos) {
      return "a cookie the server set has a tab or a line break in it";
    }
    const absl::string_view name = pair.substr(0, pair.find('='));
    if (name.size() == pair.size() || absl::StripAsciiWhitespace(name).empty()) {
      return "a cookie the server set has no name";
    }
  }
  return std::nullopt;
}

}  // namespace understudy::router
