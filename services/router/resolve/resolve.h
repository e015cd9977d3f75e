// Carries one plan from its first step to its outcome over a Fetcher.
#ifndef SERVICES_ROUTER_RESOLVE_RESOLVE_H_
#define SERVICES_ROUTER_RESOLVE_RESOLVE_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "services/router/resolve/call.h"
#include "services/router/resolve/fetcher.h"

namespace understudy::router {

// Resolves `call` and gives `done` its outcome exactly once: on the fetcher's thread, or before
// Resolve returns if no request had to be made. Fetcher::Cancel(ticket) ends it early, with
// outcome.cancelled; a call may only be cancelled once its ticket has a fetch due, so cancelling
// what has just ended is harmless. `fetcher` must outlive the call to `done`. `ticket` must be new.
void Resolve(Fetcher& fetcher, Ticket ticket, Call call, std::shared_ptr<const Route> route,
             const Limits& limits, absl::Time now, absl::AnyInvocable<void(Outcome)> done);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_RESOLVE_RESOLVE_H_
