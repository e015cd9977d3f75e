// HTTP/1.1 for strangers, within TLS or without: whatever they send, they are read strictly, held
// to limits and answered once for each request, and none of them keeps the others waiting.
//
// One thread moves the bytes of all connections; handlers run on a bounded pool of threads. A
// connection has one request under way at a time: further ones that are sent ahead wait their turn
// unread. Each connection is always within one deadline, but for the time its handler takes.
#ifndef COMMON_SERVING_PUBLIC_SERVER_H_
#define COMMON_SERVING_PUBLIC_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/serving/http_message.h"
#include "common/serving/listen_address.h"
#include "common/serving/request_check.h"
#include "common/serving/tls_identity.h"

namespace understudy::serving {

// Answers a request. Called from several threads at once, until Stop() returns. It may wait, for
// its own things and for a bounded time. Methods and paths it does not know are its to refuse, and
// HEAD is answered like GET: the server leaves the body out. If it throws, or its answer cannot be
// sent (CheckResponse), the sender is told 500 and the log why.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

// What the server itself answers where no handler does: the status, and a sentence for the sender.
using RefusalWriter = std::function<HttpResponse(int status, absl::string_view reason)>;
HttpResponse PlainRefusal(int status, absl::string_view reason);

struct PublicLimits {
  RequestLimits request = {};

  // From the first byte of a request to the end of its head, and on a new connection from its
  // beginning, its TLS handshake included: over it 408, or just the end if nothing was sent.
  absl::Duration head_time = absl::Seconds(5);
  absl::Duration body_time = absl::Seconds(20);   // from there to the end of the body: over it 408
  absl::Duration write_time = absl::Seconds(20);  // for an answer to leave: over it a reset
  absl::Duration idle_time = absl::Seconds(60);   // between an answer and the next request: the end
  int requests_per_connection = 1000;             // the last one's answer says that it is

  // Over either, the one that idles for longest makes room; if none does, 503 and 429, or just the
  // end where that would take a handshake first.
  int connections = 10000;
  int connections_per_address = 2000;  // an IPv6 network of 64 bits counts as one address

  // What all connections together have sent, over request.own_bytes of each, of requests that are
  // not answered yet, and what they have not taken of their answers. Over it 503, and the end.
  size_t held_bytes = size_t{64} << 20;

  int handler_threads = 16;
  int queued_requests = 256;  // that wait for one of them: over it 429
};

// What happens to connections and requests, for metrics.
enum class PublicEvent : uint8_t {
  kAccepted,         // a connection
  kHandled,          // a request, by the handler
  kHandlerFailed,    // it threw, or made an answer that cannot be sent
  kIdleTimeout,      // of a connection without a request
  kEvicted,          // the same, to make room
  kConnectionsFull,  // limits.connections
  kAddressFull,      // limits.connections_per_address
  kNoDescriptors,    // the system had none for a connection; tried again
  kBadRequest,       // 400
  kTargetTooLong,    // 414
  kHeadTooLarge,     // 431
  kBodyTooLarge,     // 413
  kUnsupported,      // 415, 417
  kHeadTimeout,
  kBodyTimeout,
  kWriteTimeout,
  kHeldBytesFull,  // limits.held_bytes
  kTlsFailed,      // a handshake that came to nothing, but for one that took too long
  kQueueFull,      // limits.queued_requests
};
inline constexpr int kPublicEvents = 19;
// "accepted", "handler_failed", ...: a label.
const char* PublicEventName(PublicEvent event);

struct PublicServerOptions {
  ListenAddress listen = {};
  // Null: plaintext. Must outlive the server.
  const TlsIdentity* tls = nullptr;
  PublicLimits limits = {};
  // Called on the thread that serves everybody: it counts and returns.
  std::function<void(PublicEvent)> on_event = [](PublicEvent) {};
  // Likewise, and on those of handlers that fail. Its status is the one it is given; the server
  // adds when to come back.
  RefusalWriter refusal = PlainRefusal;
};

class PublicServer {
 public:
  // Listens and serves. Unavailable if the address cannot be had: taken, or not ours.
  static absl::StatusOr<std::unique_ptr<PublicServer>> Start(PublicServerOptions options,
                                                             HttpHandler handler);
  // As Stop(zero), if Stop was not called.
  ~PublicServer();
  PublicServer(const PublicServer&) = delete;
  PublicServer& operator=(const PublicServer&) = delete;

  // The port in use, also where the address said 0.
  uint16_t port() const;

  // At this moment; for gauges. From any thread.
  int connections() const;
  size_t held_bytes() const;

  // Takes no more connections and ends those without a request; answers requests under way, with
  // Connection: close, for up to `grace`. What is left then is cut off, but for handlers that run:
  // they are waited for. Twice is harmless; not from a handler.
  void Stop(absl::Duration grace);

 private:
  class Loop;
  explicit PublicServer(std::unique_ptr<Loop> loop);

  std::unique_ptr<Loop> loop_;
};

}  // namespace understudy::serving

#endif  // COMMON_SERVING_PUBLIC_SERVER_H_
