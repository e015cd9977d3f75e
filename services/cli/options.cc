#include "services/cli/options.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "absl/strings/str_cat.h"

namespace understudy::cli {
namespace {

// Letters to change, add, drop or swap with a neighbour to make one of the other.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

absl::Status Unknown(absl::string_view name, absl::Span<const Option> options) {
  std::vector<absl::string_view> names = {"--help"};
  for (const Option& option : options) names.push_back(option.name);
  const absl::string_view near = NearestName(name, names);
  return absl::InvalidArgumentError(absl::StrCat("there is no option ", name,
                                                 near.empty() ? "" : "; did you mean ", near,
                                                 near.empty() ? "" : "?"));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseOptions(absl::Span<const absl::string_view> args,
                                                      absl::Span<const Option> options) {
  std::vector<std::string> words;
  std::set<absl::string_view> given;
  for (size_t i = 0; i < args.size(); ++i) {
    const absl::string_view arg = args[i];
    if (arg == "--") {
      for (++i; i < args.size(); ++i) words.emplace_back(args[i]);
      break;
    }
    if (arg.size() < 2 || arg[0] != '-') {
      words.emplace_back(arg);
      continue;
    }
    const size_t equals = std::min(arg.find('='), arg.size());
    const absl::string_view name = arg.substr(0, equals);
    const auto option = std::find_if(options.begin(), options.end(),
                                     [&](const Option& o) { return o.name == name; });
    if (option == options.end()) return Unknown(name, options);
    if (!given.insert(name).second && !option->repeats) {
      return absl::InvalidArgumentError(absl::StrCat(name, " is given twice"));
    }
    absl::string_view value;
    if (equals < arg.size()) {
      if (!option->takes_value) {
        return absl::InvalidArgumentError(absl::StrCat(name, " takes no value"));
      }
      value = arg.substr(equals + 1);
    } else if (option->takes_value) {
      if (++i == args.size())
        return absl::InvalidArgumentError(absl::StrCat(name, " needs a value"));
      value = args[i];
    }
    if (absl::Status status = option->set(value); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": ", status.message()));
    }
  }
  return words;
}

absl::string_view NearestName(absl::string_view word, absl::Span<const absl::string_view> names) {
  absl::string_view nearest;
  size_t fewest = kMaxNearMissEdits + 1;
  for (const absl::string_view name : names) {
    const size_t edits = EditDistance(word, name);
    if (edits < fewest && edits * 2 < name.size()) {
      nearest = name;
      fewest = edits;
    }
  }
  return nearest;
}

Option Flag(absl::string_view name, bool& out) {
  return {.name = name, .takes_value = false, .set = [&out](absl::string_view) {
            out = true;
            return absl::OkStatus();
          }};
}

Option Text(absl::string_view name, std::string& out) {
  return {.name = name, .set = [&out](absl::string_view value) {
            if (value.empty()) return absl::InvalidArgumentError("is empty");
            out = std::string(value);
            return absl::OkStatus();
          }};
}

}  // namespace understudy::cli
