#include "tests/testing/black_hole.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <utility>

#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

// Linux queues one connection more than asked for; the margin is for other kernels' arithmetic.
constexpr size_t kFillersMax = 16;
// A connect on loopback that the kernel means to answer is answered in microseconds.
constexpr absl::Duration kUnansweredAfter = absl::Milliseconds(50);

}  // namespace

BlackHole::BlackHole(const std::string& host, int port)
    : listener_(Bind(Transport::kTcp, host, port)), stop_(MakeWaker()) {
  Require(listener_.is_open(), "the black hole's port is free");
  port_ = PortOf(listener_);
  Require(listen(listener_.fd(), 0) == 0, "listen");
  for (;;) {
    Socket filler = Dial(host, port_, kUnansweredAfter);
    if (!filler.is_open()) return;
    fillers_.push_back(std::move(filler));
    Require(fillers_.size() < kFillersMax, "a full queue stops answering");
  }
}

BlackHole::~BlackHole() {
  Wake(stop_);
  if (acceptor_.joinable()) acceptor_.join();
}

void BlackHole::Open(std::string reply) {
  Require(!acceptor_.joinable(), "a black hole opens once");
  Require(listen(listener_.fd(), SOMAXCONN) == 0, "listen");
  fillers_.clear();
  acceptor_ = std::thread([this, reply = std::move(reply)] { Accept(reply); });
}

void BlackHole::Accept(const std::string& reply) {
  std::vector<Socket> connections;
  for (;;) {
    std::vector<pollfd> waited = {{.fd = stop_.fd(), .events = POLLIN, .revents = 0},
                                  {.fd = listener_.fd(), .events = POLLIN, .revents = 0}};
    for (const Socket& connection : connections) {
      waited.push_back({.fd = connection.fd(), .events = POLLIN, .revents = 0});
    }
    poll(waited.data(), waited.size(), -1);
    if (waited[0].revents != 0) return;
    for (size_t i = 0; i < connections.size(); ++i) {
      if (waited[i + 2].revents == 0) continue;
      // The first bytes earn the reply; what comes after it is only read, so that the end is not
      // a reset, until the peer ends its side.
      std::array<char, 4096> bytes;
      if (recv(connections[i].fd(), bytes.data(), bytes.size(), 0) <= 0) {
        connections[i].Close();
      } else if (SendAll(connections[i], reply)) {
        shutdown(connections[i].fd(), SHUT_WR);
      }
    }
    std::erase_if(connections, [](const Socket& connection) { return !connection.is_open(); });
    if (waited[1].revents != 0) {
      Socket connection(accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
      if (connection.is_open()) connections.push_back(std::move(connection));
    }
  }
}

}  // namespace understudy::testing
