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
  beginnings_ = std::thread([this] { Begin(); });
  ends_ = std::thread([this] { End(); });
}

SteadyCalls::~SteadyCalls() {
  Stop();
}

void SteadyCalls::Stop() {
  if (!beginnings_.joinable()) return;
  is_stopping_ = true;
  beginnings_.join();
  queue_.Shutdown();
  ends_.join();
}

void SteadyCalls::Begin() {
  const absl::Time begun_at = absl::Now();
  for (int number = 0; !is_stopping_; ++number) {
    absl::SleepFor(begun_at + absl::Seconds(1) * number / per_second_ - absl::Now());
    auto call = std::make_unique<SteadyCall>();
    call->number = number;
    prepare_(*call);
    call->begun_at = absl::Now();
    call->reader = stub_->AsyncResolveTwiML(&call->context, call->request, &queue_);
    SteadyCall* const tag = call.release();  // the queue's
    tag->reader->Finish(&tag->response, &tag->status, tag);
  }
}

void SteadyCalls::End() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
    const std::unique_ptr<SteadyCall> call(static_cast<SteadyCall*>(tag));
    call->took = absl::Now() - call->begun_at;
    on_end_(*call);
  }
}

}  // namespace understudy::testing
