#include "common/serving/stop_signal.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>

namespace understudy::serving {
namespace {

sigset_t AwaitedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

// sigtimedwait knows no infinite time: longer waits are made of several.
constexpr absl::Duration kLongestSlice = absl::Hours(24);

}  // namespace

StopSignal::StopSignal() {
  const sigset_t signals = AwaitedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignal::Event StopSignal::Wait(absl::Duration timeout) {
  using std::chrono::steady_clock;
  const sigset_t signals = AwaitedSignals();
  const steady_clock::time_point start = steady_clock::now();
  absl::Duration left = timeout;
  for (;;) {
    const timespec wait = absl::ToTimespec(std::clamp(left, absl::ZeroDuration(), kLongestSlice));
    const int signal = sigtimedwait(&signals, nullptr, &wait);
    if (signal == SIGHUP) return Event::kReload;
    if (signal > 0) return Event::kStop;
    // The slice is over, or the process was stopped and continued.
    left = timeout - absl::FromChrono(steady_clock::now() - start);
    if (left <= absl::ZeroDuration()) return Event::kTimeout;
  }
}

}  // namespace understudy::serving
