#include "common/serving/listen_address.h"

#include <gtest/gtest.h>

#include <string>

namespace understudy::serving {
namespace {

TEST(ListenAddressTest, ReadsHostAndPort) {
  const struct {
    const char* text;
    ListenAddress address;
  } kCases[] = {
      {"0.0.0.0:50051", {.host = "0.0.0.0", .port = 50051}},
      {"127.0.0.1:0", {.host = "127.0.0.1", .port = 0}},
      {"localhost:65535", {.host = "localhost", .port = 65535}},
      {"router-0.router.example.com:1", {.host = "router-0.router.example.com", .port = 1}},
      {"[::]:8080", {.host = "::", .port = 8080}},
      {"[2001:db8::1]:8080", {.host = "2001:db8::1", .port = 8080}},
  };
  for (const auto& c : kCases) {
    const absl::StatusOr<ListenAddress> address = ParseListenAddress(c.text);
    ASSERT_TRUE(address.ok()) << c.text;
    EXPECT_EQ(*address, c.address) << c.text;
    EXPECT_EQ(ListenAddressText(*address), c.text);
  }
}

TEST(ListenAddressTest, RefusesWhatIsNone) {
  for (const char* text : {"",
                           ":",
                           "8080",
                           "localhost",
                           "localhost:",
                           ":8080",
                           "localhost:65536",
                           "localhost:100000",
                           "localhost:-1",
                           "localhost:+1",
                           "localhost: 1",
                           "localhost:1 ",
                           "localhost:http",
                           "256.0.0.1:80",
                           "1.2.3:80",
                           "::1:80",
                           "[::1]",
                           "[]:80",
                           "[::g]:80",
                           "[localhost]:80",
                           "a b:80",
                           "a_b:80",
                           "http://localhost:80"}) {
    EXPECT_FALSE(ParseListenAddress(text).ok()) << text;
  }
  EXPECT_TRUE(ParseListenAddress(std::string(253, 'a') + ":80").ok());
  EXPECT_FALSE(ParseListenAddress(std::string(254, 'a') + ":80").ok());
}

}  // namespace
}  // namespace understudy::serving
