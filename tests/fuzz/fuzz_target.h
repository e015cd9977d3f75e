// What each fuzz target has: the entry point a driver calls, and a way to fail.
#ifndef TESTS_FUZZ_FUZZ_TARGET_H_
#define TESTS_FUZZ_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

// Runs one input. Returns 0; aborts if what the target promises does not hold.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace understudy::testing {

// Aborts unless `holds`, so that the driver keeps the input.
inline void Require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", promise);
  std::abort();
}

}  // namespace understudy::testing

#endif  // TESTS_FUZZ_FUZZ_TARGET_H_
