#include "services/router/resolve/resolve.h"

#include <utility>
#include <variant>

#include "services/router/resolve/plan.h"

namespace understudy::router {
namespace {

// Owned by the one callback that is due; gone when the outcome is out.
struct Resolution {
  Fetcher& fetcher;
  std::shared_ptr<Cancellation> cancellation;
  Plan plan;
  ResolveDone done;
};

void Carry(std::unique_ptr<Resolution> resolution, Step step) {
  if (auto* outcome = std::get_if<Outcome>(&step)) {
    resolution->done(resolution->plan.call(), *outcome);
    return;
  }
  Fetcher& fetcher = resolution->fetcher;
  const std::shared_ptr<Cancellation> cancellation = resolution->cancellation;
  fetcher.Fetch(cancellation->ticket(), std::get<Exchange>(std::move(step)),
                [resolution = std::move(resolution)](const Reply& reply) mutable {
                  Step next = resolution->plan.OnReply(reply);
                  Carry(std::move(resolution), std::move(next));
                });
  // A cancel that came between two fetches found none due: say it again for this one.
  if (cancellation->cancelled()) fetcher.Cancel(cancellation->ticket());
}

}  // namespace

void Resolve(Fetcher& fetcher, std::shared_ptr<Cancellation> cancellation, Call call,
             std::shared_ptr<const Route> route, const Limits& limits, absl::Time now,
             ResolveDone done) {
  auto resolution = std::make_unique<Resolution>(
      Resolution{fetcher, std::move(cancellation), Plan(std::move(call), std::move(route), limits),
                 std::move(done)});
  Step first = resolution->plan.Begin(now);
  Carry(std::move(resolution), std::move(first));
}

}  // namespace understudy::router
