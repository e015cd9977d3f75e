#include "services/router/service.h"

#include <google/protobuf/arena.h>
#include <grpcpp/grpcpp.h>
#include <understudy/router/v1/router_service.grpc.pb.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/log.h"
#include "common/serving/monotonic_clock.h"
#include "services/router/metrics.h"
#include "services/router/resolve/resolve.h"
#include "services/router/session_key.h"

namespace understudy::router {
namespace {

using serving::Log;
using serving::LogLevel;
using serving::MonotonicNow;

constexpr const char* kSourceNames[] = {"primary", "fallback", "default"};

// The caller's deadline on our clock.
absl::Time DeadlineOf(const grpc::ServerContext& context, absl::Time now) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  return now + absl::FromChrono(deadline - std::chrono::system_clock::now());
}

void LogEvent(const ErrorEvent& event) {
  // A warning of ours, whatever its level is for the web server's owner: we did our work.
  Log(LogLevel::kWarning, "error event",
      {{"event_id", event.event_id},
       {"resolution_id", event.resolution_id},
       {"account_sid", event.account_sid},
       {"kind", KindName(event.kind)},
       {"phone_number", event.phone_number},
       {"resource_sid", event.resource_sid},
       {"event_level", event.level == twilio::Level::kError ? "error" : "warning"},
       {"error_code", event.error_code},
       {"error_url", event.error_url},
       {"target", event.target == Target::kPrimary ? "TARGET_PRIMARY" : "TARGET_FALLBACK"},
       {"outcome", EventOutcomeName(event.outcome)},
       {"phase", PhaseName(event.phase)},
       {"http_status", event.http_status},
       {"detail", event.detail},
       {"elapsed_ms", absl::ToDoubleMilliseconds(event.elapsed)},
       {"attempt_count", event.attempt_count}});
}

void LogResolution(const Call& call, const Outcome& outcome, absl::Duration took) {
  const Fault* fault = outcome.faults.empty() ? nullptr : &outcome.faults.front();
  Log(LogLevel::kInfo, "resolution",
      {{"resolution_id", call.id},
       {"account_sid", call.account_sid},
       {"kind", KindName(call.kind)},
       {"source", outcome.cancelled ? "cancelled" : kSourceNames[static_cast<int>(outcome.source)]},
       {"error_code", fault == nullptr ? 0 : fault->code},
       {"error_url", fault == nullptr ? absl::string_view() : fault->url},
       {"attempts", static_cast<int64_t>(outcome.attempts.size())},
       {"duration_ms", absl::ToDoubleMilliseconds(took)}});
  for (const std::string& note : outcome.notes) {
    Log(LogLevel::kWarning, note, {{"resolution_id", call.id}});
  }
}

}  // namespace

std::string NewResolutionId() {
  thread_local absl::BitGen bits;
  return absl::StrCat(absl::Hex(absl::Uniform<uint64_t>(bits), absl::kZeroPad16),
                      absl::Hex(absl::Uniform<uint64_t>(bits), absl::kZeroPad16));
}

// Raw, so that a request that cannot be read gets an answer that says why.
class RouterDoor::Service
    : public v1::RouterService::WithRawMethod_ResolveTwiML<v1::RouterService::Service> {};

// One call from its arrival to the end of its answer. Lives until gRPC has said both that the call
// is over and that the answer is out.
class RouterDoor::Rpc {
 public:
  explicit Rpc(RouterDoor& door) : door_(door) {
    {
      MutexLock lock(door_.mutex_);
      ++door_.rpcs_;
    }
    context_.AsyncNotifyWhenDone(&over_);
    door_.service_->RequestResolveTwiML(&context_, &bytes_, &writer_, door_.queue_.get(),
                                        door_.queue_.get(), &arrived_);
  }

  ~Rpc() {
    MutexLock lock(door_.mutex_);
    if (--door_.rpcs_ == 0) door_.no_rpcs_.NotifyAll();
  }

  // On the door's thread.
  void SendAnswer() {
    if (answer_.Valid()) {
      writer_.Finish(answer_, grpc::Status::OK, &finished_);
    } else {
      writer_.FinishWithError(grpc::Status(grpc::StatusCode::CANCELLED, "the caller went away"),
                              &finished_);
    }
  }

 private:
  void OnArrived(bool ok) {
    if (!ok) {  // the server is shutting down; no other event will come
      delete this;
      return;
    }
    new Rpc(door_);  // the next one
    if (!door_.Enter()) {
      door_.metrics_.CountRefused();
      writer_.FinishWithError(
          serving::TryLater("too many calls are under way on this replica", kRetryDelay),
          &finished_);
      return;
    }
    Begin();
  }

  void Begin() {
    google::protobuf::Arena arena;
    auto& request = *google::protobuf::Arena::CreateMessage<v1::ResolveTwiMLRequest>(&arena);
    grpc::Slice slice;
    bytes_.DumpToSingleSlice(&slice).IgnoreError();  // then it is empty, and no request
    bytes_.Clear();
    if (!request.ParseFromArray(slice.begin(), static_cast<int>(slice.size()))) {
      return Refuse(ExplainUnreadable(
          absl::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size())));
    }

    const std::shared_ptr<const Settings> settings = door_.settings();
    Acceptance acceptance = Accept(request, *settings, absl::Now());
    if (auto* error = std::get_if<serving::CallerError>(&acceptance)) return Refuse(*error);
    AcceptedCall& accepted = std::get<AcceptedCall>(acceptance);

