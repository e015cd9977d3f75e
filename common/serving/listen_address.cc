#include "common/serving/listen_address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace understudy::serving {
namespace {

constexpr size_t kMaxHostBytes = 253;

bool IsAddress(int family, absl::string_view host) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(family, std::string(host).c_str(), address) == 1;
}

bool IsHost(absl::string_view host) {
  if (host.empty() || host.size() > kMaxHostBytes) return false;
  // Digits and dots alone are meant as an address, not as a name.
  if (host.find_first_not_of("0123456789.") == absl::string_view::npos) {
    return IsAddress(AF_INET, host);
  }
  return std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.';
  });
}

bool ParsePort(absl::string_view text, uint16_t& port) {
  int number = 0;
  if (text.empty() || text.size() > 5 ||
      text.find_first_not_of("0123456789") != absl::string_view::npos ||
      !absl::SimpleAtoi(text, &number) || number > 65535) {
    return false;
  }
  port = static_cast<uint16_t>(number);
  return true;
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  const absl::Status error = absl::InvalidArgumentError(
      "must be host:port, such as 0.0.0.0:8080, [::]:8080 or localhost:0");
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return error;
  absl::string_view host = text.substr(0, colon);
  ListenAddress address;
  if (!ParsePort(text.substr(colon + 1), address.port)) return error;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (!IsAddress(AF_INET6, host)) return error;
  } else if (!IsHost(host)) {
    return error;
  }
  address.host = std::string(host);
  return address;
}

bool IsLoopback(const ListenAddress& address) {
  in_addr v4 = {};
  if (inet_pton(AF_INET, address.host.c_str(), &v4) == 1) {
    return ntohl(v4.s_addr) >> 24 == 127;
  }
  in6_addr v6 = {};
  if (inet_pton(AF_INET6, address.host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return absl::EqualsIgnoreCase(address.host, "localhost");
}

std::string ListenAddressText(const ListenAddress& address) {
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  return is_ipv6 ? absl::StrCat("[", address.host, "]:", address.port)
                 : absl::StrCat(address.host, ":", address.port);
}

}  // namespace understudy::serving
