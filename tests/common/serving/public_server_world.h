// A public server on loopback whose handler does what a test says, and what it counted.
#ifndef TESTS_COMMON_SERVING_PUBLIC_SERVER_WORLD_H_
#define TESTS_COMMON_SERVING_PUBLIC_SERVER_WORLD_H_

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/serving/public_server.h"
#include "common/serving/tls_identity.h"
#include "tests/testing/http_client.h"
#include "tests/testing/secret_mount.h"

namespace understudy::testing {

// Keeps handlers until it is opened.
class Gate {
 public:
  void Pass() EXCLUDES(mutex_);  // waits until the gate is open
  void Open() EXCLUDES(mutex_);
  int waiting() const EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  CondVar opened_;
  bool is_open_ GUARDED_BY(mutex_) = false;
  int waiting_ GUARDED_BY(mutex_) = 0;
};

// All of this binary's tests go over TLS, those of another one do not.
#ifdef UNDERSTUDY_OVER_TLS
inline constexpr bool kIsOverTls = true;
#else
inline constexpr bool kIsOverTls = false;
#endif

// A client of the server, over TLS if that is.
class DoorClient : public HttpClient {
 public:
  explicit DoorClient(int port, const HttpClientOptions& options = {});
};

class PublicServerWorld {
 public:
  // Ends the process if there is no server to be had.
  explicit PublicServerWorld(serving::PublicLimits limits = {});
  PublicServerWorld(serving::PublicLimits limits, serving::HttpHandler handler);

  serving::PublicServer& server() { return *server_; }
  int port() const { return server_->port(); }

  int count(serving::PublicEvent event) const { return counts_[static_cast<size_t>(event)].load(); }
  // Those that came to the handler, oldest first.
  std::vector<serving::HttpRequest> requests() const EXCLUDES(mutex_);

 private:
  std::array<std::atomic<int>, serving::kPublicEvents> counts_ = {};
  mutable Mutex mutex_;
  std::vector<serving::HttpRequest> requests_ GUARDED_BY(mutex_);
  std::unique_ptr<serving::TlsIdentity> identity_;  // null: no TLS
  std::unique_ptr<serving::PublicServer> server_;
};

// What a handler answers where a test does not care: "GET /path?query body".
serving::HttpResponse Echo(const serving::HttpRequest& request);

// A request for HTTP/1.1 with a Host and, if there is a body, its length; `headers` are lines.
std::string Get(absl::string_view target, absl::string_view headers = "");
std::string Post(absl::string_view target, absl::string_view body, absl::string_view headers = "");

}  // namespace understudy::testing

#endif  // TESTS_COMMON_SERVING_PUBLIC_SERVER_WORLD_H_
