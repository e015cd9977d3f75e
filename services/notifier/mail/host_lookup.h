// The addresses of a mail server's name. Asks c-ares as this machine is set up: hosts file, search
// list, name servers; unlike a customer's URL, the operator's own name may well be known here
// alone. Not libcurl's resolver: a name server that is silent would hold it up far beyond any
// deadline.
#ifndef SERVICES_NOTIFIER_MAIL_HOST_LOOKUP_H_
#define SERVICES_NOTIFIER_MAIL_HOST_LOOKUP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace understudy::notifier {

// Of the addresses of a name at most so many are tried.
inline constexpr size_t kMaxAddressesPerHost = 4;
// How long the second address family may come after the first.
inline constexpr absl::Duration kSecondFamilyDelay = absl::Milliseconds(200);

struct HostAddresses {
  enum class Result : uint8_t { kFound, kNotFound, kFailed, kTimeout };

  Result result = Result::kFailed;
  std::vector<std::string> addresses = {};  // "192.0.2.1", "2001:db8::1"; not empty if found
};

// Blocks until the name servers have answered, but not beyond `give_up_at` (monotonic).
// `dns_servers`: "192.0.2.53" or "192.0.2.53:5353"; none: the system's.
HostAddresses LookUpHost(const std::string& host, const std::vector<std::string>& dns_servers,
                         absl::Time give_up_at);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_MAIL_HOST_LOOKUP_H_
