// Calls to a router at a steady rate, whatever becomes of them.
#ifndef TESTS_E2E_STEADY_CALLS_H_
#define TESTS_E2E_STEADY_CALLS_H_

#include <grpcpp/grpcpp.h>
#include <understudy/router/v1/router_service.grpc.pb.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "absl/time/time.h"

namespace understudy::testing {

struct SteadyCall {
  int number = 0;  // the first is 0
  grpc::ClientContext context = {};
  router::v1::ResolveTwiMLRequest request = {};
  router::v1::ResolveTwiMLResponse response = {};
  grpc::Status status = {};
  absl::Duration took = {};
  // SteadyCalls' own:
  absl::Time begun_at = {};
  std::unique_ptr<grpc::ClientAsyncResponseReader<router::v1::ResolveTwiMLResponse>> reader = {};
};

class SteadyCalls {
 public:
  // `prepare` fills in the request and the deadline of each call; `on_end` hears how it ended. On a
  // thread of their own each.
  SteadyCalls(std::shared_ptr<grpc::Channel> channel, int per_second,
              std::function<void(SteadyCall&)> prepare,
              std::function<void(const SteadyCall&)> on_end);
  ~SteadyCalls();
  SteadyCalls(const SteadyCalls&) = delete;
  SteadyCalls& operator=(const SteadyCalls&) = delete;

  // Begins no more calls; returns when all of them have ended. Twice is harmless.
  void Stop();

 private:
  void Begin();
  void End();

  const std::unique_ptr<router::v1::RouterService::Stub> stub_;
  const int per_second_;
  const std::function<void(SteadyCall&)> prepare_;
  const std::function<void(const SteadyCall&)> on_end_;
  std::atomic<bool> is_stopping_ = false;
  grpc::CompletionQueue queue_;
  std::thread beginnings_;
  std::thread ends_;
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_STEADY_CALLS_H_
