#include "common/serving/admin_server.h"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/serving/public_server.h"

namespace understudy::serving {
namespace {

// Scrapers and probes: few, and each with a request at a time.
constexpr PublicLimits kLimits = {
    .request = {.body_bytes = kMaxAdminBodyBytes},
    .connections = 256,
    .connections_per_address = 256,
    .handler_threads = 2,
    .queued_requests = 32,
};

// Whoever has half a request out when the process stops will ask again anyway.
constexpr absl::Duration kStopGrace = absl::Seconds(1);

HttpResponse Answer(const HttpRequest& request, const prometheus::Collectable& metrics,
                    const AdminServer::ReadyCheck& ready) {
  const bool is_known =
      request.path == "/metrics" || request.path == "/healthz" || request.path == "/readyz";
  if (!is_known) return {.status = 404, .body = "not found\n"};
  if (request.method != "GET" && request.method != "HEAD") {
    return {.status = 405, .headers = {{"Allow", "GET, HEAD"}}, .body = "only GET\n"};
  }
  if (request.path == "/metrics") {
    return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = prometheus::TextSerializer().Serialize(metrics.Collect())};
  }
  if (request.path == "/healthz") return {.body = "ok\n"};
  const absl::Status status = ready();
  if (status.ok()) return {.body = "ok\n"};
  return {.status = 503, .body = absl::StrCat(status.message(), "\n")};
}

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(
    const ListenAddress& address, const prometheus::Collectable& metrics, ReadyCheck ready) {
  absl::StatusOr<std::unique_ptr<PublicServer>> server =
      PublicServer::Start({.listen = address, .limits = kLimits},
                          [&metrics, ready = std::move(ready)](const HttpRequest& request) {
                            return Answer(request, metrics, ready);
                          });
  if (!server.ok()) return server.status();
  return std::unique_ptr<AdminServer>(new AdminServer(*std::move(server)));
}

AdminServer::AdminServer(std::unique_ptr<PublicServer> server) : server_(std::move(server)) {}

AdminServer::~AdminServer() {
  Stop();
}

uint16_t AdminServer::port() const {
  return server_->port();
}

void AdminServer::Stop() {
  server_->Stop(kStopGrace);
}

}  // namespace understudy::serving
