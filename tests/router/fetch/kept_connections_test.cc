#include "services/router/fetch/kept_connections.h"

#include <gtest/gtest.h>

namespace understudy::router {
namespace {

TEST(KeptConnectionsTest, ASocketIsKeptUntilItIsTaken) {
  KeptConnections connections;
  EXPECT_EQ(connections.Take("a"), -1);
  connections.Keep("a", 5, "s", 0);
  connections.Keep("b", 6, "s", 0);
  EXPECT_EQ(connections.count(0), 2);
  EXPECT_EQ(connections.Take("a"), 5);
  EXPECT_EQ(connections.Take("a"), -1);
  EXPECT_EQ(connections.count(0), 1);
  connections.Keep("a", 5, "s", 0);
  EXPECT_EQ(connections.Take("a"), 5);
  EXPECT_EQ(connections.Take("b"), 6);
  EXPECT_EQ(connections.count(0), 0);
}

TEST(KeptConnectionsTest, AClosedSocketIsForgotten) {
  KeptConnections connections;
  connections.Keep("a", 5, "s", 0);
  connections.Keep("b", 6, "t", 0);
  connections.Forget(5);
  connections.Forget(5);
  connections.Forget(7);
  EXPECT_EQ(connections.Take("a"), -1);
  EXPECT_EQ(connections.Claim("s"), std::nullopt);
  EXPECT_EQ(connections.count(0), 1);
  // The system gives the number to the next connection.
  connections.Keep("c", 5, "s", 0);
  EXPECT_EQ(connections.Take("c"), 5);
  connections.Forget(5);
  EXPECT_EQ(connections.Take("b"), 6);
}

TEST(KeptConnectionsTest, EachIsClaimedOnceAndTheLastKeptFirst) {
  KeptConnections connections;
  EXPECT_EQ(connections.Claim("s"), std::nullopt);
  connections.Keep("a", 5, "s", 0);
  connections.Keep("b", 6, "s", 1);
  connections.Keep("c", 7, "t", 2);
  EXPECT_EQ(connections.Claim("s"), 1u);
  EXPECT_EQ(connections.Claim("s"), 0u);
  EXPECT_EQ(connections.Claim("s"), std::nullopt);
  EXPECT_EQ(connections.Claim("t"), 2u);
  EXPECT_EQ(connections.count(0), 1);  // it is there until it is taken
}

TEST(KeptConnectionsTest, AClaimThatTookNothingIsOpenAgain) {
  KeptConnections connections;
  connections.Keep("a", 5, "s", 3);
  ASSERT_EQ(connections.Claim("s"), 3u);
  connections.Settle("s", 3, /*was_claimed=*/true, /*took_one=*/false);
  ASSERT_EQ(connections.Claim("s"), 3u);
  EXPECT_EQ(connections.Take("a"), 5);
  connections.Settle("s", 3, /*was_claimed=*/true, /*took_one=*/true);
  EXPECT_EQ(connections.Claim("s"), std::nullopt);
}

TEST(KeptConnectionsTest, WhatWasTakenWithoutAClaimCannotBeClaimed) {
  KeptConnections connections;
  connections.Keep("a", 5, "s", 0);
  connections.Keep("b", 6, "s", 1);
  EXPECT_EQ(connections.Take("b"), 6);
  connections.Settle("s", 1, /*was_claimed=*/false, /*took_one=*/true);
  EXPECT_EQ(connections.Claim("s"), 0u);
  connections.Settle("s", 0, /*was_claimed=*/false, /*took_one=*/false);
  EXPECT_EQ(connections.Claim("s"), std::nullopt);
}

}  // namespace
}  // namespace understudy::router
