// An address that refuses connections, for certain.
#ifndef TESTS_TESTING_CLOSED_PORT_H_
#define TESTS_TESTING_CLOSED_PORT_H_

#include <string>

#include "tests/testing/socket.h"

namespace understudy::testing {

// Keeps a port without listening on it: connects are refused, and the system gives the port to
// nobody who asks for a free one.
class ClosedPort {
 public:
  // `host` is a loopback address: "127.0.0.1", "127.0.0.2", "::1".
  explicit ClosedPort(const std::string& host = "127.0.0.1");

  int port() const { return port_; }

 private:
  Socket socket_;
  int port_ = 0;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_CLOSED_PORT_H_
