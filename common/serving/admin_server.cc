#include "common/serving/admin_server.h"

#include <httplib.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

namespace understudy::serving {
namespace {

constexpr size_t kWorkerThreads = 2;
// A connection holds a worker: one that says nothing may not hold it for long.
constexpr std::chrono::seconds kSocketTimeout{2};

// SO_REUSEADDR alone. The library would also set SO_REUSEPORT, with which a second process takes
// half the connections of the first instead of failing to start.
void SetSocketOptions(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
}

}  // namespace

struct AdminServer::Http {
  httplib::Server server;
  uint16_t port = 0;
  std::thread acceptor;
};

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(
    const ListenAddress& address, const prometheus::Collectable& metrics, ReadyCheck ready) {
  auto http = std::make_unique<Http>();
  httplib::Server& server = http->server;
  server.new_task_queue = [] { return new httplib::ThreadPool(kWorkerThreads); };
  server.set_socket_options(SetSocketOptions);
  server.set_keep_alive_max_count(1);
  server.set_payload_max_length(kMaxAdminPayloadBytes);
  server.set_read_timeout(kSocketTimeout);
  server.set_write_timeout(kSocketTimeout);

  server.Get("/metrics", [&metrics](const httplib::Request&, httplib::Response& response) {
    response.set_content(prometheus::TextSerializer().Serialize(metrics.Collect()),
                         "text/plain; version=0.0.4; charset=utf-8");
  });
  server.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("ok\n", "text/plain");
  });
  server.Get("/readyz", [ready = std::move(ready)](const httplib::Request&,
                                                   httplib::Response& response) {
    const absl::Status status = ready();
    response.status = status.ok() ? 200 : 503;
    response.set_content(status.ok() ? "ok\n" : absl::StrCat(status.message(), "\n"), "text/plain");
  });

  const int port = address.port == 0 ? server.bind_to_any_port(address.host)
                   : server.bind_to_port(address.host, address.port) ? address.port
                                                                     : -1;
  if (port <= 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", ListenAddressText(address)));
  }
  http->port = static_cast<uint16_t>(port);
  http->acceptor = std::thread([&server] { server.listen_after_bind(); });
  // stop() does nothing before the loop runs. It runs at once: only the thread has to get there.
  while (!server.is_running()) std::this_thread::yield();
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(http)));
}

AdminServer::AdminServer(std::unique_ptr<Http> http) : http_(std::move(http)) {}

AdminServer::~AdminServer() {
  Stop();
}

uint16_t AdminServer::port() const {
  return http_->port;
}

void AdminServer::Stop() {
  if (!http_->acceptor.joinable()) return;
  http_->server.stop();
  http_->acceptor.join();
}

}  // namespace understudy::serving
