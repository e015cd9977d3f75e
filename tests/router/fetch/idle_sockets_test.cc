#include "services/router/fetch/idle_sockets.h"

#include <gtest/gtest.h>

namespace understudy::router {
namespace {

TEST(IdleSocketsTest, ASocketIsKeptUntilItIsTaken) {
  IdleSockets sockets;
  EXPECT_EQ(sockets.Take("a"), -1);
  sockets.Keep("a", 5);
  sockets.Keep("b", 6);
  EXPECT_EQ(sockets.Take("a"), 5);
  EXPECT_EQ(sockets.Take("a"), -1);
  sockets.Keep("a", 5);
  EXPECT_EQ(sockets.Take("a"), 5);
  EXPECT_EQ(sockets.Take("b"), 6);
}

TEST(IdleSocketsTest, AClosedSocketIsForgotten) {
  IdleSockets sockets;
  sockets.Keep("a", 5);
  sockets.Keep("b", 6);
  sockets.Forget(5);
  sockets.Forget(5);
  sockets.Forget(7);
  EXPECT_EQ(sockets.Take("a"), -1);
  // The system gives the number to the next connection.
  sockets.Keep("c", 5);
  EXPECT_EQ(sockets.Take("c"), 5);
  sockets.Forget(5);
  EXPECT_EQ(sockets.Take("b"), 6);
}

}  // namespace
}  // namespace understudy::router
