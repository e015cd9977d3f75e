// Sockets on loopback, for the servers of the test worlds.
#ifndef TESTS_TESTING_SOCKET_H_
#define TESTS_TESTING_SOCKET_H_

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace understudy::testing {

// Owns a file descriptor.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { Close(); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void Close();
  // Closes with a reset (RST) in place of an orderly end (FIN).
  void Reset();

 private:
  int fd_ = -1;
};

enum class Transport { kTcp, kUdp };

// A socket bound to `host`, a numeric IPv4 or IPv6 address, and `port`; 0 takes a free one.
// Closed if that port is taken; any other failure ends the process.
Socket Bind(Transport transport, const std::string& host, int port);

// The port a socket is bound to.
int PortOf(const Socket& socket);

struct DialOptions {
  std::string from = {};         // our own address, numeric; empty: the system's choice
  int receive_buffer_bytes = 0;  // SO_RCVBUF; 0: the system's choice
};

// Connects to `host` (numeric) and `port`. Closed if that fails, with the reason in errno, or
// takes longer than `bound`.
Socket Dial(const std::string& host, int port, absl::Duration bound,
            const DialOptions& options = {});

// Waits until bytes, an end or an error can be read; false if `bound` passes first.
bool WaitReadable(const Socket& socket, absl::Duration bound);

// Sends everything; false if the peer is gone.
bool SendAll(const Socket& socket, absl::string_view bytes);

// A file descriptor to wake a poll with: readable from the first Wake() on.
Socket MakeWaker();
void Wake(const Socket& waker);

}  // namespace understudy::testing

#endif  // TESTS_TESTING_SOCKET_H_
