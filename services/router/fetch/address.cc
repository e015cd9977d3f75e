#include "services/router/fetch/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace understudy::router {
namespace {

std::optional<IpAddress> ParseStrict(const std::string& text) {
  IpAddress address;
  if (inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) return address;
  address.v6 = true;
  if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

bool SamePrefix(const IpAddress& a, const IpAddress& b, int bits) {
  const auto whole = static_cast<size_t>(bits / 8);
  if (!std::equal(a.bytes.begin(), a.bytes.begin() + whole, b.bytes.begin())) return false;
  const int rest = bits % 8;
  if (rest == 0) return true;
  const int mask = 0xff00 >> rest;
  return (a.bytes[whole] & mask & 0xff) == (b.bytes[whole] & mask & 0xff);
}

}  // namespace

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
  return text;
}

std::optional<IpAddress> ParseAddress(absl::string_view text) {
  const std::string terminated(text);
  if (std::optional<IpAddress> address = ParseStrict(terminated)) return address;
  // inet_aton also takes "1.2.3.4 anything".
  if (text.empty() || text.find_first_of(" \t\n\v\f\r") != absl::string_view::npos) {
    return std::nullopt;
  }
  in_addr v4;
  if (inet_aton(terminated.c_str(), &v4) == 0) return std::nullopt;
  IpAddress address;
  std::memcpy(address.bytes.data(), &v4, sizeof v4);
  return address;
}

std::optional<IpAddress> FromSockaddr(const sockaddr& address) {
  IpAddress ip;
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::memcpy(ip.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
    return ip;
  }
  if (address.sa_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ip.v6 = true;
    std::memcpy(ip.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    return ip;
  }
  return std::nullopt;
}

bool Cidr::Contains(const IpAddress& candidate) const {
  return candidate.v6 == address.v6 && SamePrefix(candidate, address, prefix);
}

absl::StatusOr<Cidr> ParseCidr(absl::string_view text) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('/', 1));
  const std::optional<IpAddress> address = ParseStrict(parts.first);
  if (!address.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not an address range"));
  }
  const int widest = address->v6 ? 128 : 32;
  Cidr cidr{.address = *address, .prefix = widest};
  if (parts.first.size() != text.size() &&
      (parts.second.find_first_not_of("0123456789") != std::string::npos ||
       !absl::SimpleAtoi(parts.second, &cidr.prefix) || cidr.prefix > widest)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\": the prefix length must be 0 to ", widest));
  }
  IpAddress masked = *address;
  for (int bit = cidr.prefix; bit < widest; ++bit) {
    masked.bytes[static_cast<size_t>(bit / 8)] &= static_cast<uint8_t>(~(0x80 >> (bit % 8)));
  }
  if (!(masked == *address)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" has bits set below its prefix; ",
                                                   masked.ToString(), "/", cidr.prefix,
                                                   " is the range"));
  }
  return cidr;
}

}  // namespace understudy::router
