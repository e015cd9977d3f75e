// The clock that calls are timed by. Read at the edges only; below them time is an argument.
#ifndef COMMON_SERVING_MONOTONIC_CLOCK_H_
#define COMMON_SERVING_MONOTONIC_CLOCK_H_

#include <chrono>

#include "absl/time/time.h"

namespace understudy::serving {

// Time since some moment before this process began, as absl::Time so that it adds up with
// durations. Never goes back; its date means nothing.
inline absl::Time MonotonicNow() {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace understudy::serving

#endif  // COMMON_SERVING_MONOTONIC_CLOCK_H_
