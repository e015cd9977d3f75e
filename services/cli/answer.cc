#include "services/cli/answer.h"

#include <grpcpp/grpcpp.h>
#include <understudy/router/v1/router_service.grpc.pb.h>

#include <future>
#include <memory>
#include <utility>
#include <variant>

#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/serving/grpc_error.h"
#include "common/serving/monotonic_clock.h"
#include "services/cli/grpc_target.h"
#include "services/router/conversion.h"
#include "services/router/fetch/curl_fetcher.h"
#include "services/router/resolve/resolve.h"
#include "services/router/service.h"
#include "services/router/session_key.h"
#include "services/router/settings.h"

namespace understudy::cli {
namespace {

using router::CurlFetcher;
using router::Exchange;
using router::Fetcher;
using router::Outcome;
using router::Reply;
using router::Ticket;

constexpr Ticket kOnlyTicket = 1;

// Passes everything through and remembers the last reply: an outcome tells what a reply was worth,
// not what stood in it.
class RememberingFetcher : public Fetcher {
 public:
  explicit RememberingFetcher(Fetcher& fetcher) : fetcher_(fetcher) {}

  void Fetch(Ticket ticket, Exchange exchange, Done done) override {
    fetcher_.Fetch(ticket, std::move(exchange),
                   [this, done = std::move(done)](Reply reply) mutable {
                     {
                       MutexLock lock(mutex_);
                       last_reply_ = reply;
                     }
                     done(std::move(reply));
                   });
  }
  void Cancel(Ticket ticket) override { fetcher_.Cancel(ticket); }

  Reply TakeLastReply() {
    MutexLock lock(mutex_);
    return std::move(last_reply_);
  }

 private:
  Fetcher& fetcher_;
  Mutex mutex_;
  Reply last_reply_ GUARDED_BY(mutex_);
};

}  // namespace

Answer AskRouter(const std::string& address, const serving::TlsMaterial* tls,
                 const router::v1::ResolveTwiMLRequest& request, absl::Duration timeout) {
  const auto stub = router::v1::RouterService::NewStub(Connect(address, tls));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  Answer answer;
  answer.status = stub->ResolveTwiML(&context, request, &answer.response);
  return answer;
}

LocalAnswer ResolveLocally(const router::RouterConfig& config,
                           const router::v1::ResolveTwiMLRequest& request, absl::Duration timeout) {
  LocalAnswer answer;
  const auto settings = router::MakeSettings(config, router::NewSessionKey());
  router::Acceptance acceptance = router::Accept(request, *settings, absl::Now());
  if (const auto* mistake = std::get_if<serving::CallerError>(&acceptance)) {
    answer.status = serving::ToStatus(*mistake);
    return answer;
  }
  absl::StatusOr<std::unique_ptr<CurlFetcher>> curl =
      CurlFetcher::Start({.egress = config.egress,
                          .dns_servers = config.dns_servers,
                          .ca_file = config.ca_file,
                          .max_body_bytes = config.max_body_bytes});
  if (!curl.ok()) {
    answer.status = {grpc::StatusCode::FAILED_PRECONDITION, std::string(curl.status().message())};
    return answer;
  }
  RememberingFetcher fetcher(**curl);

  router::AcceptedCall& accepted = std::get<router::AcceptedCall>(acceptance);
  const absl::Time now = serving::MonotonicNow();
  accepted.call.id = router::NewResolutionId();
  accepted.call.deadline = now + timeout;
  const router::Call call = accepted.call;
  // Shared: its setter may still be inside when the getter is done.
  const auto promise = std::make_shared<std::promise<Outcome>>();
  std::future<Outcome> outcome = promise->get_future();
  router::Resolve(fetcher, std::make_shared<router::Cancellation>(kOnlyTicket),
                  std::move(accepted.call), std::move(accepted.route), config.limits, now,
                  [promise](router::Call&, Outcome& end) { promise->set_value(std::move(end)); });
  answer.outcome = outcome.get();
  answer.last_reply = fetcher.TakeLastReply();
  router::ToResponse(answer.outcome, call.id,
                     router::SealSessionNow(answer.outcome.session, call, settings->session_key),
                     answer.response);
  return answer;
}

}  // namespace understudy::cli
