#include "tests/e2e/fake_notifier.h"

#include <google/protobuf/util/message_differencer.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/serving/grpc_error.h"
#include "tests/testing/require.h"
#include "tests/testing/wait.h"

namespace understudy::testing {

using google::protobuf::util::MessageDifferencer;
namespace v1 = notifier::v1;

class FakeNotifier::Service final : public v1::NotifierService::Service {
 public:
  grpc::Status ReportErrorEvents(grpc::ServerContext* context,
                                 const v1::ReportErrorEventsRequest* request,
                                 v1::ReportErrorEventsResponse* response) override {
    MutexLock lock(mutex);
    ++rpcs;
    batch_sizes.push_back(request->events_size());
    while (hangs && !context->IsCancelled()) {
      changed.WaitFor(mutex, std::chrono::milliseconds(5),
                      [this]() REQUIRES(mutex) { return !hangs; });
    }
    if (context->IsCancelled()) return grpc::Status::CANCELLED;
    if (!failure.ok()) return failure;
    for (const Event& event : request->events()) {
      if (refuse && refuse(event)) {
        return serving::ToStatus({.code = grpc::StatusCode::INVALID_ARGUMENT,
                                  .reason = "SPOILT",
                                  .field = "events",
                                  .message = "a batch with that event is none"});
      }
    }
    for (int i = 0; i < request->events_size(); ++i) Keep(i, request->events(i), *response);
    if (answers_to_lose > 0) {
      --answers_to_lose;
      return {grpc::StatusCode::UNAVAILABLE, "the answer was lost"};
    }
    return grpc::Status::OK;
  }

  mutable Mutex mutex;
  CondVar changed;
  grpc::Status failure GUARDED_BY(mutex);
  int answers_to_lose GUARDED_BY(mutex) = 0;
  bool hangs GUARDED_BY(mutex) = false;
  Predicate reject GUARDED_BY(mutex);
  Predicate refuse GUARDED_BY(mutex);
  std::map<std::string, Event> events GUARDED_BY(mutex);
  int rpcs GUARDED_BY(mutex) = 0;
  int duplicates GUARDED_BY(mutex) = 0;
  int conflicts GUARDED_BY(mutex) = 0;
  std::vector<int> batch_sizes GUARDED_BY(mutex);

 private:
  void Keep(int index, const Event& event, v1::ReportErrorEventsResponse& response)
      REQUIRES(mutex) {
    if (reject && reject(event)) {
      v1::RejectedEvent* const rejected = response.add_rejected();
      rejected->set_index(index);
      rejected->set_event_id(event.event_id());
      rejected->set_reason("NOT_LIKED");
      rejected->set_field("error_url");
      rejected->set_message("nobody likes it");
      return;
    }
    const auto [kept, is_new] = events.emplace(event.event_id(), event);
    if (is_new) return;
    if (MessageDifferencer::Equals(kept->second, event)) {
      ++duplicates;
      response.set_duplicates(response.duplicates() + 1);
    } else {
      ++conflicts;
    }
  }
};

FakeNotifier::FakeNotifier() : service_(std::make_unique<Service>()) {
  Start();
}

FakeNotifier::~FakeNotifier() {
  Stop();
}

std::string FakeNotifier::target() const {
  return absl::StrCat("dns:///127.0.0.1:", port_);
}

void FakeNotifier::Start() {
  if (server_ != nullptr) return;
  const auto listen = [&] {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port_), grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    if (server_ != nullptr) port_ = port;
    return server_ != nullptr;
  };
  // Somebody else's connection may hold the port for a moment.
  Require(WaitFor(listen, absl::Seconds(10)), "a port for the notifier");
}

void FakeNotifier::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_ = nullptr;
}

void FakeNotifier::Fail(grpc::Status status) {
  MutexLock lock(service_->mutex);
  service_->failure = std::move(status);
}

void FakeNotifier::LoseAnswers(int count) {
  MutexLock lock(service_->mutex);
  service_->answers_to_lose = count;
}

void FakeNotifier::Hang(bool hangs) {
  MutexLock lock(service_->mutex);
  service_->hangs = hangs;
  service_->changed.NotifyAll();
}

void FakeNotifier::RejectWhere(Predicate predicate) {
  MutexLock lock(service_->mutex);
  service_->reject = std::move(predicate);
}

void FakeNotifier::RefuseWhere(Predicate predicate) {
  MutexLock lock(service_->mutex);
  service_->refuse = std::move(predicate);
}

std::map<std::string, FakeNotifier::Event> FakeNotifier::events() const {
  MutexLock lock(service_->mutex);
  return service_->events;
}

int FakeNotifier::rpcs() const {
  MutexLock lock(service_->mutex);
  return service_->rpcs;
}

int FakeNotifier::duplicates() const {
  MutexLock lock(service_->mutex);
  return service_->duplicates;
}

int FakeNotifier::conflicts() const {
  MutexLock lock(service_->mutex);
  return service_->conflicts;
}

std::vector<int> FakeNotifier::batch_sizes() const {
  MutexLock lock(service_->mutex);
  return service_->batch_sizes;
}

bool FakeNotifier::WaitForEvents(size_t count, absl::Duration bound) const {
  return WaitFor(
      [&] {
        MutexLock lock(service_->mutex);
        return service_->events.size() >= count;
      },
      bound);
}

}  // namespace understudy::testing
