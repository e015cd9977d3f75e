// Who answers: from a phone number to the handlers its owner has configured. Pure.
#ifndef SERVICES_ROUTER_ROUTES_ROUTE_TABLE_H_
#define SERVICES_ROUTER_ROUTES_ROUTE_TABLE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/secret.h"
#include "common/twilio/account.h"
#include "services/router/resolve/call.h"
#include "services/router/routes/number_table.h"

namespace understudy::router {

using twilio::Account;

// Of the configuration's file.
struct Number {
  std::string phone_number = {};  // E.164
  std::string account_sid = {};
  std::optional<Handler> voice = {};
  std::optional<Handler> messaging = {};

  const std::optional<Handler>& handler(Kind kind) const {
    return kind == Kind::kVoice ? voice : messaging;
  }
  friend bool operator==(const Number&, const Number&) = default;
};

// What there is to know of a number when it is called, or gets a message.
struct NumberRoute {
  std::string account_sid = {};
  Secret auth_token = {};               // of the account
  std::optional<Handler> handler = {};  // none: nothing is set for calls, or for messages
  std::string trunk_sid = {};           // calls go to that trunk, and have no handler
};

// Does not change once made, so any thread may look things up; copies are cheap. What a look-up
// returns by pointer lives as long as the table or a copy of it.
class RouteTable {
 public:
  // Of accounts with the same sid, of the same numbers and of bins with the same name, the first
  // counts. The requests of a number whose account is not among `accounts` go out unsigned. (The
  // configuration lets neither by.)
  RouteTable(const std::vector<Account>& accounts, const std::vector<Number>& numbers,
             const std::vector<std::shared_ptr<const Bin>>& bins = {});

  // The same with the numbers and applications of `stored` in place of those that it had. A number
  // that the configuration has as well is the configuration's.
  RouteTable WithStored(NumberTable stored) const;

  // Nothing if it is not configured. Numbers are compared as they are written. A bin that is named
  // and not there leaves its endpoint without one: asking it fails as a bad URL does.
  std::optional<NumberRoute> FindNumber(absl::string_view phone_number, Kind kind) const;

  // Null if it is not there; FindConfigured: in the configuration's file.
  const Number* FindConfigured(absl::string_view phone_number) const;
  const Account* FindAccount(absl::string_view sid) const;
  std::shared_ptr<const Bin> FindBin(absl::string_view name) const;
  const NumberTable& stored() const { return stored_; }

 private:
  struct Configured {
    absl::flat_hash_map<std::string, Account> accounts = {};
    absl::flat_hash_map<std::string, Number> numbers = {};
    absl::flat_hash_map<std::string, std::shared_ptr<const Bin>> bins = {};
  };

  std::optional<Handler> MakeHandler(const HandlerText& text) const;
  Endpoint MakeEndpoint(absl::string_view url, Method method) const;

  std::shared_ptr<const Configured> configured_;
  NumberTable stored_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_ROUTE_TABLE_H_
