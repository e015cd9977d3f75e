// What a test's world cannot do without. Not a test's verdict: those are gtest's assertions.
#ifndef TESTS_TESTING_REQUIRE_H_
#define TESTS_TESTING_REQUIRE_H_

#include "absl/strings/string_view.h"

namespace understudy::testing {

// Ends the process, naming `what` and the last system error, when `holds` is false.
void Require(bool holds, absl::string_view what);

}  // namespace understudy::testing

#endif  // TESTS_TESTING_REQUIRE_H_
