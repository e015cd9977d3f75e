// Texts that are compared with files under tests/golden.
#ifndef TESTS_TESTING_GOLDEN_H_
#define TESTS_TESTING_GOLDEN_H_

#include <string>

#include "absl/strings/string_view.h"

namespace understudy::testing {

// Fails the test if `text` is not what tests/golden/`name` holds. With UNDERSTUDY_REWRITE_GOLDEN=1
// in the environment the file is written instead: look at the difference before you commit it.
void ExpectGolden(const std::string& name, absl::string_view text);

}  // namespace understudy::testing

#endif  // TESTS_TESTING_GOLDEN_H_
