#include "services/router/routes/route_table.h"

namespace understudy::router {

RouteTable::RouteTable(const std::vector<Account>& accounts, const std::vector<Number>& numbers) {
  accounts_.reserve(accounts.size());
  for (const Account& account : accounts) accounts_.try_emplace(account.sid, account);
  numbers_.reserve(numbers.size());
  for (const Number& number : numbers) {
    const Account* const account = FindAccount(number.account_sid);
    numbers_.try_emplace(number.phone_number,
                         NumberRoute{.account_sid = number.account_sid,
                                     .auth_token = account ? account->auth_token : Secret(),
                                     .voice = number.voice,
                                     .messaging = number.messaging});
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
