#include "services/router/router.h"

#include <grpcpp/server_builder.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/serving/admin_server.h"
#include "common/serving/grpc_server.h"
#include "common/serving/health_service.h"
#include "common/serving/log.h"
#include "common/serving/monotonic_clock.h"
#include "common/serving/process.h"
#include "common/serving/public_server.h"
#include "common/serving/tls_identity.h"
#include "services/router/config.h"
#include "services/router/fetch/curl_fetcher.h"
#include "services/router/metrics.h"
#include "services/router/report/notifier_client.h"
#include "services/router/report/outbox.h"
#include "services/router/routes/numbers.h"
#include "services/router/routes/numbers_api.h"
#include "services/router/service.h"
#include "services/router/session_key.h"
#include "services/router/settings.h"

namespace understudy::router {
namespace {

constexpr char kServiceName[] = "understudy.router.v1.RouterService";
// No call for so long: those who watch our health have heard that it is over.
constexpr absl::Duration kQuietTime = absl::Milliseconds(100);

}  // namespace

struct Router::Parts {
  RouterMetrics metrics;
  const Secret own_session_key = NewSessionKey();  // where the configuration has none
  std::atomic<bool> is_ready = false;
  // Settings as the configuration has them, and what the database adds.
  Mutex settings_mutex;
  std::shared_ptr<const Settings> configured GUARDED_BY(settings_mutex);
  NumberTable stored GUARDED_BY(settings_mutex);
  serving::TlsIdentities identities;
  // Both or neither.
  std::unique_ptr<NotifierClient> notifier;
  std::unique_ptr<OutboxSender> outbox;
  std::unique_ptr<CurlFetcher> fetcher;
  std::unique_ptr<RouterDoor> door;
  serving::HealthService health;
  std::unique_ptr<serving::GrpcServer> server;
  std::unique_ptr<Numbers> numbers;  // null: no database
  // Both or neither.
  std::unique_ptr<NumbersApi> api;
  std::unique_ptr<serving::PublicServer> http;
  std::unique_ptr<serving::AdminServer> admin;
  std::thread door_thread;

