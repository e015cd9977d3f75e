#include "common/serving/health_service.h"

#include <grpc/health/v1/health.grpc.pb.h>
#include <grpcpp/grpcpp.h>

#include <optional>

namespace understudy::serving {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

HealthCheckResponse Response(bool is_serving) {
  HealthCheckResponse response;
  response.set_status(is_serving ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING);
  return response;
}

}  // namespace

class HealthService::Service : public grpc::health::v1::Health::AsyncService {};

// Lives from waiting for a client until its answer is out.
class HealthService::Check {
 public:
  explicit Check(HealthService& health) : health_(health) {
    {
      MutexLock lock(health_.mutex_);
      ++health_.calls_;
    }
    health_.service_->RequestCheck(&context_, &request_, &writer_, health_.queue_, health_.queue_,
                                   &arrived_);
  }
  ~Check() {
    MutexLock lock(health_.mutex_);
    if (--health_.calls_ == 0) health_.no_calls_.NotifyAll();
  }

 private:
  void OnArrived(bool ok) {
    if (!ok) {  // the server is shutting down
      delete this;
      return;
    }
    new Check(health_);
    std::optional<bool> is_serving;
    {
      MutexLock lock(health_.mutex_);
      const auto known = health_.is_serving_.find(request_.service());
      if (known != health_.is_serving_.end()) is_serving = known->second;
    }
    if (is_serving.has_value()) {
      writer_.Finish(Response(*is_serving), grpc::Status::OK, &finished_);
    } else {
      writer_.FinishWithError({grpc::StatusCode::NOT_FOUND, "no such service here"}, &finished_);
    }
  }

  HealthService& health_;
  grpc::ServerContext context_;
  HealthCheckRequest request_;
  grpc::ServerAsyncResponseWriter<HealthCheckResponse> writer_{&context_};
  QueueTag arrived_{[this](bool ok) { OnArrived(ok); }};
  QueueTag finished_{[this](bool) { delete this; }};
};

// Lives until gRPC has said both that the call is over and that its end is out.
class HealthService::Watch {
 public:
  explicit Watch(HealthService& health) : health_(health) {
    {
      MutexLock lock(health_.mutex_);
      ++health_.calls_;
    }
    context_.AsyncNotifyWhenDone(&over_);
    health_.service_->RequestWatch(&context_, &request_, &writer_, health_.queue_, health_.queue_,
                                   &arrived_);
  }
  ~Watch() {
    health_.watches_.erase(this);
    MutexLock lock(health_.mutex_);
    if (--health_.calls_ == 0) health_.no_calls_.NotifyAll();
  }

  // Tells the client what it has not heard, or ends, unless an earlier word is still on its way.
  void Push() {
    if (is_writing_ || is_finishing_) return;
    HealthCheckResponse response;
    bool ends;
    {
      MutexLock lock(health_.mutex_);
      const auto known = health_.is_serving_.find(request_.service());
      if (known == health_.is_serving_.end()) {
        response.set_status(HealthCheckResponse::SERVICE_UNKNOWN);
      } else {
        response = Response(known->second);
      }
      ends = health_.ends_watches_;
    }
    if (is_gone_) return Finish(grpc::Status::CANCELLED);
    if (told_ != response.status()) {
      told_ = response.status();
      is_writing_ = true;
      writer_.Write(response, &written_);
      return;
    }
    if (ends) Finish({grpc::StatusCode::UNAVAILABLE, "this process is stopping"});
  }

 private:
  void OnArrived(bool ok) {
    if (!ok) {  // the server is shutting down; no other event will come
      delete this;
      return;
    }
    new Watch(health_);
    if (health_.watches_.size() >= kMaxHealthWatches) {
      Finish({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many watch already"});
      return;
    }
    health_.watches_.insert(this);
    Push();
  }

  void OnWritten(bool ok) {
    is_writing_ = false;
    if (!ok) is_gone_ = true;
    Push();
  }

  void OnOver() {
    is_gone_ = true;
    Push();
    Release();
  }

  void Finish(const grpc::Status& status) {
    is_finishing_ = true;
    writer_.Finish(status, &finished_);
  }

  void Release() {
    if (++ended_ == 2) delete this;
  }

  HealthService& health_;
  grpc::ServerContext context_;
  HealthCheckRequest request_;
  grpc::ServerAsyncWriter<HealthCheckResponse> writer_{&context_};
  QueueTag arrived_{[this](bool ok) { OnArrived(ok); }};
  QueueTag written_{[this](bool ok) { OnWritten(ok); }};
  QueueTag over_{[this](bool) { OnOver(); }};
  QueueTag finished_{[this](bool) { Release(); }};
  std::optional<HealthCheckResponse::ServingStatus> told_;
  bool is_writing_ = false;
  bool is_finishing_ = false;
  bool is_gone_ = false;  // nobody reads any more
  int ended_ = 0;
};

HealthService::HealthService()
    : service_(std::make_unique<Service>()), wake_([this] { PushToWatches(); }) {}

HealthService::~HealthService() = default;

void HealthService::Register(grpc::ServerBuilder& builder, grpc::ServerCompletionQueue& queue) {
  queue_ = &queue;
  builder.RegisterService(service_.get());
}

void HealthService::Open() {
  new Check(*this);
  new Watch(*this);
}

void HealthService::SetServing(const std::string& service, bool is_serving) {
  {
    MutexLock lock(mutex_);
    is_serving_[service] = is_serving;
    if (calls_ == 0) return;  // not open yet, or not any more
  }
  wake_.Wake(*queue_);
}

void HealthService::EndWatches() {
  {
    MutexLock lock(mutex_);
    ends_watches_ = true;
    if (calls_ == 0) return;
  }
  wake_.Wake(*queue_);
}

void HealthService::AwaitEnd() {
  MutexLock lock(mutex_);
  no_calls_.Wait(mutex_, [this]() REQUIRES(mutex_) { return calls_ == 0; });
}

void HealthService::PushToWatches() {
  const std::set<Watch*> watches = watches_;
  for (Watch* watch : watches) watch->Push();
}

}  // namespace understudy::serving
