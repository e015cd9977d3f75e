// A web server that lets its clients wait: a request for /N is answered after N milliseconds. One
// thread for however many connections, so that ten thousand of them cost the machine little.
//
//   slow_origin DOCUMENT    prints its port, then answers with the document until it is ended
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <queue>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/serving/monotonic_clock.h"
#include "common/serving/process.h"
#include "tests/testing/require.h"
#include "tests/testing/socket.h"

namespace understudy::testing {
namespace {

using serving::MonotonicNow;

constexpr int kConnectionsMax = 19000;
constexpr size_t kRequestBytesMax = 65536;

// Reads "/250" of "POST /250 HTTP/1.1" as 250 ms; nothing else is asked of us.
absl::Duration DelayOf(absl::string_view request) {
  const size_t begin = request.find('/');
  int milliseconds = 0;
  Require(begin != absl::string_view::npos, "a request line");
  const absl::string_view rest = request.substr(begin + 1);
  Require(absl::SimpleAtoi(rest.substr(0, rest.find(' ')), &milliseconds), "milliseconds to wait");
  return absl::Milliseconds(milliseconds);
}

// Bytes of the request at the beginning of `bytes`, its body too; 0 if it is not whole yet.
size_t RequestSize(absl::string_view bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == absl::string_view::npos) return 0;
  constexpr absl::string_view kLength = "\r\nContent-Length: ";
  size_t size = end + 4;
  if (const size_t at = bytes.substr(0, end).find(kLength); at != absl::string_view::npos) {
    const size_t begin = at + kLength.size();
    size_t length = 0;
    Require(absl::SimpleAtoi(bytes.substr(begin, bytes.find('\r', begin) - begin), &length),
            "a length");
    size += length;
  }
  return size <= bytes.size() ? size : 0;
}

class SlowOrigin {
 public:
  explicit SlowOrigin(absl::string_view document)
      : answer_(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: ",
                             document.size(), "\r\n\r\n", document)),
        listener_(Bind(Transport::kTcp, "127.0.0.1", 0)),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    Require(listener_.is_open() && listen(listener_.fd(), kConnectionsMax) == 0, "listening");
    Watch(listener_.fd());
  }

  int port() const { return PortOf(listener_); }

  [[noreturn]] void Serve() {
    std::array<epoll_event, 256> events;
    for (;;) {
      AnswerDue();
      const int count =
          epoll_wait(epoll_.fd(), events.data(), static_cast<int>(events.size()), Timeout());
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<size_t>(i)].data.fd;
        fd == listener_.fd() ? Accept() : Read(fd);
      }
    }
  }

 private:
  struct Connection {
    Socket socket;
    uint64_t id = 0;
    std::string unread = {};
  };
  // A client that left may have made room for another one on the same descriptor: hence the id.
  struct Due {
    absl::Time at;
    int fd = -1;
    uint64_t id = 0;
    friend bool operator>(const Due& a, const Due& b) { return a.at > b.at; }
  };

  void Watch(int fd) {
    epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    Require(epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, fd, &event) == 0, "watching a socket");
  }

  int Timeout() const {
    if (due_.empty()) return -1;
    const absl::Duration left = due_.top().at - MonotonicNow();
    return static_cast<int>(absl::ToInt64Milliseconds(
        absl::Ceil(std::max(left, absl::ZeroDuration()), absl::Milliseconds(1))));
  }

  void Accept() {
    Socket socket(accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.is_open()) return;  // the client left
    const int on = 1;
    Require(setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0, "TCP_NODELAY");
    Watch(socket.fd());
    const int fd = socket.fd();
    connections_[fd] = {.socket = std::move(socket), .id = ++last_id_};
  }

  void Read(int fd) {
    Connection& connection = connections_.at(fd);
    std::array<char, 8192> bytes;
    const ssize_t count = recv(fd, bytes.data(), bytes.size(), 0);
    if (count <= 0) {
      connections_.erase(fd);
      return;
    }
    connection.unread.append(bytes.data(), static_cast<size_t>(count));
    Require(connection.unread.size() <= kRequestBytesMax, "requests of a sensible size");
    while (const size_t size = RequestSize(connection.unread)) {
      due_.push({.at = MonotonicNow() + DelayOf(connection.unread), .fd = fd, .id = connection.id});
      connection.unread.erase(0, size);
    }
  }

  void AnswerDue() {
    while (!due_.empty() && due_.top().at <= MonotonicNow()) {
      const Due due = due_.top();
      due_.pop();
      const auto found = connections_.find(due.fd);
      if (found == connections_.end() || found->second.id != due.id) continue;
      if (!SendAll(found->second.socket, answer_)) connections_.erase(found);
    }
  }

  const std::string answer_;
  const Socket listener_;
  const Socket epoll_;
  uint64_t last_id_ = 0;
  std::unordered_map<int, Connection> connections_;  // by descriptor
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
};

int Main(int argc, char** argv) {
  Require(argc == 2, "one argument, the document");
  serving::RaiseDescriptorLimit(kConnectionsMax, "slow_origin");
  SlowOrigin origin(argv[1]);
  std::printf("%d\n", origin.port());
  std::fflush(stdout);
  origin.Serve();
}

}  // namespace
}  // namespace understudy::testing

int main(int argc, char** argv) {
  return understudy::testing::Main(argc, argv);
}
