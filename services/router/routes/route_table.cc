#include "services/router/routes/route_table.h"

#include <utility>

namespace understudy::router {

RouteTable::RouteTable(std::vector<Account> accounts, std::vector<Number> numbers) {
  accounts_.reserve(accounts.size());
  for (Account& account : accounts) {
    std::string sid = account.sid;
    accounts_.try_emplace(std::move(sid), std::move(account));
  }
  numbers_.reserve(numbers.size());
  for (Number& number : numbers) {
    const Account* const account = FindAccount(number.account_sid);
    numbers_.try_emplace(std::move(number.phone_number),
                         NumberRoute{.account_sid = std::move(number.account_sid),
                                     .auth_token = account ? account->auth_token : Secret(),
                                     .voice = std::move(number.voice),
                                     .messaging = std::move(number.messaging)});
  }
}

const NumberRoute* RouteTable::FindNumber(absl::string_view phone_number) const {
  const auto entry = numbers_.find(phone_number);
  return entry == numbers_.end() ? nullptr : &entry->second;
}

const Account* RouteTable::FindAccount(absl::string_view sid) const {
  const auto entry = accounts_.find(sid);
  return entry == accounts_.end() ? nullptr : &entry->second;
}

}  // namespace understudy::router
