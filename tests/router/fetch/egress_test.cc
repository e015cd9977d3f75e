#include "services/router/fetch/egress.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace understudy::router {
namespace {

using Class = AddressClass;

std::string ClassOf(const EgressRule& rule, absl::string_view address) {
  return AddressClassName(ClassifyAddress(rule, *ParseAddress(address)));
}

std::vector<Cidr> Cidrs(const std::vector<const char*>& texts) {
  std::vector<Cidr> cidrs;
  for (const char* text : texts) cidrs.push_back(*ParseCidr(text));
  return cidrs;
}

TEST(ClassifyAddressTest, EveryRangeAtItsBorders) {
  const struct {
    const char* address;
    Class address_class;
  } kCases[] = {
      {"0.0.0.0", Class::kUnspecified},
      {"0.0.0.1", Class::kReserved},
      {"0.255.255.255", Class::kReserved},
      {"1.0.0.0", Class::kPublic},
      {"9.255.255.255", Class::kPublic},
      {"10.0.0.0", Class::kPrivate},
      {"10.255.255.255", Class::kPrivate},
      {"11.0.0.0", Class::kPublic},
      {"100.63.255.255", Class::kPublic},
      {"100.64.0.0", Class::kCarrierNat},
      {"100.127.255.255", Class::kCarrierNat},
      {"100.128.0.0", Class::kPublic},
      {"126.255.255.255", Class::kPublic},
      {"127.0.0.0", Class::kLoopback},
      {"127.255.255.255", Class::kLoopback},
      {"128.0.0.0", Class::kPublic},
      {"168.63.129.15", Class::kPublic},
      {"168.63.129.16", Class::kCloudHost},
      {"168.63.129.17", Class::kPublic},
      {"169.253.255.255", Class::kPublic},
      {"169.254.0.0", Class::kLinkLocal},
      {"169.254.169.254", Class::kLinkLocal},
      {"169.254.255.255", Class::kLinkLocal},
      {"169.255.0.0", Class::kPublic},
      {"172.15.255.255", Class::kPublic},
      {"172.16.0.0", Class::kPrivate},
      {"172.31.255.255", Class::kPrivate},
      {"172.32.0.0", Class::kPublic},
      {"191.255.255.255", Class::kPublic},
      {"192.0.0.0", Class::kReserved},
      {"192.0.0.255", Class::kReserved},
      {"192.0.1.0", Class::kPublic},
      {"192.0.1.255", Class::kPublic},
      {"192.0.2.0", Class::kDocumentation},
      {"192.0.2.255", Class::kDocumentation},
      {"192.0.3.0", Class::kPublic},
      {"192.88.98.255", Class::kPublic},
      {"192.88.99.0", Class::k6to4},
      {"192.88.99.255", Class::k6to4},
      {"192.88.100.0", Class::kPublic},
      {"192.167.255.255", Class::kPublic},
      {"192.168.0.0", Class::kPrivate},
      {"192.168.255.255", Class::kPrivate},
      {"192.169.0.0", Class::kPublic},
      {"198.17.255.255", Class::kPublic},
      {"198.18.0.0", Class::kBenchmark},
      {"198.19.255.255", Class::kBenchmark},
      {"198.20.0.0", Class::kPublic},
      {"198.51.99.255", Class::kPublic},
      {"198.51.100.0", Class::kDocumentation},
      {"198.51.100.255", Class::kDocumentation},
      {"198.51.101.0", Class::kPublic},
      {"203.0.112.255", Class::kPublic},
      {"203.0.113.0", Class::kDocumentation},
      {"203.0.113.255", Class::kDocumentation},
      {"203.0.114.0", Class::kPublic},
      {"223.255.255.255", Class::kPublic},
      {"224.0.0.0", Class::kMulticast},
      {"239.255.255.255", Class::kMulticast},
      {"240.0.0.0", Class::kReserved},
      {"255.255.255.254", Class::kReserved},
      {"255.255.255.255", Class::kReserved},

      {"::", Class::kUnspecified},
      {"::1", Class::kLoopback},
      {"::2", Class::kIpv4Compatible},
      {"::ffff:ffff", Class::kIpv4Compatible},
      {"::1:0:0", Class::kReserved},
      {"::fffe:ffff:ffff", Class::kReserved},
      {"::ffff:0.0.0.0", Class::kIpv4Mapped},
      {"::ffff:8.8.8.8", Class::kIpv4Mapped},  // whatever is inside
      {"::ffff:255.255.255.255", Class::kIpv4Mapped},
      {"::1:0:0:0", Class::kReserved},
      {"64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", Class::kReserved},
      {"64:ff9b::", Class::kNat64},
      {"64:ff9b::ffff:ffff", Class::kNat64},
      {"64:ff9b::1:0:0", Class::kReserved},
      {"64:ff9b:0:ffff:ffff:ffff:ffff:ffff", Class::kReserved},
      {"64:ff9b:1::", Class::kNat64},
      {"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", Class::kNat64},
      {"64:ff9b:2::", Class::kReserved},
      {"1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Class::kReserved},
      {"2000::", Class::kPublic},
      {"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Class::kPublic},
      {"2001::", Class::kTeredo},
      {"2001:0:ffff:ffff:ffff:ffff:ffff:ffff", Class::kTeredo},
      {"2001:1::", Class::kReserved},
      {"2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Class::kReserved},
      {"2001:200::", Class::kPublic},
      {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", Class::kPublic},
      {"2001:db8::", Class::kDocumentation},
      {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Class::kDocumentation},
      {"2001:db9::", Class::kPublic},
      {"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Class::kPublic},
      {"2002::", Class::k6to4},
      {"2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Class::k6to4},
      {"2003::", Class::kPublic},
      {"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Class::kPublic},
      {"3fff::", Class::kDocumentation},
      {"3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Class::kDocumentation},
      {"3fff:1000::", Class::kPublic},
      {"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Class::kPublic},
      {"4000::", Class::kReserved},
      {"fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Class::kReserved},
      {"fc00::", Class::kUniqueLocal},
      {"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Class::kUniqueLocal},
      {"fe00::", Class::kReserved},
      {"fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Class::kReserved},
      {"fe80::", Class::kLinkLocal},
      {"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Class::kLinkLocal},
      {"fec0::", Class::kSiteLocal},
      {"feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Class::kSiteLocal},
      {"ff00::", Class::kMulticast},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Class::kMulticast},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ClassOf({}, c.address), AddressClassName(c.address_class)) << c.address;
  }
}

TEST(ClassifyAddressTest, NoSpellingOfLoopbackGetsThrough) {
  for (const char* spelling :
       {"127.0.0.1", "127.1", "127.0.1", "0177.0.0.1", "0x7f.1", "0x7f000001", "2130706433",
        "017700000001", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::"}) {
    EXPECT_FALSE(MayDial(ClassifyAddress({}, *ParseAddress(spelling)))) << spelling;
  }
}

TEST(ClassifyAddressTest, TheNarrowestEntryOfTheOperatorDecides) {
  const struct {
    std::vector<const char*> allow;
    std::vector<const char*> deny;
    const char* address;
    const char* address_class;
  } kCases[] = {
      {{"10.0.0.0/8"}, {}, "10.0.0.0", "allowed"},
      {{"10.0.0.0/8"}, {}, "10.255.255.255", "allowed"},
      {{"10.0.0.0/8"}, {}, "11.0.0.0", "public"},
      {{"10.0.0.0/8"}, {}, "192.168.0.1", "private"},
      {{"10.0.0.0/8"}, {"10.1.0.0/16"}, "10.1.0.0", "denied"},
      {{"10.0.0.0/8"}, {"10.1.0.0/16"}, "10.1.255.255", "denied"},
      {{"10.0.0.0/8"}, {"10.1.0.0/16"}, "10.2.0.0", "allowed"},
      {{"10.1.0.0/16"}, {"10.0.0.0/8"}, "10.1.0.0", "allowed"},
      {{"10.1.0.0/16"}, {"10.0.0.0/8"}, "10.0.255.255", "denied"},
      {{"10.0.0.0/8"}, {"10.0.0.0/8"}, "10.0.0.1", "denied"},  // a tie
      // Whichever comes first: order means nothing, width does.
      {{"10.0.0.0/8", "10.1.2.0/24"}, {"10.1.0.0/16"}, "10.1.2.3", "allowed"},
      {{"10.1.2.0/24", "10.0.0.0/8"}, {"10.1.0.0/16"}, "10.1.2.3", "allowed"},
      {{"10.0.0.0/8"}, {"10.1.0.0/16", "10.1.2.3"}, "10.1.2.3", "denied"},
      {{"127.0.0.1"}, {}, "127.0.0.1", "allowed"},
      {{"127.0.0.1"}, {}, "127.0.0.2", "loopback"},
      {{}, {"8.8.8.0/24"}, "8.8.8.255", "denied"},
      {{}, {"8.8.8.0/24"}, "8.8.9.0", "public"},
      {{"0.0.0.0/0"}, {}, "169.254.169.254", "allowed"},
      {{"0.0.0.0/0"}, {"169.254.0.0/16"}, "169.254.169.254", "denied"},
      {{}, {"0.0.0.0/0"}, "8.8.8.8", "denied"},
      {{"8.8.8.8"}, {"0.0.0.0/0"}, "8.8.8.8", "allowed"},
      // An address inside another is not opened with it: the wrapped form is never needed.
      {{"127.0.0.0/8"}, {}, "::ffff:127.0.0.1", "ipv4_mapped"},
      {{"127.0.0.0/8"}, {}, "::1", "loopback"},
      {{"::1"}, {}, "::1", "allowed"},
      {{"::/0"}, {"fe80::/10"}, "febf::1", "denied"},
      {{"::/0"}, {"fe80::/10"}, "fec0::1", "allowed"},
  };
  for (const auto& c : kCases) {
    const EgressRule rule{.allow = Cidrs(c.allow), .deny = Cidrs(c.deny)};
    EXPECT_EQ(ClassOf(rule, c.address), c.address_class) << c.address;
  }
}

TEST(ClassifyDestinationTest, MailPortsAreShutWhateverTheAddress) {
  const EgressRule everything{.allow = Cidrs({"0.0.0.0/0", "::/0"})};
  const IpAddress open = *ParseAddress("8.8.8.8");
  for (const uint16_t port : std::vector<uint16_t>{25, 465, 587}) {
    EXPECT_EQ(ClassifyDestination(everything, open, port), Class::kMailPort) << port;
  }
  for (const uint16_t port : std::vector<uint16_t>{1, 24, 26, 80, 443, 464, 466, 586, 588, 65535}) {
    EXPECT_EQ(ClassifyDestination({}, open, port), Class::kPublic) << port;
    EXPECT_EQ(ClassifyDestination({}, *ParseAddress("::1"), port), Class::kLoopback) << port;
  }
}

TEST(AddressClassTest, OnlyTwoMayBeDialledAndEachHasAName) {
  std::set<std::string> names;
  for (size_t i = 0; i < kAddressClasses; ++i) {
    const auto address_class = static_cast<Class>(i);
    EXPECT_EQ(MayDial(address_class),
              address_class == Class::kPublic || address_class == Class::kAllowed);
    const std::string name = AddressClassName(address_class);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos);
  }
}

}  // namespace
}  // namespace understudy::router
