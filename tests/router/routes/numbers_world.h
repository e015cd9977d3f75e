// What tests of stored numbers have in common.
#ifndef TESTS_ROUTER_ROUTES_NUMBERS_WORLD_H_
#define TESTS_ROUTER_ROUTES_NUMBERS_WORLD_H_

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/router/routes/numbers_store.h"
#include "tests/testing/require.h"

namespace understudy::testing {

inline constexpr char kOwner[] = "AC00000000000000000000000000000001";
inline constexpr char kStranger[] = "AC00000000000000000000000000000002";
inline const absl::Time kToday = absl::FromUnixSeconds(1795478400);

inline std::unique_ptr<router::NumbersStore> OpenStore(
    const std::string& path, absl::Duration busy_timeout = absl::Seconds(5)) {
  auto store = router::NumbersStore::Open({.path = path, .busy_timeout = busy_timeout});
  Require(store.ok(), store.ok() ? "" : std::string(store.status().message()));
  return *std::move(store);
}

// What was asked for; ends the process if it was an error.
template <typename T>
T Good(router::Answer<T> answer) {
  const auto* const error = std::get_if<router::ResourceError>(&answer);
  Require(error == nullptr, error == nullptr ? "" : error->message);
  return std::get<T>(std::move(answer));
}

// Twilio's code of the error, 0 if it was none.
template <typename T>
int CodeOf(const router::Answer<T>& answer) {
  const auto* const error = std::get_if<router::ResourceError>(&answer);
  return error == nullptr ? 0 : error->code;
}

// +1415555 and four digits.
inline std::string NumberOf(int i) {
  return absl::StrCat("+1415555", 1000 + i);
}

inline router::IncomingPhoneNumber Make(router::NumbersStore& store, int i,
                                        twilio::Form more = {}) {
  more.insert(more.begin(), {"PhoneNumber", NumberOf(i)});
  return Good(store.CreateNumber(kOwner, "", more, kToday));
}

// Every number of an account, page by page.
template <typename Store>
std::vector<router::IncomingPhoneNumber> ListAll(Store& store, const std::string& account_sid,
                                                 int page_size = 50,
                                                 const router::NumberFilter& filter = {}) {
  std::vector<router::IncomingPhoneNumber> all;
  router::PageRequest request = {.size = page_size};
  do {
    auto page = Good(store.ListNumbers(account_sid, filter, request));
    for (auto& number : page.items) all.push_back(std::move(number));
    request.token = page.next_token;
  } while (!request.token.empty());
  return all;
}

}  // namespace understudy::testing

#endif  // TESTS_ROUTER_ROUTES_NUMBERS_WORLD_H_
