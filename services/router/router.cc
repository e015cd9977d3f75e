#include "services/router/router.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/admin_server.h"
#include "common/serving/log.h"
#include "common/serving/monotonic_clock.h"
#include "services/router/config.h"
#include "services/router/fetch/curl_fetcher.h"
#include "services/router/metrics.h"
#include "services/router/report/notifier_client.h"
#include "services/router/report/outbox.h"
#include "services/router/service.h"
#include "services/router/session_key.h"
#include "services/router/settings.h"

namespace understudy::router {
namespace {

constexpr char kServiceName[] = "understudy.router.v1.RouterService";

// Limits of a client's connection. Ages are jittered by gRPC, so that clients come back spread out
// and find the replicas there are.
constexpr int kMaxMetadataBytes = 16 * 1024;
constexpr int kMaxConnectionAgeGraceMs = 35 * 1000;  // longer than any call
constexpr int kMaxConnectionIdleMs = 5 * 60 * 1000;
constexpr int kKeepaliveMs = 60 * 1000;
constexpr int kKeepaliveTimeoutMs = 20 * 1000;
constexpr int kMinClientPingMs = 10 * 1000;

// Each call holds a socket while it waits; ask for as many as the system gives.
void RaiseDescriptorLimit(int max_in_flight) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const auto needed = static_cast<rlim_t>(max_in_flight) + 200;
  if (limit.rlim_cur < needed) {
    serving::Log(serving::LogLevel::kWarning,
                 "the limit of open files is lower than fetch.max_in_flight needs",
                 {{"limit", static_cast<int64_t>(limit.rlim_cur)},
                  {"needed", static_cast<int64_t>(needed)}});
  }
}

// gRPC's own messages, as lines of our log.
void LogForGrpc(gpr_log_func_args* message) {
  serving::Log(message->severity == GPR_LOG_SEVERITY_ERROR ? serving::LogLevel::kWarning
                                                           : serving::LogLevel::kDebug,
               "gRPC", {{"detail", message->message}});
}

void SetLimits(grpc::ServerBuilder& builder, absl::Duration max_connection_age) {
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                             static_cast<int>(absl::ToInt64Milliseconds(max_connection_age)));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kMaxConnectionAgeGraceMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kMaxConnectionIdleMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinClientPingMs);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a taken port is an error
  // Only reflection is synchronous.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
}

}  // namespace

struct Router::Parts {
  RouterMetrics metrics;
  const Secret own_session_key = NewSessionKey();  // where the configuration has none
  std::atomic<bool> is_ready = false;
  // Both or neither.
  std::unique_ptr<NotifierClient> notifier;
  std::unique_ptr<OutboxSender> outbox;
  std::unique_ptr<CurlFetcher> fetcher;
  std::unique_ptr<RouterDoor> door;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<serving::AdminServer> admin;
  std::thread door_thread;
  int grpc_port = 0;
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

void Report(OutboxSender& outbox, const std::vector<ErrorEvent>& events) {
  std::vector<std::string> records;
  for (const ErrorEvent& event : events) records.push_back(ToRecord(event));
  outbox.Append(records);
}

}  // namespace

Router::Router(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<Router>> Router::Start(const RouterConfig& config) {
  static std::once_flag libraries;
  std::call_once(libraries, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    gpr_set_log_function(LogForGrpc);
    // Its one message here is about text that is not UTF-8, which the caller is told in full.
    google::protobuf::SetLogHandler(nullptr);
  });
  RaiseDescriptorLimit(config.max_in_flight);
  auto parts = std::make_unique<Parts>();
  RouterMetrics& metrics = parts->metrics;

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
    parts->notifier = std::make_unique<NotifierClient>(config.notifier->target);
    auto outbox = StartOutbox(*config.notifier, *parts->notifier);
    if (!outbox.ok()) return outbox.status();
    parts->outbox = *std::move(outbox);
    metrics.SetOutbox([&outbox = *parts->outbox] { return outbox.stats(); });
    service_options.report = [&outbox = *parts->outbox](const std::vector<ErrorEvent>& events) {
      Report(outbox, events);
    };
  }

  parts->door = std::make_unique<RouterDoor>(std::move(service_options),
                                             MakeSettings(config, parts->own_session_key),
                                             *parts->fetcher, metrics);
  grpc::ServerBuilder builder;
  SetLimits(builder, config.max_connection_age);
  parts->door->Register(builder);
  const std::string address = serving::ListenAddressText(config.grpc_listen);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &parts->grpc_port);
  parts->server = builder.BuildAndStart();
  if (parts->server == nullptr || parts->grpc_port == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address, " for gRPC"));
  }
  parts->door->Open();
  parts->door_thread = std::thread([door = parts->door.get()] { door->Serve(); });
  std::unique_ptr<Router> router(new Router(std::move(parts)));

  absl::StatusOr<std::unique_ptr<serving::AdminServer>> admin = serving::AdminServer::Start(
      config.admin_listen, metrics.collectable(), [&parts = *router->parts_] {
        return parts.is_ready ? absl::OkStatus() : absl::UnavailableError("stopping");
      });
  if (!admin.ok()) return admin.status();
  router->parts_->admin = *std::move(admin);

  grpc::HealthCheckServiceInterface* health = router->parts_->server->GetHealthCheckService();
  health->SetServingStatus(true);
  health->SetServingStatus(kServiceName, true);
  router->parts_->is_ready = true;
  return router;
}

Router::~Router() {
  Stop(absl::ZeroDuration());
}

int Router::grpc_port() const {
  return parts_->grpc_port;
}
int Router::admin_port() const {
  return parts_->admin->port();
}

void Router::Reload(const RouterConfig& config) {
  parts_->door->SetSettings(MakeSettings(config, parts_->own_session_key));
  parts_->metrics.CountReload(true);
}

void Router::CountRefusedReload() {
  parts_->metrics.CountReload(false);
}

void Router::Stop(absl::Duration grace) {
  if (!parts_->door_thread.joinable()) return;
  const absl::Time give_up_at = serving::MonotonicNow() + grace;
  parts_->is_ready = false;
  parts_->server->GetHealthCheckService()->SetServingStatus(false);
  parts_->server->Shutdown(absl::ToChronoTime(absl::Now() + grace));
  parts_->door->ShutDown();
  parts_->door_thread.join();
  if (parts_->outbox != nullptr) {
    parts_->outbox->Stop(std::max(give_up_at - serving::MonotonicNow(), absl::ZeroDuration()));
  }
  if (parts_->admin != nullptr) parts_->admin->Stop();
}

}  // namespace understudy::router
