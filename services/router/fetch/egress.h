// May this address be dialled, and if not, why: asked after name resolution, at the moment a
// socket is opened, so that no spelling of a URL and no change of a name's mind gets around it.
// Source of the ranges: the IANA special-purpose address registries. Pure.
#ifndef SERVICES_ROUTER_FETCH_EGRESS_H_
#define SERVICES_ROUTER_FETCH_EGRESS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/router/fetch/address.h"

namespace understudy::router {

enum class AddressClass : uint8_t {
  kPublic,
  kAllowed,  // opened by the operator
  kDenied,   // shut by the operator
  kUnspecified,
  kLoopback,
  kPrivate,
  kCarrierNat,
  kLinkLocal,
  kMulticast,
  kReserved,
  kDocumentation,
  kBenchmark,
  kCloudHost,
  kIpv4Mapped,
  kIpv4Compatible,
  kNat64,
  k6to4,
  kTeredo,
  kSiteLocal,
  kUniqueLocal,
  kMailPort,
};
inline constexpr size_t kAddressClasses = static_cast<size_t>(AddressClass::kMailPort) + 1;

// Stable, lower case: a metric label and a word in messages.
const char* AddressClassName(AddressClass address_class);

struct EgressRule {
  std::vector<Cidr> allow = {};
  std::vector<Cidr> deny = {};
};

// The class of `address`. The operator's entries come first, and of several that hold the address
// the narrowest decides (deny, if two are equally narrow).
AddressClass ClassifyAddress(const EgressRule& rule, const IpAddress& address);

// The same for a connection: mail ports are shut whatever the address, as a web server has no
// business there and a mail server would act on what we send.
AddressClass ClassifyDestination(const EgressRule& rule, const IpAddress& address, uint16_t port);

constexpr bool MayDial(AddressClass address_class) {
  return address_class == AddressClass::kPublic || address_class == AddressClass::kAllowed;
}

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_FETCH_EGRESS_H_
