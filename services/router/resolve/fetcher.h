// SEAM: the way out. The room that needs it owns it; `fetch/` and the tests implement it.
#ifndef SERVICES_ROUTER_RESOLVE_FETCHER_H_
#define SERVICES_ROUTER_RESOLVE_FETCHER_H_

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "services/router/resolve/call.h"

namespace understudy::router {

// Names a call at the seam; never used twice in a process.
using Ticket = uint64_t;

class Fetcher {
 public:
  using Done = absl::AnyInvocable<void(Reply)>;

  virtual ~Fetcher() = default;

  // Makes the exchange and answers `done` exactly once, on the fetcher's own thread, by
  // exchange.give_up_at at the latest. Never blocks and never calls `done` from within. From any
  // thread, `done` included.
  virtual void Fetch(Ticket ticket, Exchange exchange, Done done) = 0;

  // Turns the answer that is due to `ticket` into NetError::kCancelled, soon; the connection is
  // given up. Nothing happens if none is due. From any thread.
  virtual void Cancel(Ticket ticket) = 0;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_RESOLVE_FETCHER_H_
