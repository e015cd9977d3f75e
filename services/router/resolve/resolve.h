// Carries one plan from its first step to its outcome over a Fetcher.
#ifndef SERVICES_ROUTER_RESOLVE_RESOLVE_H_
#define SERVICES_ROUTER_RESOLVE_RESOLVE_H_

#include <atomic>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "services/router/resolve/call.h"
#include "services/router/resolve/fetcher.h"

namespace understudy::router {

// Says that nobody waits for a call any more. Shared by who cancels and who carries.
class Cancellation {
 public:
  explicit Cancellation(Ticket ticket) : ticket_(ticket) {}

  Ticket ticket() const { return ticket_; }
  bool cancelled() const { return cancelled_.load(); }
  // Ends the call soon, with outcome.cancelled; harmless if it has ended. From any thread.
  void Cancel(Fetcher& fetcher) {
    cancelled_.store(true);
    fetcher.Cancel(ticket_);
  }

 private:
  const Ticket ticket_;
  std::atomic<bool> cancelled_ = false;
};

// The call, with what was added to its parameters and without the session it brought, and how it
// ended. Both may be moved from.
using ResolveDone = absl::AnyInvocable<void(Call&, Outcome&)>;

// Resolves `call` and calls `done` exactly once: on the fetcher's thread, or before Resolve returns
// if no request had to be made. `fetcher` must outlive the call to `done`. `cancellation` must not
// be null and must not have served another call.
void Resolve(Fetcher& fetcher, std::shared_ptr<Cancellation> cancellation, Call call,
             std::shared_ptr<const Route> route, const Limits& limits, absl::Time now,
             ResolveDone done);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_RESOLVE_RESOLVE_H_
