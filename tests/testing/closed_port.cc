#include "tests/testing/closed_port.h"

namespace understudy::testing {

ClosedPort::ClosedPort(const std::string& host)
    : socket_(Bind(Transport::kTcp, host, 0)), port_(PortOf(socket_)) {}

}  // namespace understudy::testing
