#include "services/notifier/page/page_query.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/twilio/url.h"
#include "services/notifier/words/event_words.h"

namespace understudy::notifier {
namespace {

using absl::StrCat;
using absl::string_view;

constexpr size_t kMaxNumberDigits = 18;  // fits into 64 bits, whatever they are

bool IsDigits(string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

// Two letters and 32 hexadecimal digits.
bool IsSid(string_view text) {
  return text.size() == 34 && absl::ascii_isupper(static_cast<unsigned char>(text[0])) &&
         absl::ascii_isupper(static_cast<unsigned char>(text[1])) &&
         std::all_of(text.begin() + 2, text.end(),
                     [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); });
}

// Written as people write them: "+1 (415) 555-0199". nullopt if it is no number.
std::optional<std::string> NumberIn(string_view text) {
  std::string number;
  for (const char c : text) {
    const bool is_plus = c == '+' && number.empty();
    if (is_plus || absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      number += c;
    } else if (!absl::StrContains(" ()-./", c)) {
      return std::nullopt;
    }
  }
  const size_t digits = number.size() - (absl::StartsWith(number, "+") ? 1 : 0);
  if (digits < 6 || digits > 15) return std::nullopt;
  return number;
}

void ReadWhat(string_view what, PageSearch& read) {
  EventFilter& filter = read.search.filter;
  if (what.size() > kMaxSearchBytes) {
    read.problem = "That is longer than anything that is kept.";
  } else if (IsSid(what) && absl::StartsWith(what, "AC")) {
    filter.account_sid = std::string(what);
    read.understood = StrCat("Events of the account ", what);
  } else if (IsSid(what)) {
    filter.resource_sid = std::string(what);
    read.understood =
        StrCat("Events of the ", absl::StartsWith(what, "CA") ? "call " : "message ", what);
  } else if (IsDigits(what) && what.size() == 5) {
    filter.error_code = static_cast<int>(*ReadNumber(what));
    read.understood = StrCat("Events of the code ", CodeText(filter.error_code));
  } else if (const std::optional<std::string> number = NumberIn(what)) {
    filter.phone_number = *number;
    read.understood = StrCat("Events of the number ", *number);
  } else if (absl::StrContains(what, "://") || absl::StrContains(what, '.')) {
    const bool has_scheme = absl::StrContains(what, "://");
    const std::string url = has_scheme ? std::string(what) : StrCat("https://", what);
    read.search.host = GroupKeyOf({.error_url = url}).host;
    if (!twilio::ParseUrl(url).ok() || read.search.host.empty()) {
      read.problem = "That looks like a URL, but has no host that can be read.";
      return;
    }
    read.search.url_begins = std::string(what);
    read.understood = StrCat("Events whose URL begins with ", what);
  } else if (what.size() <= kMaxEventIdBytes && !absl::StrContains(what, ' ')) {
    filter.event_id = std::string(what);
    read.understood = StrCat("The event with the id ", what);
  } else {
    read.problem =
        "Look for a call or message by its sid, an account by its sid, a number, an error code of "
        "five digits, an event's id, or a URL or its beginning with the whole host name.";
  }
}

bool ReadBound(string_view text, const char* name, absl::Time& out, std::string& problem) {
  if (text.empty()) return false;
  const std::optional<absl::Time> time = ReadTime(text);
  if (time.has_value()) {
    out = *time;
  } else {
    problem = StrCat("The time in \"", name, "\" must look like 2026-11-24T06:15, in UTC.");
  }
  return true;
}

}  // namespace

std::optional<int64_t> ReadNumber(string_view text) {
  int64_t number = 0;
  if (!IsDigits(text) || text.size() > kMaxNumberDigits || !absl::SimpleAtoi(text, &number) ||
      number == 0) {
    return std::nullopt;
  }
  return number;
}

std::optional<Store::GroupPlace> ReadGroupPlace(string_view text) {
  const std::pair<string_view, string_view> parts = absl::StrSplit(text, absl::MaxSplits('.', 1));
  const std::optional<int64_t> row = ReadNumber(parts.first);
  const std::optional<int64_t> id = ReadNumber(parts.second);
  if (!row.has_value() || !id.has_value()) return std::nullopt;
  return Store::GroupPlace{.last_event_row = *row, .id = *id};
}

std::string WriteGroupPlace(const Store::GroupPlace& place) {
  return StrCat(place.last_event_row, ".", place.id);
}

int ReadHours(string_view text) {
  const std::optional<int64_t> hours = ReadNumber(text);
  const auto* const offered = std::find(std::begin(kOfferedHours), std::end(kOfferedHours),
                                        static_cast<int>(std::min<int64_t>(hours.value_or(0), 99)));
  return offered == std::end(kOfferedHours) ? kDefaultHours : *offered;
}

std::optional<absl::Time> ReadTime(string_view text) {
  std::string written(absl::StripSuffix(text, "Z"));
  std::replace(written.begin(), written.end(), ' ', 'T');
  if (written.size() > 32) return std::nullopt;
  for (const char* format : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
    absl::Time read;
    if (absl::ParseTime(format, written, &read, nullptr) && read > absl::UnixEpoch() &&
        read != absl::InfiniteFuture()) {
      return read;
    }
  }
  return std::nullopt;
}

PageSearch ReadSearch(const std::string& what, const std::string& from, const std::string& to) {
  PageSearch read = {.what = what, .from = from, .to = to};
  const string_view wanted = absl::StripAsciiWhitespace(what);
  EventFilter& filter = read.search.filter;
  const bool has_from =
      ReadBound(absl::StripAsciiWhitespace(from), "From", filter.start, read.problem);
  const bool has_to = ReadBound(absl::StripAsciiWhitespace(to), "To", filter.end, read.problem);
  if (!wanted.empty()) ReadWhat(wanted, read);
  if (wanted.empty() && (has_from || has_to)) read.understood = "All events";
  if (!read.problem.empty()) read.understood.clear();
  return read;
}

}  // namespace understudy::notifier
