// gRPC's health protocol on a completion queue that a service of ours serves anyway. gRPC's own
// health service brings threads that poll beside that queue's, and each event is then handed from
// one to the other: a fifth of what a call costs the router (docs/decisions).
#ifndef COMMON_SERVING_HEALTH_SERVICE_H_
#define COMMON_SERVING_HEALTH_SERVICE_H_

#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/mutex.h"
#include "common/serving/queue_tag.h"

namespace grpc {
class ServerBuilder;
class ServerCompletionQueue;
}  // namespace grpc

namespace understudy::serving {

// Who may watch at once; further ones are refused with RESOURCE_EXHAUSTED.
inline constexpr size_t kMaxHealthWatches = 128;

class HealthService {
 public:
  HealthService();
  ~HealthService();
  HealthService(const HealthService&) = delete;
  HealthService& operator=(const HealthService&) = delete;

  // Adds the service to a server that is being built. `queue` must be served as by ServeQueue, and
  // must outlive the calls. Once.
  void Register(grpc::ServerBuilder& builder, grpc::ServerCompletionQueue& queue);
  // Asks for the first calls. Once, when the server has been started, on the queue's thread or
  // before it is served.
  void Open();

  // What Check answers and Watch tells of `service`; empty: of the whole process. From any thread.
  void SetServing(const std::string& service, bool is_serving) EXCLUDES(mutex_);
  // Watches are told what changed and end, as do those that come: the server is about to stop, and
  // would wait for them. From any thread, while the queue is served.
  void EndWatches() EXCLUDES(mutex_);
  // Waits until no call is left, after which the queue may be shut down. REQUIRES: EndWatches() was
  // called, and the server's own Shutdown() has returned.
  void AwaitEnd() EXCLUDES(mutex_);

 private:
  class Check;
  class Service;
  class Watch;

  void PushToWatches();

  const std::unique_ptr<Service> service_;
  grpc::ServerCompletionQueue* queue_ = nullptr;
  std::set<Watch*> watches_;  // the queue's thread's
  QueueWake wake_;

  Mutex mutex_;
  CondVar no_calls_;
  std::map<std::string, bool> is_serving_ GUARDED_BY(mutex_);
  bool ends_watches_ GUARDED_BY(mutex_) = false;
  int calls_ GUARDED_BY(mutex_) = 0;  // under way, or waiting for their client
};

}  // namespace understudy::serving

#endif  // COMMON_SERVING_HEALTH_SERVICE_H_
