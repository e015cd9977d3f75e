// The gRPC door: takes ResolveTwiML off a completion queue, has the call resolved, answers.
// Completion queues rather than the callback API: fewer hand-overs between threads per call, which
// is most of what a call costs us.
#ifndef SERVICES_ROUTER_SERVICE_H_
#define SERVICES_ROUTER_SERVICE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "common/mutex.h"
#include "common/serving/queue_tag.h"
#include "services/router/conversion.h"
#include "services/router/report/error_event.h"
#include "services/router/resolve/fetcher.h"

namespace grpc {
class ServerBuilder;
class ServerCompletionQueue;
}  // namespace grpc

namespace understudy::router {

class RouterMetrics;

struct ServiceOptions {
  Limits limits = {};
  int max_in_flight = 10000;
  // Told of each call that went wrong, before its caller is: when it returns, the events are safe.
  // From the threads that resolve; may be empty.
  std::function<void(const std::vector<ErrorEvent>&)> report = {};
};

// 128 random bits in hexadecimal: unique without asking anyone. From any thread.
std::string NewResolutionId();

// A call that was refused for want of room may be tried again after this.
inline constexpr absl::Duration kRetryDelay = absl::Seconds(1);

class RouterDoor {
 public:
  // `fetcher` and `metrics` must outlive the door.
  RouterDoor(ServiceOptions options, std::shared_ptr<const Settings> settings, Fetcher& fetcher,
             RouterMetrics& metrics);
  ~RouterDoor();
  RouterDoor(const RouterDoor&) = delete;
  RouterDoor& operator=(const RouterDoor&) = delete;

  // Adds the service and its queue to a server that is being built. Once, before Serve. Others may
  // use the queue too (queue_tag.h), until ShutDown.
  grpc::ServerCompletionQueue& Register(grpc::ServerBuilder& builder);

  // Asks for the first call. Once, when the server has been started, before Serve.
  void Open();

  // Takes calls on this thread until ShutDown().
  void Serve();

  // Waits until every call has its answer out, then lets Serve return. REQUIRES: the server's own
  // Shutdown() has returned, so nothing new comes.
  void ShutDown();

  // Taken so far, but for those that were refused. From any thread.
  uint64_t calls() const { return last_ticket_; }

  // Calls from now on are answered by `settings`; those under way keep theirs. From any thread.
  void SetSettings(std::shared_ptr<const Settings> settings);

 private:
  class Rpc;
  class Service;

  std::shared_ptr<const Settings> settings() const;
  // Has an answer sent by the door's thread: one thread alone speaks to gRPC, so that none waits
  // for its locks, and is woken once for as many answers as there are by then. From any thread.
  void Enqueue(Rpc* rpc);
  void SendAnswers();
  bool Enter();  // false: no room
  void Leave();

  const ServiceOptions options_;
  Fetcher& fetcher_;
  RouterMetrics& metrics_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  serving::QueueWake wake_;  // to SendAnswers
  std::atomic<int> in_flight_ = 0;
  std::atomic<Ticket> last_ticket_ = 0;
  mutable Mutex mutex_;
  std::shared_ptr<const Settings> settings_ GUARDED_BY(mutex_);
  std::vector<Rpc*> answers_ GUARDED_BY(mutex_);
  int rpcs_ GUARDED_BY(mutex_) = 0;  // under way, or waiting for their call to arrive
  CondVar no_rpcs_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_SERVICE_H_
