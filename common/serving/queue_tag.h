// What goes through a gRPC completion queue: tags that say what happens when they come out, and a
// way for other threads to have something done by the thread that takes them out.
#ifndef COMMON_SERVING_QUEUE_TAG_H_
#define COMMON_SERVING_QUEUE_TAG_H_

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"

namespace grpc {
class Alarm;
class CompletionQueue;
}  // namespace grpc

namespace understudy::serving {

class QueueTag {
 public:
  // `on_event` is told whether the operation went well.
  explicit QueueTag(absl::AnyInvocable<void(bool)> on_event) : on_event_(std::move(on_event)) {}
  QueueTag(const QueueTag&) = delete;
  QueueTag& operator=(const QueueTag&) = delete;

  void OnEvent(bool ok) { on_event_(ok); }

 private:
  absl::AnyInvocable<void(bool)> on_event_;
};

// Takes tags out of `queue`, all of which are QueueTags, until it is shut down and empty.
void ServeQueue(grpc::CompletionQueue& queue);

// Calls `on_wake` on the queue's thread after Wake(): once for as many calls of Wake as came before
// it began.
class QueueWake {
 public:
  explicit QueueWake(std::function<void()> on_wake);
  // The queue has been served to its end, or was never woken.
  ~QueueWake();

  // From any thread. REQUIRES: `queue` is always the same, and not shut down.
  void Wake(grpc::CompletionQueue& queue);

 private:
  std::atomic<bool> is_due_ = false;
  QueueTag tag_;
  std::unique_ptr<grpc::Alarm> alarm_;  // set while is_due_
};

}  // namespace understudy::serving

#endif  // COMMON_SERVING_QUEUE_TAG_H_
