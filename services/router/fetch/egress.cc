#include "services/router/fetch/egress.h"

#include "absl/strings/string_view.h"

namespace understudy::router {
namespace {

struct Range {
  absl::string_view cidr;
  AddressClass address_class;
};

// Narrower ranges stand before the wider ones that hold them.
constexpr Range kRanges[] = {
    {"0.0.0.0/32", AddressClass::kUnspecified},
    {"0.0.0.0/8", AddressClass::kReserved},
    {"10.0.0.0/8", AddressClass::kPrivate},
    {"100.64.0.0/10", AddressClass::kCarrierNat},
    {"127.0.0.0/8", AddressClass::kLoopback},
    {"168.63.129.16/32", AddressClass::kCloudHost},  // the virtual host address of Azure
    {"169.254.0.0/16", AddressClass::kLinkLocal},    // with the clouds' metadata servers
    {"172.16.0.0/12", AddressClass::kPrivate},
    {"192.0.0.0/24", AddressClass::kReserved},
    {"192.0.2.0/24", AddressClass::kDocumentation},
    {"192.88.99.0/24", AddressClass::k6to4},
    {"192.168.0.0/16", AddressClass::kPrivate},
    {"198.18.0.0/15", AddressClass::kBenchmark},
    {"198.51.100.0/24", AddressClass::kDocumentation},
    {"203.0.113.0/24", AddressClass::kDocumentation},
    {"224.0.0.0/4", AddressClass::kMulticast},
    {"240.0.0.0/4", AddressClass::kReserved},
    {"::/128", AddressClass::kUnspecified},
    {"::1/128", AddressClass::kLoopback},
    {"::ffff:0.0.0.0/96", AddressClass::kIpv4Mapped},
    {"::/96", AddressClass::kIpv4Compatible},
    {"64:ff9b::/96", AddressClass::kNat64},
    {"64:ff9b:1::/48", AddressClass::kNat64},
    {"2001::/32", AddressClass::kTeredo},
    {"2001:db8::/32", AddressClass::kDocumentation},
    {"2001::/23", AddressClass::kReserved},
    {"2002::/16", AddressClass::k6to4},
    {"3fff::/20", AddressClass::kDocumentation},
    {"2000::/3", AddressClass::kPublic},
    {"fc00::/7", AddressClass::kUniqueLocal},
    {"fe80::/10", AddressClass::kLinkLocal},
    {"fec0::/10", AddressClass::kSiteLocal},
    {"ff00::/8", AddressClass::kMulticast},
    {"::/0", AddressClass::kReserved},
};

struct ParsedRange {
  Cidr cidr = {};
  AddressClass address_class = AddressClass::kReserved;
};

const std::vector<ParsedRange>& Ranges() {
  static const auto* ranges = [] {
    auto* parsed = new std::vector<ParsedRange>();
    for (const Range& range : kRanges) {
      parsed->push_back({*ParseCidr(range.cidr), range.address_class});
    }
    return parsed;
  }();
  return *ranges;
}

// The longest prefix of `cidrs` that holds `address`; -1 if none does.
int Narrowest(const std::vector<Cidr>& cidrs, const IpAddress& address) {
  int narrowest = -1;
  for (const Cidr& cidr : cidrs) {
    if (cidr.prefix > narrowest && cidr.Contains(address)) narrowest = cidr.prefix;
  }
  return narrowest;
}

}  // namespace

const char* AddressClassName(AddressClass address_class) {
  switch (address_class) {
    case AddressClass::kPublic:
      return "public";
    case AddressClass::kAllowed:
      return "allowed";
    case AddressClass::kDenied:
      return "denied";
    case AddressClass::kUnspecified:
      return "unspecified";
    case AddressClass::kLoopback:
      return "loopback";
    case AddressClass::kPrivate:
      return "private";
    case AddressClass::kCarrierNat:
      return "carrier_nat";
    case AddressClass::kLinkLocal:
      return "link_local";
    case AddressClass::kMulticast:
      return "multicast";
    case AddressClass::kReserved:
      return "reserved";
    case AddressClass::kDocumentation:
      return "documentation";
    case AddressClass::kBenchmark:
      return "benchmark";
    case AddressClass::kCloudHost:
      return "cloud_host";
    case AddressClass::kIpv4Mapped:
      return "ipv4_mapped";
    case AddressClass::kIpv4Compatible:
      return "ipv4_compatible";
    case AddressClass::kNat64:
      return "nat64";
    case AddressClass::k6to4:
      return "6to4";
    case AddressClass::kTeredo:
      return "teredo";
    case AddressClass::kSiteLocal:
      return "site_local";
    case AddressClass::kUniqueLocal:
      return "unique_local";
    case AddressClass::kMailPort:
      return "mail_port";
  }
  return "unknown";
}

AddressClass ClassifyAddress(const EgressRule& rule, const IpAddress& address) {
  const int allowed = Narrowest(rule.allow, address);
  const int denied = Narrowest(rule.deny, address);
  if (denied >= 0 && denied >= allowed) return AddressClass::kDenied;
  if (allowed >= 0) return AddressClass::kAllowed;
  for (const ParsedRange& range : Ranges()) {
    if (range.cidr.Contains(address)) return range.address_class;
  }
  return AddressClass::kPublic;  // an IPv4 address in no special range
}

AddressClass ClassifyDestination(const EgressRule& rule, const IpAddress& address, uint16_t port) {
  if (port == 25 || port == 465 || port == 587) return AddressClass::kMailPort;
  return ClassifyAddress(rule, address);
}

}  // namespace understudy::router
