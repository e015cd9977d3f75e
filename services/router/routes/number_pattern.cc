#include "services/router/routes/number_pattern.h"

#include "absl/strings/str_cat.h"

namespace understudy::router {

std::optional<NumberPattern> ReadNumberPattern(absl::string_view text) {
  std::string kept;
  for (const char c : text) {
    if (absl::string_view("0123456789*+").find(c) != absl::string_view::npos) {
      kept.push_back(c);
    } else if (absl::string_view(" -().").find(c) == absl::string_view::npos) {
      return std::nullopt;
    }
  }
  NumberPattern pattern;
  if (kept.empty()) return pattern;
  if (kept.front() == '+') {
    pattern.prefix = kept.substr(0, kept.find('*'));
    pattern.glob = absl::StrCat(kept, "*");
  } else {
    pattern.glob = absl::StrCat("*", kept, "*");
  }
  return pattern;
}

}  // namespace understudy::router
