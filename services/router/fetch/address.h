// An IP address and a range of them, as values. Pure.
#ifndef SERVICES_ROUTER_FETCH_ADDRESS_H_
#define SERVICES_ROUTER_FETCH_ADDRESS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sockaddr;

namespace understudy::router {

struct IpAddress {
  bool v6 = false;
  std::array<uint8_t, 16> bytes = {};  // network order; IPv4 in the first four

  std::string ToString() const;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// A literal as inet_aton and curl read it: dotted, and also "127.1", "0177.0.0.1", "0x7f000001",
// "2130706433"; or IPv6 without brackets. nullopt: it is a name.
std::optional<IpAddress> ParseAddress(absl::string_view text);

// nullopt for families other than IPv4 and IPv6.
std::optional<IpAddress> FromSockaddr(const sockaddr& address);

struct Cidr {
  IpAddress address = {};
  int prefix = 0;  // bits

  bool Contains(const IpAddress& candidate) const;
  friend bool operator==(const Cidr&, const Cidr&) = default;
};

// "10.0.0.0/8", "fd00::/8", or one address. InvalidArgument also if bits below the prefix are set:
// 10.1.0.0/8 is a mistake more often than a wish.
absl::StatusOr<Cidr> ParseCidr(absl::string_view text);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_FETCH_ADDRESS_H_
