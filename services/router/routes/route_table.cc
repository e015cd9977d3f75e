#include "services/router/routes/route_table.h"

#include <utility>

#include "services/router/resolve/request.h"

namespace understudy::router {

RouteTable::RouteTable(const std::vector<Account>& accounts, const std::vector<Number>& numbers,
                       const std::vector<std::shared_ptr<const Bin>>& bins) {
  auto configured = std::make_shared<Configured>();
  configured->accounts.reserve(accounts.size());
  for (const Account& account : accounts) configured->accounts.try_emplace(account.sid, account);
  configured->numbers.reserve(numbers.size());
  for (const Number& number : numbers) {
    configured->numbers.try_emplace(number.phone_number, number);
  }
  for (const std::shared_ptr<const Bin>& bin : bins) configured->bins.try_emplace(bin->name, bin);
  configured_ = std::move(configured);
}

RouteTable RouteTable::WithStored(NumberTable stored) const {
  RouteTable table = *this;
  table.stored_ = std::move(stored);
  return table;
}

std::optional<NumberRoute> RouteTable::FindNumber(absl::string_view phone_number, Kind kind) const {
  NumberRoute route;
  if (const Number* const number = FindConfigured(phone_number)) {
    route.account_sid = number->account_sid;
    route.handler = number->handler(kind);
  } else if (const std::optional<NumberText> stored = stored_.FindNumber(phone_number)) {
    route.account_sid = std::string(stored->account_sid);
    const bool is_voice = kind == Kind::kVoice;
    const absl::string_view application =
        is_voice ? stored->voice_application_sid : stored->messaging_application_sid;
    if (is_voice && !stored->trunk_sid.empty()) {
      route.trunk_sid = std::string(stored->trunk_sid);
    } else if (application.empty()) {
      route.handler = MakeHandler(is_voice ? stored->voice : stored->messaging);
    } else if (const auto found = stored_.FindApplication(application)) {
      route.handler = MakeHandler(is_voice ? found->voice : found->messaging);
    }
  } else {
    return std::nullopt;
  }
  if (const Account* const account = FindAccount(route.account_sid)) {
    route.auth_token = account->auth_token;
  }
  return route;
}

const Number* RouteTable::FindConfigured(absl::string_view phone_number) const {
  const auto entry = configured_->numbers.find(phone_number);
  return entry == configured_->numbers.end() ? nullptr : &entry->second;
}

const Account* RouteTable::FindAccount(absl::string_view sid) const {
  const auto entry = configured_->accounts.find(sid);
  return entry == configured_->accounts.end() ? nullptr : &entry->second;
}

std::shared_ptr<const Bin> RouteTable::FindBin(absl::string_view name) const {
  const auto entry = configured_->bins.find(name);
  return entry == configured_->bins.end() ? nullptr : entry->second;
}

std::optional<Handler> RouteTable::MakeHandler(const HandlerText& text) const {
  if (text.url.empty()) return std::nullopt;
  Handler handler = {.primary = MakeEndpoint(text.url, text.method)};
  if (!text.fallback_url.empty()) {
    handler.fallback = MakeEndpoint(text.fallback_url, text.fallback_method);
  }
  return handler;
}

Endpoint RouteTable::MakeEndpoint(absl::string_view url, Method method) const {
  Endpoint endpoint = {.url = std::string(url), .method = method};
  if (const auto name = BinName(url)) endpoint.bin = FindBin(*name);
  return endpoint;
}

}  // namespace understudy::router
