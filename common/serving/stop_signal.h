// The signals that stop or reload a process, as something its main thread waits for: no handler
// runs, so nothing is restricted to what handlers may do.
#ifndef COMMON_SERVING_STOP_SIGNAL_H_
#define COMMON_SERVING_STOP_SIGNAL_H_

#include <cstdint>

#include "absl/time/time.h"

namespace understudy::serving {

class StopSignal {
 public:
  enum class Event : uint8_t {
    kStop,    // SIGTERM or SIGINT
    kReload,  // SIGHUP
    kTimeout,
  };

  // Blocks SIGTERM, SIGINT and SIGHUP for the calling thread and those it starts later, and ignores
  // SIGPIPE, so that a peer that went away is an error of the write. To be made in main before any
  // thread is. Not undone at the end: a signal that comes late must not kill what is finishing.
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // The next signal, or kTimeout after `timeout`. A signal that came between two calls is kept; the
  // same one twice counts once. For one thread.
  Event Wait(absl::Duration timeout);
};

}  // namespace understudy::serving

#endif  // COMMON_SERVING_STOP_SIGNAL_H_
