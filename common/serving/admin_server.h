// What a process tells those who run it, over HTTP on a port of its own: /metrics, /healthz and
// /readyz. For the cluster only: whoever can ask is told.
#ifndef COMMON_SERVING_ADMIN_SERVER_H_
#define COMMON_SERVING_ADMIN_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/serving/listen_address.h"

namespace prometheus {
class Collectable;
}

namespace understudy::serving {

class PublicServer;

// Of a request; nobody has a reason to send any.
inline constexpr size_t kMaxAdminBodyBytes = 1024;

class AdminServer {
 public:
  // OK: /readyz answers 200. Else 503 with the status message. Called from the server's threads
  // until Stop() returns.
  using ReadyCheck = std::function<absl::Status()>;

  // Listens on `address` and serves from threads of its own. `metrics` must outlive the server.
  // Unavailable if the address cannot be had: taken, or not ours.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(const ListenAddress& address,
                                                            const prometheus::Collectable& metrics,
                                                            ReadyCheck ready);
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // The port in use, also where the address said 0.
  uint16_t port() const;

  // Closes the port and sees off the answers under way, within a second or two. Twice is harmless;
  // not from the server's threads.
  void Stop();

 private:
  explicit AdminServer(std::unique_ptr<PublicServer> server);

  const std::unique_ptr<PublicServer> server_;
};

}  // namespace understudy::serving

#endif  // COMMON_SERVING_ADMIN_SERVER_H_
