#include "tests/testing/http_client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace understudy::testing {

HttpClient::HttpClient(int port, const HttpClientOptions& options)
    : bound_(options.bound),
      socket_(Dial(options.host, port, options.bound,
                   {.from = options.from, .receive_buffer_bytes = options.receive_buffer_bytes})) {
  if (!is_open()) return;
  const timeval bound = absl::ToTimeval(bound_);
  setsockopt(socket_.fd(), SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
  setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
}

bool HttpClient::Send(absl::string_view bytes) {
  return SendAll(socket_, bytes);
}

void HttpClient::EndSending() {
  shutdown(socket_.fd(), SHUT_WR);
}

bool HttpClient::Receive() {
  char buffer[16 * 1024];
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
