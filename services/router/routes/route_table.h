// Who answers: from a phone number to the handlers its owner has configured. Pure.
#ifndef SERVICES_ROUTER_ROUTES_ROUTE_TABLE_H_
#define SERVICES_ROUTER_ROUTES_ROUTE_TABLE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/secret.h"
#include "common/twilio/account.h"
#include "services/router/resolve/call.h"

namespace understudy::router {

using twilio::Account;

struct Number {
  std::string phone_number = {};  // E.164
  std::string account_sid = {};
  std::optional<Handler> voice = {};
  std::optional<Handler> messaging = {};

  friend bool operator==(const Number&, const Number&) = default;
};

// What there is to know of a number when it is called.
struct NumberRoute {
  std::string account_sid = {};
  Secret auth_token = {};  // of the account
  std::optional<Handler> voice = {};
  std::optional<Handler> messaging = {};

  const std::optional<Handler>& handler(Kind kind) const {
    return kind == Kind::kVoice ? voice : messaging;
  }
};

// Does not change once made, so any thread may look things up; a new configuration is a new table.
// What a look-up returns lives as long as the table.
class RouteTable {
 public:
  // Of accounts with the same sid, and of the same numbers, the first counts. The requests of a
  // number whose account is not among `accounts` go out unsigned. (Configuration lets neither by.)
  RouteTable(const std::vector<Account>& accounts, const std::vector<Number>& numbers);

  // Null if it is not configured. Numbers are compared as they are written. Allocates nothing.
  const NumberRoute* FindNumber(absl::string_view phone_number) const;
  const Account* FindAccount(absl::string_view sid) const;

 private:
  absl::flat_hash_map<std::string, Account> accounts_;
  absl::flat_hash_map<std::string, NumberRoute> numbers_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_ROUTE_TABLE_H_
