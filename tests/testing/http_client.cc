#include "tests/testing/http_client.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

namespace understudy::testing {

HttpClient::HttpClient(int port, const HttpClientOptions& options)
    : bound_(options.bound),
      socket_(Dial(options.host, port, options.bound,
                   {.from = options.from, .receive_buffer_bytes = options.receive_buffer_bytes})) {
  if (!is_open()) return;
  const timeval bound = absl::ToTimeval(bound_);
  setsockopt(socket_.fd(), SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
  setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
  if (options.tls == nullptr) return;
  signal(SIGPIPE, SIG_IGN);
  fcntl(socket_.fd(), F_SETFL, O_NONBLOCK);
  tls_.reset(SSL_new(options.tls), SSL_free);
  SSL_set_fd(tls_.get(), socket_.fd());
  SSL_set_connect_state(tls_.get());
}

bool HttpClient::Send(absl::string_view bytes) {
  if (tls_ == nullptr) return SendAll(socket_, bytes);
  size_t count = 0;
  return bytes.empty() ||
         Drive([&](SSL* tls) { return SSL_write_ex(tls, bytes.data(), bytes.size(), &count); });
}

void HttpClient::EndSending() {
  if (tls_ != nullptr) {
    MutexLock lock(*tls_mutex_);
    SSL_shutdown(tls_.get());
  }
  shutdown(socket_.fd(), SHUT_WR);
}

bool HttpClient::Drive(absl::FunctionRef<int(SSL*)> step) {
  const absl::Time give_up_at = absl::Now() + bound_;
  while (absl::Now() < give_up_at) {
    short wanted = POLLIN;
    {
      MutexLock lock(*tls_mutex_);
      ERR_clear_error();
      const int returned = step(tls_.get());
      if (returned == 1) return true;
      const int error = SSL_get_error(tls_.get(), returned);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return false;
      if (error == SSL_ERROR_WANT_WRITE) wanted = POLLOUT;
    }
    // Not for long: what is waited for may have come to the other thread.
    pollfd ready = {.fd = socket_.fd(), .events = wanted, .revents = 0};
    poll(&ready, 1, /*timeout=*/20);
  }
  return false;
}

bool HttpClient::Receive() {
  char buffer[16 * 1024];
  if (tls_ != nullptr) {
    size_t read = 0;
    if (!Drive([&](SSL* tls) { return SSL_read_ex(tls, buffer, sizeof(buffer), &read); })) {
      return false;
    }
    unread_.append(buffer, read);
    return true;
  }
  const ssize_t count = recv(socket_.fd(), buffer, sizeof(buffer), 0);
  if (count <= 0) return false;
  unread_.append(buffer, static_cast<size_t>(count));
  return true;
}

std::optional<Response> HttpClient::Read(bool behind_head) {
  size_t end = 0;
  while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
    if (!Receive()) return std::nullopt;
  }
  absl::string_view head = absl::string_view(unread_).substr(0, end + 2);
  Response response;
  if (!absl::ConsumePrefix(&head, "HTTP/1.1 ") ||
      !absl::SimpleAtoi(head.substr(0, 3), &response.status)) {
    return std::nullopt;
  }
  head.remove_prefix(head.find("\r\n") + 2);
  while (!head.empty()) {
    const absl::string_view line = head.substr(0, head.find("\r\n"));
    const size_t colon = line.find(": ");
    if (colon == absl::string_view::npos) return std::nullopt;
    response.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    head.remove_prefix(line.size() + 2);
  }
  unread_.erase(0, end + 4);
  size_t length = 0;
  const std::string length_text = response.header("Content-Length");
  if (!length_text.empty() && !absl::SimpleAtoi(length_text, &length)) return std::nullopt;
  if (behind_head) return response;
  while (unread_.size() < length) {
    if (!Receive()) return std::nullopt;
  }
  response.body = unread_.substr(0, length);
  unread_.erase(0, length);
  return response;
}

std::optional<Response> HttpClient::Ask(absl::string_view request) {
  if (!Send(request)) return std::nullopt;
  return Read();
}

bool HttpClient::ServerEnds() {
  return unread_.empty() && WaitReadable(socket_, bound_) && !Receive();
}

}  // namespace understudy::testing
