// The router process as an object, so that tests run what main runs. Wiring only.
#ifndef SERVICES_ROUTER_ROUTER_H_
#define SERVICES_ROUTER_ROUTER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace understudy::router {

struct RouterConfig;

// How long Stop may take: what Kubernetes gives by default, 30 s, less a pause of 5 s before
// SIGTERM.
inline constexpr absl::Duration kStopTime = absl::Seconds(24);
// The share of it in which calls still come from clients that do not watch our health.
inline constexpr double kShareOfLastCalls = 1.0 / 12;
// The share of it that requests to the numbers API may use that are under way; calls go on
// meanwhile.
inline constexpr double kShareOfHttp = 1.0 / 24;
// The share of it that calls under way may not use: events have to go out, too.
inline constexpr double kShareOfEvents = 1.0 / 6;

class Router {
 public:
  // Listens and serves. Unavailable if an address or the outbox cannot be had, FailedPrecondition
  // if the CA file holds no certificate, those for TLS are no good or another process has the
  // outbox; as Numbers::Open() says, if the numbers' database cannot be read.
  static absl::StatusOr<std::unique_ptr<Router>> Start(const RouterConfig& config);

  // As Stop(zero), if Stop was not called.
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  int grpc_port() const;
  int admin_port() const;
  int http_port() const;  // 0 where there is none

  // Numbers, accounts, codes and default document of `config` answer the calls from now on; the
  // other settings stay as they were at the start. From any thread.
  void Reload(const RouterConfig& config);
  // Looks whether files of certificates have changed; those that are good count from then on. From
  // one thread at a time.
  void RefreshCertificates();
  // For a configuration that was refused: counted, nothing else.
  void CountRefusedReload();

  // Says NOT_SERVING, ends the numbers API, takes calls until none comes any more, or for their
  // share of `grace`, and lets those under way finish. They are cut off where that would take the
  // share of the events: their callers hear UNAVAILABLE, as if this replica had gone at once, and
  // ask another one. For what is then left of `grace` it sends the events that wait in the outbox.
  void Stop(absl::Duration grace);

 private:
  struct Parts;
  explicit Router(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTER_H_
