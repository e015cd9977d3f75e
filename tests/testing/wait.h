// Waiting for what another thread or process brings about, without sleeping for luck.
#ifndef TESTS_TESTING_WAIT_H_
#define TESTS_TESTING_WAIT_H_

#include <chrono>
#include <thread>

#include "absl/time/time.h"

namespace understudy::testing {

// Asks `predicate` every millisecond until it holds or `bound` has passed; returns what it said
// last. It is asked at least once, on the caller's thread.
template <typename Predicate>
[[nodiscard]] bool WaitFor(Predicate predicate, absl::Duration bound) {
  const auto give_up_at = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(bound);
  while (!predicate()) {
    if (std::chrono::steady_clock::now() >= give_up_at) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace understudy::testing

#endif  // TESTS_TESTING_WAIT_H_
