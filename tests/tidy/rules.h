// What the compilers do not say about our source: who may include whom, where time comes from, and
// how files are called and built. Rules over text; reading the checkout is the caller's.
#ifndef TESTS_TIDY_RULES_H_
#define TESTS_TIDY_RULES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace understudy::testing {

struct SourceFile {
  std::string path = {};  // from the root of the checkout: "common/twilio/form.h"
  std::string text = {};
};

// One broken rule: "path:line: what is wrong"; line 0 is the file as a whole.
using Complaints = std::vector<std::string>;

// `cpp` with blanks in place of comments and of what stands in string and character literals.
// Lines and columns stay what they were.
std::string CodeOf(absl::string_view cpp);

// Includes keep to the direction of dependencies (ARCHITECTURE.md, "Who may know whom"): pure rooms
// include the standard library, Abseil and each other downwards; generated headers stay at the
// doors, Boost inside the public server; services do not know each other, and what they share
// knows none of them.
Complaints CheckIncludes(const SourceFile& file);

// Exceptions to CheckIncludes that none of `files` needs any more.
Complaints CheckExceptions(const std::vector<SourceFile>& files);

// No call that reads a clock in a pure room.
Complaints CheckClocks(const SourceFile& file);

// No std::string_view next to Abseil, whose own is another type here.
Complaints CheckStringViews(const SourceFile& file);

// Include guards are the path.
Complaints CheckGuard(const SourceFile& file);

// At most 100 columns in C++ and protos, no tabs in C++, nothing left to do anywhere.
Complaints CheckText(const SourceFile& file);

// No file or folder is called after nothing in particular.
Complaints CheckName(const SourceFile& file);

// Every .cc file is named in a CMakeLists.txt, its own folder's or another's.
Complaints CheckBuilt(const std::vector<SourceFile>& files);

// Links of Markdown pages to files and folders of the checkout lead somewhere.
Complaints CheckLinks(const std::vector<SourceFile>& files);

// All of the above.
Complaints CheckSources(const std::vector<SourceFile>& files);

}  // namespace understudy::testing

#endif  // TESTS_TIDY_RULES_H_
