#include "tests/testing/require.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace understudy::testing {

void Require(bool holds, absl::string_view what) {
  if (holds) return;
  const int error = errno;
  std::fprintf(stderr, "test world: required: %.*s (last system error: %s)\n",
               static_cast<int>(what.size()), what.data(), std::strerror(error));
  std::abort();
}

}  // namespace understudy::testing
