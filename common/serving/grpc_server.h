// A gRPC server as our services run one: limits on connections, health, reflection, one port.
#ifndef COMMON_SERVING_GRPC_SERVER_H_
#define COMMON_SERVING_GRPC_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/serving/listen_address.h"

namespace grpc {
class Server;
class ServerBuilder;
class ServerCredentials;
}  // namespace grpc

namespace understudy::serving {

class HealthService;
class TlsIdentity;

struct GrpcServerOptions {
  ListenAddress listen = {};
  // Null: plaintext. Must outlive the server.
  const TlsIdentity* tls = nullptr;
  std::string service_name = {};  // full, for the health service
  // Null: gRPC's own, for services without a completion queue. Else `add_services` registers it,
  // and it must outlive the server.
  HealthService* health = nullptr;
  int max_request_bytes = 4 << 20;
  // Jittered by gRPC, so that clients come back spread out and find the replicas there are.
  absl::Duration max_connection_age = absl::Minutes(10);
  absl::Duration max_connection_age_grace = absl::Seconds(35);  // longer than any call
  // Threads for synchronous services; reflection is one. They are kept once they were needed: under
  // load a thread for each call costs more than the call. A call for which there is none is refused
  // with RESOURCE_EXHAUSTED.
  int max_threads = 2;
  // The service keeps to its callers' deadlines by itself: gRPC sets no timer for each call.
  bool keeps_deadlines = false;
};

class GrpcServer {
 public:
  // `add_services` registers what is served. Serves from then on, but is NOT_SERVING for the health
  // service until SetServing. Unavailable if the address cannot be had.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const GrpcServerOptions& options,
      const std::function<void(grpc::ServerBuilder&)>& add_services);
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  // The port in use, also where the address said 0.
  int port() const { return port_; }

  // What the health service says.
  void SetServing(bool is_serving);

  // Says NOT_SERVING, takes no new calls, and cancels those that are still under way after `grace`.
  // Twice is harmless.
  void Stop(absl::Duration grace);

 private:
  GrpcServer(std::shared_ptr<grpc::ServerCredentials> credentials,
             std::unique_ptr<grpc::Server> server, int port, const GrpcServerOptions& options);

  const std::shared_ptr<grpc::ServerCredentials> credentials_;  // the server's handshakes ask them
  const std::unique_ptr<grpc::Server> server_;
  const int port_;
  const std::string service_name_;
  HealthService* const health_;
};

}  // namespace understudy::serving

#endif  // COMMON_SERVING_GRPC_SERVER_H_
