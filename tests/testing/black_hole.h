// A port whose connection requests (SYN) go unanswered, as behind a firewall that drops.
#ifndef TESTS_TESTING_BLACK_HOLE_H_
#define TESTS_TESTING_BLACK_HOLE_H_

#include <string>
#include <thread>
#include <vector>

#include "tests/testing/socket.h"

namespace understudy::testing {

// Works by a listening queue of one place that is kept taken: Linux then drops further SYNs.
// The dialling kernel repeats its SYN after about 1, 3 and 7 seconds, so a connection made
// before Open() completes at the first repeat after it.
class BlackHole {
 public:
  // `host` is a loopback address ("127.0.0.1", "::1"); port 0 takes a free one.
  explicit BlackHole(const std::string& host = "127.0.0.1", int port = 0);
  ~BlackHole();
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;

  int port() const { return port_; }

  // Accepts from now on. Each connection is sent `reply` once its first bytes have come, and is
  // then closed. Call it once.
  void Open(std::string reply);

 private:
  void Accept(const std::string& reply);

  Socket listener_;
  int port_ = 0;
  Socket stop_;                  // an eventfd, readable when Accept is to end
  std::vector<Socket> fillers_;  // connections that take up the queue
  std::thread acceptor_;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_BLACK_HOLE_H_
