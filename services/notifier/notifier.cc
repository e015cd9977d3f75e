#include "services/notifier/notifier.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/serving/admin_server.h"
#include "common/serving/grpc_server.h"
#include "common/serving/log.h"
#include "common/serving/process.h"
#include "common/serving/public_server.h"
#include "common/serving/tls_identity.h"
#include "common/twilio/error_codes.h"
#include "services/notifier/config.h"
#include "services/notifier/groups/dispatcher.h"
#include "services/notifier/groups/dispatcher_thread.h"
#include "services/notifier/ingest/caller_intake.h"
#include "services/notifier/ingest/grpc_service.h"
#include "services/notifier/ingest/http_handlers.h"
#include "services/notifier/ingest/ingest.h"
#include "services/notifier/mail/make_mailer.h"
#include "services/notifier/metrics.h"
#include "services/notifier/page/page_door.h"
#include "services/notifier/rest/alerts_api.h"
#include "services/notifier/store/sqlite_store.h"

namespace understudy::notifier {
namespace {

using serving::Log;
using serving::LogLevel;

constexpr char kServiceName[] = "understudy.notifier.v1.NotifierService";
// Connections of the HTTP door, and what else is open.
constexpr int kDescriptorsNeeded = 10000 + 200;

// The one record of an event in the log; the words are those of the router's.
void LogEvent(const Event& event, const char* door) {
  const twilio::ErrorCode* code = twilio::FindErrorCode(event.error_code);
  Log(LogLevel::kWarning, "error event",
      {{"event_id", event.event_id},
       {"door", door},
       {"resolution_id", event.resolution_id},
       {"account_sid", event.account_sid},
       {"kind", KindName(event.kind)},
       {"phone_number", event.phone_number},
       {"resource_sid", event.resource_sid},
       {"event_level", event.level == Level::kError ? "error" : "warning"},
       {"error_code", event.error_code},
       {"error_name", code == nullptr ? absl::string_view("unknown") : code->name},
       {"error_url", event.error_url},
       {"outcome", OutcomeName(event.outcome)},
       {"phase", PhaseName(event.phase)},
       {"http_status", event.http_status},
       {"detail", event.detail}});
}

void LogAttempt(const Mail& mail, const SendResult& result) {
  const bool is_good = mail.state == MailState::kAccepted;
  Log(is_good ? LogLevel::kInfo : LogLevel::kWarning, is_good ? "mail accepted" : "mail not sent",
      {{"message_id", mail.message_id},
       {"recipient", mail.recipient},
       {"mail_reason", ReasonName(mail.reason)},
       {"subject", mail.subject},
       {"state", MailStateName(mail.state)},
       {"reason", SendReasonName(result.reason)},
       {"detail", result.detail},
       {"reply", result.reply},
       {"attempts", mail.attempts}});
}

AlertsSettings AlertsSettingsOf(const NotifierConfig& config) {
  return {.accounts = config.http.accounts, .public_url = config.http.public_url};
}

// What the health service of a running server says: SERVING while the store takes events.
class GrpcHealth {
 public:
  void SetStore(bool is_healthy) {
    MutexLock lock(mutex_);
    is_store_healthy_ = is_healthy;
    if (server_ != nullptr) server_->SetServing(is_healthy);
  }
  // From now on it is this server's; null: nobody's.
  void SetServer(serving::GrpcServer* server) {
    MutexLock lock(mutex_);
    server_ = server;
    if (server_ != nullptr) server_->SetServing(is_store_healthy_);
  }

 private:
  Mutex mutex_;
  bool is_store_healthy_ GUARDED_BY(mutex_) = true;
  serving::GrpcServer* server_ GUARDED_BY(mutex_) = nullptr;
};

}  // namespace

// In the order in which they are made; what comes later uses what came before.
struct Notifier::Parts {
  NotifierMetrics metrics;
  serving::TlsIdentities identities;
  std::atomic<bool> is_ready = false;
  GrpcHealth grpc_health;
  std::unique_ptr<SqliteStore> store;
  std::unique_ptr<Mailer> mailer;
  std::unique_ptr<Dispatcher> dispatcher;
  std::unique_ptr<DispatcherThread> dispatcher_thread;
  std::unique_ptr<Ingest> ingest;
  std::unique_ptr<CallerIntake> callers;
  std::unique_ptr<HttpDoor> http_door;
  std::unique_ptr<PageDoor> page_door;
  std::unique_ptr<AlertsApi> alerts_api;
  std::unique_ptr<GrpcService> grpc_service;
  std::unique_ptr<serving::PublicServer> http;
  std::unique_ptr<serving::GrpcServer> grpc;
  std::unique_ptr<serving::AdminServer> admin;