  std::shared_ptr<const Settings> NewSettings() REQUIRES(settings_mutex) {
    auto settings = std::make_shared<Settings>(*configured);
    settings->routes = configured->routes.WithStored(stored);
    return settings;
  }
  // Each answers the calls from now on.
  void SetConfigured(std::shared_ptr<const Settings> settings) {
    MutexLock lock(settings_mutex);
    configured = std::move(settings);
    if (door != nullptr) door->SetSettings(NewSettings());
  }
  void SetStored(const NumberTable& table) {
    MutexLock lock(settings_mutex);
    stored = table;
    if (door != nullptr) door->SetSettings(NewSettings());
  }
  void MakeDoor(ServiceOptions options) {
    MutexLock lock(settings_mutex);
    door = std::make_unique<RouterDoor>(std::move(options), NewSettings(), *fetcher, metrics);
  }
};

namespace {

absl::StatusOr<std::unique_ptr<OutboxSender>> StartOutbox(const NotifierConfig& config,
                                                          NotifierClient& notifier) {
  OutboxOptions options = {.directory = config.outbox_dir, .max_bytes = config.outbox_max_bytes};
  options.send = [&notifier](const std::vector<std::string>& records) {
    return notifier.Report(records);
  };
  options.random = [bits = absl::BitGen()]() mutable { return absl::Uniform(bits, 0.0, 1.0); };
  absl::StatusOr<std::unique_ptr<Outbox>> outbox =
      Outbox::Open(std::move(options), serving::MonotonicNow(), absl::Now());
  if (!outbox.ok()) return outbox.status();
  return std::make_unique<OutboxSender>(*std::move(outbox), [&notifier] { notifier.Cancel(); });
}

absl::StatusOr<std::unique_ptr<Numbers>> OpenNumbers(
    const RouterConfig& config, const RouteTable& routes, RouterMetrics& metrics,
    std::function<void(const NumberTable&)> publish) {
  absl::StatusOr<std::unique_ptr<Numbers>> numbers =
      Numbers::Open({.path = config.numbers_database,
                     .publish = std::move(publish),
                     .on_write = [&metrics](absl::Duration took,
                                            bool good) { metrics.CountNumbersWrite(took, good); }},
                    routes, config.numbers, absl::Now());
  if (numbers.ok()) return numbers;
  return absl::Status(
      numbers.status().code(),
      absl::StrCat("numbers_database ", config.numbers_database, ": ", numbers.status().message()));
}

void Report(OutboxSender& outbox, const std::vector<ErrorEvent>& events) {
  std::vector<std::string> records;
  records.reserve(events.size());
  for (const ErrorEvent& event : events) records.push_back(ToRecord(event));
  outbox.Append(records);
}

absl::Status StartHttp(const HttpConfig& config, const serving::TlsIdentity* tls, NumbersApi& api,
                       RouterMetrics& metrics, std::unique_ptr<serving::PublicServer>& out) {
  metrics.SetHttp([&out] { return out == nullptr ? 0 : out->connections(); });
  absl::StatusOr<std::unique_ptr<serving::PublicServer>> http = serving::PublicServer::Start(
      {.listen = config.listen,
       .tls = tls,
       .on_event = [&metrics](serving::PublicEvent event) { metrics.CountHttp(event); },
       .refusal = serving::RestRefusal},
      [&api](const serving::HttpRequest& request) { return api.Handle(request); });
  if (!http.ok()) return http.status();
  out = *std::move(http);
  return absl::OkStatus();
}

// gRPC cancels calls that arrive after its shutdown began and before their client has heard of it.
void AwaitLastCalls(const RouterDoor& door, absl::Time give_up_at) {
  for (uint64_t before = 0, now = door.calls(); now != before; now = door.calls()) {
    const absl::Duration left = give_up_at - serving::MonotonicNow();
    if (left <= absl::ZeroDuration()) return;
    before = now;
    absl::SleepFor(std::min(kQuietTime, left));
  }
}

}  // namespace

Router::Router(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<Router>> Router::Start(const RouterConfig& config) {
  const int http_connections = config.http.has_value() ? serving::PublicLimits().connections : 0;
  serving::RaiseDescriptorLimit(static_cast<int64_t>(config.max_in_flight) + http_connections + 200,
                                "fetch.max_in_flight");
  auto parts = std::make_unique<Parts>();
  RouterMetrics& metrics = parts->metrics;
  metrics.SetCertificates(&parts->identities);

  FetcherOptions fetcher_options{
      .egress = config.egress,
      .dns_servers = config.dns_servers,
      .ca_file = config.ca_file,
      .max_body_bytes = config.max_body_bytes,
      .max_connections = config.max_in_flight,
      .on_denied = [&metrics](AddressClass denied) { metrics.CountDenied(denied); }};
  absl::StatusOr<std::unique_ptr<CurlFetcher>> fetcher =
      CurlFetcher::Start(std::move(fetcher_options));
  if (!fetcher.ok()) return fetcher.status();
  parts->fetcher = *std::move(fetcher);

  ServiceOptions service_options{.limits = config.limits, .max_in_flight = config.max_in_flight};
  if (config.notifier.has_value()) {
    const absl::StatusOr<const serving::TlsIdentity*> tls =
        parts->identities.Add("notifier", config.notifier->tls);
    if (!tls.ok()) return tls.status();
    parts->notifier = std::make_unique<NotifierClient>(config.notifier->target, *tls);
    auto outbox = StartOutbox(*config.notifier, *parts->notifier);
    if (!outbox.ok()) return outbox.status();
    parts->outbox = *std::move(outbox);
    metrics.SetOutbox([&outbox = *parts->outbox] { return outbox.stats(); });
    service_options.report = [&outbox = *parts->outbox](const std::vector<ErrorEvent>& events) {
      Report(outbox, events);
    };
  }

  const std::shared_ptr<const Settings> settings = MakeSettings(config, parts->own_session_key);
  parts->SetConfigured(settings);
  if (!config.numbers_database.empty()) {
    auto numbers = OpenNumbers(config, settings->routes, metrics,
                               [&its = *parts](const NumberTable& table) { its.SetStored(table); });
    if (!numbers.ok()) return numbers.status();
    parts->numbers = *std::move(numbers);
    metrics.SetNumbers([&its = *parts->numbers] { return its.stats(); });
  }
  parts->MakeDoor(std::move(service_options));
  const absl::StatusOr<const serving::TlsIdentity*> tls =
      parts->identities.Add("grpc", config.grpc_tls);
  if (!tls.ok()) return tls.status();
  absl::StatusOr<std::unique_ptr<serving::GrpcServer>> server =
      serving::GrpcServer::Start({.listen = config.grpc_listen,
                                  .tls = *tls,
                                  .service_name = kServiceName,
                                  .health = &parts->health,
                                  .max_request_bytes = kMaxRequestBytes,
                                  .max_connection_age = config.max_connection_age,
                                  .keeps_deadlines = true},
                                 [&](grpc::ServerBuilder& builder) {
                                   parts->health.Register(builder, parts->door->Register(builder));
                                 });
  if (!server.ok()) return server.status();
  parts->server = *std::move(server);
  parts->door->Open();
  parts->health.Open();
  parts->door_thread = std::thread([door = parts->door.get()] { door->Serve(); });
  if (parts->numbers != nullptr) parts->numbers->Watch();
  std::unique_ptr<Router> router(new Router(std::move(parts)));

  if (config.http.has_value()) {
    Parts& its = *router->parts_;
    const absl::StatusOr<const serving::TlsIdentity*> http_tls =
        its.identities.Add("http", config.http->tls);
    if (!http_tls.ok()) return http_tls.status();
    its.api = std::make_unique<NumbersApi>(
        its.numbers.get(), config.accounts,
        [&metrics](int error_code) { metrics.CountApiRequest(error_code); });
    const absl::Status status = StartHttp(*config.http, *http_tls, *its.api, metrics, its.http);
    if (!status.ok()) return status;
  }

  absl::StatusOr<std::unique_ptr<serving::AdminServer>> admin = serving::AdminServer::Start(
      config.admin_listen, metrics.collectable(), [&parts = *router->parts_] {
        return parts.is_ready ? absl::OkStatus() : absl::UnavailableError("stopping");
      });
  if (!admin.ok()) return admin.status();
  router->parts_->admin = *std::move(admin);

  router->parts_->server->SetServing(true);
  router->parts_->is_ready = true;
  return router;
}

Router::~Router() {
  Stop(absl::ZeroDuration());
}

int Router::grpc_port() const {
  return parts_->server->port();
}
int Router::admin_port() const {
  return parts_->admin->port();
}
int Router::http_port() const {
  return parts_->http == nullptr ? 0 : parts_->http->port();
}

void Router::Reload(const RouterConfig& config) {
  const std::shared_ptr<const Settings> settings = MakeSettings(config, parts_->own_session_key);
  parts_->SetConfigured(settings);
  if (parts_->numbers != nullptr) {
    parts_->numbers->Reconfigure(settings->routes, config.numbers, absl::Now());
  }
  if (parts_->api != nullptr) parts_->api->SetAccounts(config.accounts);
  parts_->metrics.CountReload(true);
}

void Router::RefreshCertificates() {
  parts_->identities.Refresh();
}

void Router::CountRefusedReload() {
  parts_->metrics.CountReload(false);
}

void Router::Stop(absl::Duration grace) {
  if (!parts_->door_thread.joinable()) return;
  const absl::Time begun_at = serving::MonotonicNow();
  const absl::Time give_up_at = begun_at + grace;
  const auto left_until = [](absl::Time end) {
    return std::max(end - serving::MonotonicNow(), absl::ZeroDuration());
  };
  parts_->is_ready = false;
  parts_->server->SetServing(false);
  if (parts_->http != nullptr) parts_->http->Stop(kShareOfHttp * grace);
  AwaitLastCalls(*parts_->door, serving::MonotonicNow() + kShareOfLastCalls * grace);
  parts_->server->Stop(left_until(begun_at + (1 - kShareOfEvents) * grace));
  parts_->health.AwaitEnd();
  parts_->door->ShutDown();
  parts_->door_thread.join();
  if (parts_->outbox != nullptr) {
    parts_->outbox->Stop(left_until(give_up_at));
  }
  if (parts_->admin != nullptr) parts_->admin->Stop();
}

}  // namespace understudy::router