    begun_at_ = MonotonicNow();
    accepted.call.id = NewResolutionId();
    accepted.call.deadline = DeadlineOf(context_, begun_at_);
    phone_number_ = std::move(accepted.phone_number);
    settings_ = settings;
    door_.metrics_.CountSession(accepted.session_use);
    auto cancellation = std::make_shared<Cancellation>(++door_.last_ticket_);
    {
      MutexLock lock(mutex_);
      cancellation_ = cancellation;
      if (gone_) cancellation->Cancel(door_.fetcher_);
    }
    Resolve(door_.fetcher_, std::move(cancellation), std::move(accepted.call),
            std::move(accepted.route), door_.options_.limits, begun_at_,
            [this](Call& call, Outcome& outcome) { OnOutcome(call, outcome); });
  }

  void Refuse(const serving::CallerError& error) {
    door_.Leave();
    writer_.FinishWithError(serving::ToStatus(error), &finished_);
  }

  // On the fetcher's thread, or the door's if nothing had to be fetched. The door's has this object
  // to itself from Enqueue on.
  void OnOutcome(const Call& call, const Outcome& outcome) {
    const absl::Duration took = MonotonicNow() - begun_at_;
    door_.metrics_.CountResolution(call.kind, outcome, took);
    const std::vector<ErrorEvent> events = EventsOf(call, phone_number_, outcome, absl::Now());
    for (const ErrorEvent& event : events) LogEvent(event);
    if (!events.empty() && door_.options_.report) door_.options_.report(events);
    LogResolution(call, outcome, took);
    door_.Leave();
    if (!outcome.cancelled) {
      google::protobuf::Arena arena;
      auto& response = *google::protobuf::Arena::CreateMessage<v1::ResolveTwiMLResponse>(&arena);
      ToResponse(outcome, call.id, SealSessionNow(outcome.session, call, settings_->session_key),
                 response);
      const grpc::Slice slice(response.SerializeAsString());
      answer_ = grpc::ByteBuffer(&slice, 1);
    }
    door_.Enqueue(this);
  }

  void OnOver() {
    if (context_.IsCancelled()) {
      std::shared_ptr<Cancellation> cancellation;
      {
        MutexLock lock(mutex_);
        gone_ = true;
        cancellation = cancellation_;
      }
      if (cancellation != nullptr) cancellation->Cancel(door_.fetcher_);
    }
    Release();
  }

  // Both events come on the queue's thread.
  void Release() {
    if (++ended_ == 2) delete this;
  }

  RouterDoor& door_;
  grpc::ServerContext context_;
  grpc::ByteBuffer bytes_;
  grpc::ServerAsyncResponseWriter<grpc::ByteBuffer> writer_{&context_};
  serving::QueueTag arrived_{[this](bool ok) { OnArrived(ok); }};
  serving::QueueTag over_{[this](bool) { OnOver(); }};
  serving::QueueTag finished_{[this](bool) { Release(); }};
  int ended_ = 0;

  std::string phone_number_;
  std::shared_ptr<const Settings> settings_;  // that it began with
  absl::Time begun_at_;
  grpc::ByteBuffer answer_;  // not valid: nobody waits for one
  Mutex mutex_;
  bool gone_ GUARDED_BY(mutex_) = false;
  std::shared_ptr<Cancellation> cancellation_ GUARDED_BY(mutex_);
};

RouterDoor::RouterDoor(ServiceOptions options, std::shared_ptr<const Settings> settings,
                       Fetcher& fetcher, RouterMetrics& metrics)
    : options_(std::move(options)),
      fetcher_(fetcher),
      metrics_(metrics),
      service_(std::make_unique<Service>()),
      wake_([this] { SendAnswers(); }),
      settings_(std::move(settings)) {
  metrics_.SetMaxInFlight(options_.max_in_flight);
}

RouterDoor::~RouterDoor() = default;

grpc::ServerCompletionQueue& RouterDoor::Register(grpc::ServerBuilder& builder) {
  builder.RegisterService(service_.get());
  queue_ = builder.AddCompletionQueue();
  return *queue_;
}

void RouterDoor::Open() {
  new Rpc(*this);
}

void RouterDoor::Serve() {
  serving::ServeQueue(*queue_);
}

// A queue that is shut down takes no more answers, so it must see the last one before.
void RouterDoor::ShutDown() {
  {
    MutexLock lock(mutex_);
    no_rpcs_.Wait(mutex_, [this]() REQUIRES(mutex_) { return rpcs_ == 0; });
  }
  queue_->Shutdown();
}

void RouterDoor::SetSettings(std::shared_ptr<const Settings> settings) {
  MutexLock lock(mutex_);
  settings_ = std::move(settings);
}

std::shared_ptr<const Settings> RouterDoor::settings() const {
  MutexLock lock(mutex_);
  return settings_;
}

void RouterDoor::Enqueue(Rpc* rpc) {
  {
    MutexLock lock(mutex_);
    answers_.push_back(rpc);
  }
  wake_.Wake(*queue_);
}

void RouterDoor::SendAnswers() {
  std::vector<Rpc*> answers;
  {
    MutexLock lock(mutex_);
    answers.swap(answers_);
  }
  for (Rpc* rpc : answers) rpc->SendAnswer();
}

bool RouterDoor::Enter() {
  if (++in_flight_ > options_.max_in_flight) {
    --in_flight_;
    return false;
  }
  metrics_.AddInFlight(1);
  return true;
}

void RouterDoor::Leave() {
  --in_flight_;
  metrics_.AddInFlight(-1);
}

}  // namespace understudy::router