  NotifierFacts Facts() {
    const SqliteFacts store_facts = store->facts();
    return {.store = store->ReadStatus(),
            .store_is_healthy = store->Health().ok(),
            .holds_ballast = store_facts.database.holds_ballast,
            .store_log_bytes = store_facts.database.log_bytes,
            .store_queued_bytes = store_facts.queued_bytes,
            .store_moved_aside = store_facts.database.moved_aside,
            .store_refused_appends = store_facts.refused_appends,
            .waiting_events = callers->waiting(),
            .http_connections = http == nullptr ? 0 : http->connections(),
            .now = absl::Now()};
  }

  absl::Status Ready() {
    if (!is_ready) return absl::UnavailableError("stopping");
    return store->Health();
  }
};

Notifier::Notifier(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<Notifier>> Notifier::Start(const NotifierConfig& config) {
  serving::RaiseDescriptorLimit(kDescriptorsNeeded, "HTTP connections");
  std::unique_ptr<Notifier> notifier(new Notifier(std::make_unique<Parts>()));
  Parts& parts = *notifier->parts_;
  NotifierMetrics& metrics = parts.metrics;
  metrics.SetCertificates(&parts.identities);

  absl::StatusOr<std::unique_ptr<SqliteStore>> store = SqliteStore::Open(
      {.database = {.path = config.store_path},
       .waits = config.alerts.waits,
       .on_commit = [&metrics](absl::Duration took) { metrics.ObserveCommit(took); },
       .on_health = [&parts](bool is_healthy) { parts.grpc_health.SetStore(is_healthy); }});
  if (!store.ok()) return store.status();
  parts.store = *std::move(store);

  absl::StatusOr<std::unique_ptr<Mailer>> mailer = MakeMailer(config.smtp, config.mail_directory);
  if (!mailer.ok()) return mailer.status();
  parts.mailer = *std::move(mailer);
  parts.dispatcher = std::make_unique<Dispatcher>(
      *parts.store, *parts.mailer, config.alerts,
      DispatcherHooks{
          .on_mail =
              [&metrics](const Mail& mail, const SendResult& result) {
                metrics.CountAttempt(mail, result, absl::Now());
                LogAttempt(mail, result);
              },
          .on_written = [&metrics](Reason reason) { metrics.CountMailWritten(reason); },
          .on_over_limit = [&metrics](int64_t groups) { metrics.CountOverLimit(groups); },
          .on_store_failed =
              [](const absl::Status& status) {
                Log(LogLevel::kError, "the store failed; mails wait",
                    {{"detail", status.message()}});
              }},
      std::random_device{}());

  parts.ingest = std::make_unique<Ingest>(
      *parts.store,
      IngestHooks{.on_stored =
                      [&metrics](const Event& event, Door door) {
                        metrics.CountEvent(event);
                        LogEvent(event, DoorName(door));
                      },
                  .on_duplicate = [&metrics](Door door) { metrics.CountDuplicate(door); },
                  .on_rejected =
                      [&metrics](const RejectedEvent& event, Door door) {
                        metrics.CountRejected(door, event.refusal.reason);
                        Log(LogLevel::kWarning, "error event refused",
                            {{"door", DoorName(door)},
                             {"event_id", event.event_id},
                             {"reason", event.refusal.reason},
                             {"field", event.refusal.field}});
                      },
                  .on_skipped = [&metrics](Door door) { metrics.CountSkipped(door); },
                  .wake = [&parts] { parts.dispatcher_thread->Wake(); }});
  parts.dispatcher_thread = std::make_unique<DispatcherThread>(*parts.dispatcher);
  parts.callers = std::make_unique<CallerIntake>(
      *parts.ingest,
      CallerIntake::Hooks{.on_degraded =
                              [&metrics](const Event& event) {
                                metrics.CountDegraded();
                                LogEvent(event, "fallback, not stored yet");
                              },
                          .on_lost = [&metrics](const Event&) { metrics.CountLost(); }});
  metrics.SetFacts([&parts] { return parts.Facts(); });

  parts.http_door = std::make_unique<HttpDoor>(
      *parts.ingest, *parts.callers,
      [&metrics](Door door, const std::string& reason) {
        metrics.CountRejected(door, reason);
        Log(LogLevel::kWarning, "request refused", {{"door", DoorName(door)}, {"reason", reason}});
      },
      config.http);
  parts.page_door = std::make_unique<PageDoor>(
      *parts.store, config.page,
      PageDoor::Hooks{.on_request = [&metrics](PageResult result, absl::Duration took) {
        metrics.CountPage(result, took);
      }});
  parts.alerts_api = std::make_unique<AlertsApi>(
      *parts.store, AlertsSettingsOf(config),
      [&metrics](int error_code) { metrics.CountApiRequest(error_code); });
  const absl::StatusOr<const serving::TlsIdentity*> http_tls =
      parts.identities.Add("http", config.http_tls);
  if (!http_tls.ok()) return http_tls.status();
  absl::StatusOr<std::unique_ptr<serving::PublicServer>> http = serving::PublicServer::Start(
      {.listen = config.http_listen,
       .tls = *http_tls,
       .on_event = [&metrics](serving::PublicEvent event) { metrics.CountHttp(event); }},
      [&door = *parts.http_door, &alerts = *parts.alerts_api,
       &page = *parts.page_door](const serving::HttpRequest& request) {
        if (PageDoor::Owns(request.path)) return page.Handle(request);
        return AlertsApi::Serves(request.path) ? alerts.Handle(request) : door.Handle(request);
      });
  if (!http.ok()) return http.status();
  parts.http = *std::move(http);

  parts.grpc_service = std::make_unique<GrpcService>(*parts.ingest, *parts.store);
  const absl::StatusOr<const serving::TlsIdentity*> grpc_tls =
      parts.identities.Add("grpc", config.grpc_tls);
  if (!grpc_tls.ok()) return grpc_tls.status();
  absl::StatusOr<std::unique_ptr<serving::GrpcServer>> grpc = serving::GrpcServer::Start(
      {.listen = config.grpc_listen,
       .tls = *grpc_tls,
       .service_name = kServiceName,
       .max_request_bytes = kMaxRequestBytes,
       .max_threads = kMaxGrpcThreads},
      [&](grpc::ServerBuilder& builder) { builder.RegisterService(parts.grpc_service.get()); });
  if (!grpc.ok()) return grpc.status();
  parts.grpc = *std::move(grpc);

  absl::StatusOr<std::unique_ptr<serving::AdminServer>> admin = serving::AdminServer::Start(
      config.admin_listen, metrics.collectable(), [&parts] { return parts.Ready(); });
  if (!admin.ok()) return admin.status();
  parts.admin = *std::move(admin);

  parts.is_ready = true;
  parts.grpc_health.SetServer(parts.grpc.get());
  return notifier;
}

Notifier::~Notifier() {
  Stop(absl::ZeroDuration());
}

int Notifier::grpc_port() const {
  return parts_->grpc->port();
}
int Notifier::http_port() const {
  return parts_->http->port();
}
int Notifier::admin_port() const {
  return parts_->admin->port();
}

void Notifier::Reload(const NotifierConfig& config) {
  parts_->http_door->SetSettings(config.http);
  parts_->page_door->SetSettings(config.page);
  parts_->alerts_api->SetSettings(AlertsSettingsOf(config));
  parts_->dispatcher->SetRules(config.alerts);
  parts_->store->SetWaits(config.alerts.waits);
  parts_->dispatcher_thread->Wake();
  parts_->metrics.CountReload(true);
}

void Notifier::RefreshCertificates() {
  parts_->identities.Refresh();
}

void Notifier::CountRefusedReload() {
  parts_->metrics.CountReload(false);
}

bool Notifier::Stop(absl::Duration grace) {
  const bool was_ready = parts_->is_ready.exchange(false);
  const absl::Time give_up_at = absl::Now() + grace;
  const auto left = [&] { return std::max(give_up_at - absl::Now(), absl::ZeroDuration()); };
  parts_->grpc_health.SetServer(nullptr);
  if (parts_->http != nullptr) parts_->http->Stop(left());
  if (parts_->grpc != nullptr) parts_->grpc->Stop(left());
  const absl::Time end = std::max(give_up_at, absl::Now() + std::min(grace, kLastTime));
  bool has_ended = true;
  if (parts_->callers != nullptr) has_ended = parts_->callers->Stop(end) && has_ended;
  if (parts_->dispatcher_thread != nullptr) {
    has_ended = parts_->dispatcher_thread->Stop(end) && has_ended;
  }
  if (was_ready) parts_->admin->Stop();
  return has_ended;
}

}  // namespace understudy::notifier
