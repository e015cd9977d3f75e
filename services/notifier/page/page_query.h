// What a request for the page asks for, read from its path and query. Whatever a stranger sends is
// either understood or told to be wrong; nothing of it is believed. Pure.
#ifndef SERVICES_NOTIFIER_PAGE_PAGE_QUERY_H_
#define SERVICES_NOTIFIER_PAGE_PAGE_QUERY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

// Of a query, so that nothing is decoded without end.
inline constexpr size_t kMaxQueryBytes = 4096;
inline constexpr size_t kMaxSearchBytes = 2048;

// A number above zero in decimal digits, as in paths; nullopt if it is none or too large.
std::optional<int64_t> ReadNumber(absl::string_view text);

// "ROW.ID", as WriteGroupPlace writes it.
std::optional<Store::GroupPlace> ReadGroupPlace(absl::string_view text);
std::string WriteGroupPlace(const Store::GroupPlace& place);

// The hours of the overview's charts: one of those offered, else the default.
inline constexpr int kOfferedHours[] = {1, 3, 12, 24};
inline constexpr int kDefaultHours = 3;
int ReadHours(absl::string_view text);

// A time in UTC: "2026-11-24", "2026-11-24T06:15", with seconds, with a "Z" behind; a space may
// stand for the "T".
std::optional<absl::Time> ReadTime(absl::string_view text);

// What is looked for, as it was typed and as it was understood.
struct PageSearch {
  std::string what = {};
  std::string from = {};
  std::string to = {};

  std::string understood = {};  // "events of the call CA…"; empty: nothing was asked for
  std::string problem = {};     // why it cannot be looked for; empty: it can
  EventSearch search = {};
};

// From q, from and to. Of `what` one thing is made: a call or message by its sid, an account, an
// event by its id, a number, a code, or a URL with its host, whole, and the beginning of its path.
PageSearch ReadSearch(const std::string& what, const std::string& from, const std::string& to);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_PAGE_PAGE_QUERY_H_
