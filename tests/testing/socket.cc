#include "tests/testing/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

struct Address {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address MakeAddress(const std::string& host, int port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    address.size = sizeof(sockaddr_in);
    return address;
  }
  address.storage = {};
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  Require(inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1, "a numeric address");
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(static_cast<uint16_t>(port));
  address.size = sizeof(sockaddr_in6);
  return address;
}

bool WaitForEvent(int fd, int16_t events, absl::Duration bound) {
  pollfd waited = {.fd = fd, .events = events, .revents = 0};
  const timespec timeout = absl::ToTimespec(bound);
  int count = 0;
  do {
    count = ppoll(&waited, 1, &timeout, nullptr);
  } while (count < 0 && errno == EINTR);
  Require(count >= 0, "ppoll");
  return count > 0;
}

}  // namespace

void Socket::Close() {
  if (is_open()) close(std::exchange(fd_, -1));
}

void Socket::Reset() {
  const linger abort = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
  Close();
}

Socket Bind(Transport transport, const std::string& host, int port) {
  Address address = MakeAddress(host, port);
  const int type = transport == Transport::kTcp ? SOCK_STREAM : SOCK_DGRAM;
  Socket socket(::socket(address.storage.ss_family, type | SOCK_CLOEXEC, 0));
  Require(socket.is_open(), "socket");
  if (transport == Transport::kTcp) {
    // Lets a server come back to its port while connections of its former life still fade.
    const int on = 1;
    setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  }
  if (bind(socket.fd(), address.get(), address.size) != 0) {
    Require(errno == EADDRINUSE, "bind");
    socket.Close();
  }
  return socket;
}

int PortOf(const Socket& socket) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof(storage);
  Require(getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&storage), &size) == 0,
          "getsockname");
  return ntohs(storage.ss_family == AF_INET
                   ? reinterpret_cast<const sockaddr_in*>(&storage)->sin_port
                   : reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
}

Socket Dial(const std::string& host, int port, absl::Duration bound, const DialOptions& options) {
  Address address = MakeAddress(host, port);
  Socket socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  Require(socket.is_open(), "socket");
  if (options.receive_buffer_bytes > 0) {
    const int bytes = options.receive_buffer_bytes;
    setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  }
  if (!options.from.empty()) {
    Address from = MakeAddress(options.from, 0);
    Require(bind(socket.fd(), from.get(), from.size) == 0, "bind");
  }
  if (connect(socket.fd(), address.get(), address.size) != 0) {
    if (errno != EINPROGRESS || !WaitForEvent(socket.fd(), POLLOUT, bound)) {
      return Socket();
    }
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      errno = error;
      return Socket();
    }
  }
  const int flags = fcntl(socket.fd(), F_GETFL);
  Require(fcntl(socket.fd(), F_SETFL, flags & ~O_NONBLOCK) == 0, "fcntl");
  return socket;
}

bool WaitReadable(const Socket& socket, absl::Duration bound) {
  return WaitForEvent(socket.fd(), POLLIN, bound);
}

bool SendAll(const Socket& socket, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

Socket MakeWaker() {
  Socket waker(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  Require(waker.is_open(), "eventfd");
  return waker;
}

void Wake(const Socket& waker) {
  const uint64_t one = 1;
  Require(write(waker.fd(), &one, sizeof(one)) == sizeof(one), "waking a thread");
}

}  // namespace understudy::testing
