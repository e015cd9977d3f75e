#include "common/serving/queue_tag.h"

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

namespace understudy::serving {

void ServeQueue(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) static_cast<QueueTag*>(tag)->OnEvent(ok);
}

QueueWake::QueueWake(std::function<void()> on_wake)
    : tag_([this, on_wake = std::move(on_wake)](bool) {
        is_due_ = false;
        on_wake();
      }),
      alarm_(std::make_unique<grpc::Alarm>()) {}

QueueWake::~QueueWake() = default;

void QueueWake::Wake(grpc::CompletionQueue& queue) {
  if (!is_due_.exchange(true)) alarm_->Set(&queue, gpr_inf_past(GPR_CLOCK_MONOTONIC), &tag_);
}

}  // namespace understudy::serving
