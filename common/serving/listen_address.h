// Where a server listens: host:port as configuration writes it.
#ifndef COMMON_SERVING_LISTEN_ADDRESS_H_
#define COMMON_SERVING_LISTEN_ADDRESS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace understudy::serving {

struct ListenAddress {
  std::string host = {};  // IPv4, IPv6 without brackets, or a host name
  uint16_t port = 0;      // 0: any free one

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// Reads "0.0.0.0:50051", "[::]:50051" or "localhost:0". InvalidArgument for anything else.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

// Whether only this machine gets there: an address of loopback, or localhost.
bool IsLoopback(const ListenAddress& address);

// What ParseListenAddress reads.
std::string ListenAddressText(const ListenAddress& address);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_LISTEN_ADDRESS_H_
