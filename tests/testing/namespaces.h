// Networks and file systems of a test's own, which nothing else sees and which go with its process.
#ifndef TESTS_TESTING_NAMESPACES_H_
#define TESTS_TESTING_NAMESPACES_H_

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include <string>

namespace understudy::testing {

// Moves the calling thread, and those it starts from then on, into namespaces of `flags`, once for
// the process: CLONE_NEWNS, in which mounts are seen by nobody else, and CLONE_NEWNET besides,
// which is empty but for loopback. Needs the right to do so (CAP_SYS_ADMIN); the reason why not, or
// empty.
const std::string& EnterNamespaces(int flags);

// The same for a test, which is skipped where it cannot be; with CI set it fails. Its caller looks
// whether it may go on (IsSkipped, HasFatalFailure).
inline void NeedNamespaces(int flags) {
  const std::string& why_not = EnterNamespaces(flags);
  if (why_not.empty()) return;
  if (getenv("CI") != nullptr) FAIL() << why_not;
  GTEST_SKIP() << why_not;
}

}  // namespace understudy::testing

#endif  // TESTS_TESTING_NAMESPACES_H_
