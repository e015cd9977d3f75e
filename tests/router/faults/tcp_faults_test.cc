// Faults of TCP, by the numbers of the fault table.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/router/faults/fault_world.h"
#include "tests/testing/closed_port.h"

namespace understudy::testing {
namespace {

using router::Phase;

TEST(TcpFaults, T1_ARefusedConnectionIsTriedTwice) {
  FaultWorld world;
  const ClosedPort closed;
  world.ExpectFallback(absl::StrCat("http://127.0.0.1:", closed.port(), "/index"),
                       {.classic = 11205,
                        .specific = 11202,
                        .phase = Phase::kConnect,
                        .detail = "refused",
                        .attempts = 2,
                        .no_later = absl::Milliseconds(100)});
}

}  // namespace
}  // namespace understudy::testing
