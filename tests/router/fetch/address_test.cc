#include "services/router/fetch/address.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace understudy::router {
namespace {

using ::testing::HasSubstr;

TEST(ParseAddressTest, EverySpellingOfAnAddress) {
  const struct {
    const char* text;
    const char* address;
  } kCases[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      // As inet_aton reads numbers: fewer parts, octal, hexadecimal.
      {"127.1", "127.0.0.1"},
      {"127.0.1", "127.0.0.1"},
      {"127.65535", "127.0.255.255"},
      {"127.16777215", "127.255.255.255"},
      {"10.0.65535", "10.0.255.255"},
      {"0177.0.0.1", "127.0.0.1"},
      {"0x7f.0.0.1", "127.0.0.1"},
      {"0X7F.1", "127.0.0.1"},
      {"0x7f000001", "127.0.0.1"},
      {"017700000001", "127.0.0.1"},
      {"2130706433", "127.0.0.1"},
      {"0", "0.0.0.0"},
      {"4294967295", "255.255.255.255"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8:0:0::5", "2001:db8::5"},
      {"0:0:0:0:0:0:0:1", "::1"},
      {"::ffff:127.0.0.1", "::ffff:127.0.0.1"},
      {"::ffff:7f00:1", "::ffff:127.0.0.1"},
  };
  for (const auto& c : kCases) {
    const std::optional<IpAddress> address = ParseAddress(c.text);
    ASSERT_TRUE(address.has_value()) << c.text;
    EXPECT_EQ(address->ToString(), c.address) << c.text;
    EXPECT_EQ(address->v6, absl::string_view(c.address).find(':') != absl::string_view::npos);
  }
}

TEST(ParseAddressTest, EverythingElseIsAName) {
  for (const char* text : {"",           " ",          "example.com", "1.2.3.4.5",
                           "1.2.3.4.",   ".1",         "256.0.0.1",   "127.16777216",
                           "10.0.65536", "4294967296", "0x100000000", "08.0.0.1",
                           "0x",         "1.2.3.4 ",   " 1.2.3.4",    "1.2.3.4 x",
                           "1.2.3.4\n",  "[::1]",      "::1%lo",      "fe80::1%1",
                           "1::2::3",    ":::",        "12345::",     "::ffff:256.0.0.1",
                           "-1",         "1,2,3,4"}) {
    EXPECT_FALSE(ParseAddress(text).has_value()) << '"' << text << '"';
  }
}

TEST(FromSockaddrTest, BothFamiliesAndNoOther) {
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(0xC0000201);
  const std::optional<IpAddress> four = FromSockaddr(reinterpret_cast<const sockaddr&>(v4));
  ASSERT_TRUE(four.has_value());
  EXPECT_EQ(*four, *ParseAddress("192.0.2.1"));

  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  inet_pton(AF_INET6, "2001:db8::5", &v6.sin6_addr);
  const std::optional<IpAddress> six = FromSockaddr(reinterpret_cast<const sockaddr&>(v6));
  ASSERT_TRUE(six.has_value());
  EXPECT_EQ(*six, *ParseAddress("2001:db8::5"));

  const sockaddr other = {.sa_family = AF_UNIX, .sa_data = {}};
  EXPECT_FALSE(FromSockaddr(other).has_value());
}

TEST(CidrTest, HoldsFromItsFirstAddressToItsLast) {
  const struct {
    const char* cidr;
    const char* first;
    const char* last;
    const char* before;  // null: there is none
    const char* after;
  } kCases[] = {
      {"10.0.0.0/8", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
      {"172.16.0.0/12", "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"},
      {"198.18.0.0/15", "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"},
      {"192.0.2.128/25", "192.0.2.128", "192.0.2.255", "192.0.2.127", "192.0.3.0"},
      {"192.0.2.4/31", "192.0.2.4", "192.0.2.5", "192.0.2.3", "192.0.2.6"},
      {"192.0.2.4/32", "192.0.2.4", "192.0.2.4", "192.0.2.3", "192.0.2.5"},
      {"192.0.2.4", "192.0.2.4", "192.0.2.4", "192.0.2.3", "192.0.2.5"},
      {"128.0.0.0/1", "128.0.0.0", "255.255.255.255", "127.255.255.255", nullptr},
      {"0.0.0.0/0", "0.0.0.0", "255.255.255.255", nullptr, nullptr},
      {"fc00::/7", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
       "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"},
      {"2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
       "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
      {"::1", "::1", "::1", "::", "::2"},
      {"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nullptr, nullptr},
  };
  for (const auto& c : kCases) {
    const absl::StatusOr<Cidr> cidr = ParseCidr(c.cidr);
    ASSERT_TRUE(cidr.ok()) << cidr.status();
    EXPECT_TRUE(cidr->Contains(*ParseAddress(c.first))) << c.cidr;
    EXPECT_TRUE(cidr->Contains(*ParseAddress(c.last))) << c.cidr;
    if (c.before != nullptr) {
      EXPECT_FALSE(cidr->Contains(*ParseAddress(c.before))) << c.cidr;
    }
    if (c.after != nullptr) {
      EXPECT_FALSE(cidr->Contains(*ParseAddress(c.after))) << c.cidr;
    }
  }
}

TEST(CidrTest, FamiliesDoNotMix) {
  EXPECT_FALSE(ParseCidr("0.0.0.0/0")->Contains(*ParseAddress("::1")));
  EXPECT_FALSE(ParseCidr("::/0")->Contains(*ParseAddress("127.0.0.1")));
  EXPECT_FALSE(ParseCidr("127.0.0.0/8")->Contains(*ParseAddress("::ffff:127.0.0.1")));
}

TEST(CidrTest, MistakesAreNamed) {
  const struct {
    const char* text;
    const char* why;
  } kCases[] = {
      {"", "is not an address range"},
      {"/8", "is not an address range"},
      {"example.com/8", "is not an address range"},
      {"10/8", "is not an address range"},  // forms a reader may take for another
      {"0x0a000000/8", "is not an address range"},
      {"010.0.0.0/8", "is not an address range"},
      {"[fd00::]/8", "is not an address range"},
      {"10.0.0.0/", "must be 0 to 32"},
      {"10.0.0.0/x", "must be 0 to 32"},
      {"10.0.0.0/-1", "must be 0 to 32"},
      {"10.0.0.0/ 8", "must be 0 to 32"},
      {"10.0.0.0/+8", "must be 0 to 32"},
      {"10.0.0.0/33", "must be 0 to 32"},
      {"10.0.0.0/8/8", "must be 0 to 32"},
      {"::/129", "must be 0 to 128"},
      {"10.1.0.0/8", "10.0.0.0/8 is the range"},
      {"192.0.2.5/31", "192.0.2.4/31 is the range"},
      {"fd00::1/8", "fd00::/8 is the range"},
      {"::1/0", "::/0 is the range"},
  };
  for (const auto& c : kCases) {
    const absl::StatusOr<Cidr> cidr = ParseCidr(c.text);
    EXPECT_EQ(cidr.status().code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(cidr.status().message()), HasSubstr(c.why)) << c.text;
  }
}

}  // namespace
}  // namespace understudy::router
