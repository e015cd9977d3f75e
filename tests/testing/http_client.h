// A client of HTTP that sends what it is told, byte for byte, and reads answers strictly.
#ifndef TESTS_TESTING_HTTP_CLIENT_H_
#define TESTS_TESTING_HTTP_CLIENT_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "tests/testing/http.h"
#include "tests/testing/socket.h"

struct ssl_st;
struct ssl_ctx_st;

namespace understudy::testing {

struct Response {
  int status = 0;
  Fields headers = {};
  std::string body = {};

  // The first header of that name, compared without case; empty if there is none.
  std::string header(absl::string_view name) const { return Find(headers, name); }
};

struct HttpClientOptions {
  std::string host = "127.0.0.1";  // numeric
  std::string from = {};           // the address to dial from; empty: the system's choice
  int receive_buffer_bytes = 0;    // SO_RCVBUF; 0: the system's choice
  ssl_ctx_st* tls = nullptr;       // to speak TLS with, from the first byte sent or read
  // Of every step. Long: what takes longer hangs.
  absl::Duration bound = absl::Seconds(20);
};

// One connection; for one thread that sends and one that reads. What takes longer than
// options.bound fails.
class HttpClient {
 public:
  explicit HttpClient(int port, const HttpClientOptions& options = {});

  bool is_open() const { return socket_.is_open(); }  // false if it was refused
  const Socket& socket() const { return socket_; }

  // False if the server is gone, or takes no more.
  bool Send(absl::string_view bytes);
  // The end of what we send.
  void EndSending();
  void Close() { socket_.Close(); }
  void Reset() { socket_.Reset(); }

  // The next answer, 1xx among them, with the body its Content-Length says; behind HEAD there is
  // none. Nothing if the connection ends before, or it is not HTTP.
  std::optional<Response> Read(bool behind_head = false);

  // Send and Read.
  std::optional<Response> Ask(absl::string_view request);

  // Whether the server ends the connection, orderly or not, without another byte.
  bool ServerEnds();

 private:
  bool Receive();  // appends to unread_; false at the end
  // Calls `step` of OpenSSL, which returns 1 when it is done, until it is.
  bool Drive(absl::FunctionRef<int(ssl_st*)> step);

  absl::Duration bound_;
  Socket socket_;
  std::shared_ptr<ssl_st> tls_;  // null: plaintext; guarded by tls_mutex_
  std::unique_ptr<Mutex> tls_mutex_ = std::make_unique<Mutex>();
  std::string unread_;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_HTTP_CLIENT_H_
