// Which resource of the numbers API a path names. Pure.
// Source: Twilio, "IncomingPhoneNumber resource", "Application resource".
#ifndef SERVICES_ROUTER_ROUTES_REST_TARGET_H_
#define SERVICES_ROUTER_ROUTES_REST_TARGET_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace understudy::router {

struct RestTarget {
  enum class Kind : uint8_t { kNumbers, kNumber, kApplications, kApplication };

  Kind kind = Kind::kNumbers;
  std::string account_sid = {};  // well-formed
  std::string sid = {};          // of kNumber and kApplication; letters and digits
  std::string number_type = {};  // of kNumbers: "local", "mobile", "toll-free", or empty: all

  friend bool operator==(const RestTarget&, const RestTarget&) = default;
};

// nullopt if a path, as it was sent, names nothing that this API has. Nothing is decoded: no name
// of ours has a character that would be escaped.
std::optional<RestTarget> ReadRestTarget(absl::string_view path);

// Paths of resources.
std::string NumberPath(absl::string_view account_sid, absl::string_view sid);
std::string ApplicationPath(absl::string_view account_sid, absl::string_view sid);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_REST_TARGET_H_
