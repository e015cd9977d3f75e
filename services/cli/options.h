// The words of a command line: options, what they do, and the near miss of one that does not exist.
// Pure: nothing is printed and nothing exits.
#ifndef SERVICES_CLI_OPTIONS_H_
#define SERVICES_CLI_OPTIONS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace understudy::cli {

// Exit statuses, as --help states them.
inline constexpr int kExitGood = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// Names that differ in more letters than this, or in half of their own, are no near misses.
inline constexpr size_t kMaxNearMissEdits = 2;

struct Option {
  absl::string_view name = {};  // "--kind"
  bool takes_value = true;
  bool repeats = false;
  // Takes the value (empty for one without); an error's message is about the value only.
  std::function<absl::Status(absl::string_view)> set = {};
};

// Gives every "--name value", "--name=value" and "--name" of `args` to its option and returns the
// other words in order. What follows "--" is never an option. InvalidArgument, with a sentence for
// the user, for an unknown option (with its near miss), one given twice that does not repeat, one
// without its value or with a value it does not take, and for what `set` refuses.
absl::StatusOr<std::vector<std::string>> ParseOptions(absl::Span<const absl::string_view> args,
                                                      absl::Span<const Option> options);

// The one of `names` that `word` was probably meant to be; empty if none is near.
absl::string_view NearestName(absl::string_view word, absl::Span<const absl::string_view> names);

// Options that store what they are given.
Option Flag(absl::string_view name, bool& out);
Option Text(absl::string_view name, std::string& out);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_OPTIONS_H_
