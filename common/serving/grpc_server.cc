#include "common/serving/grpc_server.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/grpc_tls.h"
#include "common/serving/health_service.h"
#include "common/serving/log.h"
#include "common/serving/monotonic_clock.h"

namespace understudy::serving {
namespace {

constexpr int kMaxMetadataBytes = 16 * 1024;
constexpr int kMaxConnectionIdleMs = 5 * 60 * 1000;
constexpr int kKeepaliveMs = 60 * 1000;
constexpr int kKeepaliveTimeoutMs = 20 * 1000;
constexpr int kMinClientPingMs = 10 * 1000;

int Ms(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

// Whoever reaches a port can make gRPC say so once for each connection: one line a second tells it
// as well.
bool IsOneTooMany(absl::string_view message) {
  constexpr int64_t kNanosBetween = 1000000000;
  static std::atomic<int64_t> next = 0;
  if (!absl::StartsWith(message, "Handshake failed")) return false;
  const int64_t now = absl::ToUnixNanos(MonotonicNow());
  int64_t due = next.load();
  return now < due || !next.compare_exchange_strong(due, now + kNanosBetween);
}

// gRPC's own messages, as lines of our log.
void LogForGrpc(gpr_log_func_args* message) {
  if (IsOneTooMany(message->message)) return;
  Log(message->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::kWarning : LogLevel::kDebug, "gRPC",
      {{"detail", message->message}});
}

void SetLimits(grpc::ServerBuilder& builder, const GrpcServerOptions& options) {
  builder.SetMaxReceiveMessageSize(options.max_request_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, Ms(options.max_connection_age));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                             Ms(options.max_connection_age_grace));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kMaxConnectionIdleMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinClientPingMs);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a taken port is an error
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);  // nobody could ask what it counts
  if (options.keeps_deadlines) builder.AddChannelArgument(GRPC_ARG_ENABLE_DEADLINE_CHECKS, 0);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, options.max_threads);
  // The pollers are those that wait; of those at work there would be any number.
  grpc::ResourceQuota quota;
  quota.SetMaxThreads(options.max_threads);
  builder.SetResourceQuota(quota);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const GrpcServerOptions& options,
    const std::function<void(grpc::ServerBuilder&)>& add_services) {
  static std::once_flag libraries;
  std::call_once(libraries, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    gpr_set_log_function(LogForGrpc);
    // Its one message here is about text that is not UTF-8, which the caller is told in full.
    google::protobuf::SetLogHandler(nullptr);
  });
  grpc::ServerBuilder builder;
  SetLimits(builder, options);
  if (options.health != nullptr) {
    builder.SetOption(std::make_unique<grpc::HealthCheckServiceServerBuilderOption>(nullptr));
  }
  add_services(builder);
  const std::string address = ListenAddressText(options.listen);
  int port = 0;
  std::shared_ptr<grpc::ServerCredentials> credentials = options.tls == nullptr
                                                             ? grpc::InsecureServerCredentials()
                                                             : GrpcServerCredentials(*options.tls);
  builder.AddListeningPort(address, credentials, &port);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address, " for gRPC"));
  }
  return std::unique_ptr<GrpcServer>(
      new GrpcServer(std::move(credentials), std::move(server), port, options));
}

GrpcServer::GrpcServer(std::shared_ptr<grpc::ServerCredentials> credentials,
                       std::unique_ptr<grpc::Server> server, int port,
                       const GrpcServerOptions& options)
    : credentials_(std::move(credentials)),
      server_(std::move(server)),
      port_(port),
      service_name_(options.service_name),
      health_(options.health) {
  SetServing(false);
}

GrpcServer::~GrpcServer() {
  Stop(absl::ZeroDuration());
}

void GrpcServer::SetServing(bool is_serving) {
  if (health_ != nullptr) {
    health_->SetServing("", is_serving);
    health_->SetServing(service_name_, is_serving);
    return;
  }
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  health->SetServingStatus(is_serving);
  health->SetServingStatus(service_name_, is_serving);
}

void GrpcServer::Stop(absl::Duration grace) {
  SetServing(false);
  if (health_ != nullptr) health_->EndWatches();
  server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
}

}  // namespace understudy::serving
