#include "tests/e2e/steady_calls.h"

#include <utility>

#include "absl/time/clock.h"

namespace understudy::testing {

SteadyCalls::SteadyCalls(std::shared_ptr<grpc::Channel> channel, int per_second,
                         std::function<void(SteadyCall&)> prepare,
                         std::function<void(const SteadyCall&)> on_end)
    : stub_(router::v1::RouterService::NewStub(std::move(channel))),
      per_second_(per_second),
      prepare_(std::move(prepare)),
      on_end_(std::move(on_end)) {
  thread_ = std::thread([this] { Run(); });
}

SteadyCalls::~SteadyCalls() {
  Stop();
}

void SteadyCalls::Stop() {
  is_stopping_ = true;
  if (thread_.joinable()) thread_.join();
  MutexLock lock(mutex_);
  none_.Wait(mutex_, [this]() REQUIRES(mutex_) { return under_way_ == 0; });
}

void SteadyCalls::Run() {
  const absl::Time begun_at = absl::Now();
  for (int number = 0; !is_stopping_; ++number) {
    absl::SleepFor(begun_at + absl::Seconds(1) * number / per_second_ - absl::Now());
    Begin(number);
  }
}

void SteadyCalls::Begin(int number) {
  auto call = std::make_shared<SteadyCall>();
  call->number = number;
  prepare_(*call);
  {
    MutexLock lock(mutex_);
    ++under_way_;
  }
  stub_->async()->ResolveTwiML(&call->context, &call->request, &call->response,
                               [this, call, begun_at = absl::Now()](const grpc::Status& status) {
                                 call->status = status;
                                 call->took = absl::Now() - begun_at;
                                 MutexLock lock(mutex_);
                                 on_end_(*call);
                                 if (--under_way_ == 0) none_.NotifyAll();
                               });
}

}  // namespace understudy::testing
