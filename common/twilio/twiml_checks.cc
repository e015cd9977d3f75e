#include "common/twilio/twiml_checks.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace understudy::twilio {
namespace {

using absl::string_view;

constexpr int kPhoneDigitsMax = 15;  // E.164
constexpr int kPortMax = 65535;

bool IsBetween(int number, const AttributeRule& rule) {
  return number >= rule.least && number <= rule.most;
}

// The first of the words between single spaces for which `is_good` does not hold.
template <typename Predicate>
std::optional<string_view> FirstBadWord(string_view words, Predicate is_good) {
  for (;;) {
    const string_view word = words.substr(0, words.find(' '));
    if (!is_good(word)) return word;
    if (word.size() == words.size()) return std::nullopt;
    words.remove_prefix(word.size() + 1);
  }
}

bool IsMadeOf(string_view text, string_view characters) {
  return text.find_first_not_of(characters) == string_view::npos;
}

// The part of a URL between "//" and the path.
bool IsAuthority(string_view authority) {
  authority.remove_prefix(authority.rfind('@') + 1);  // all of it if there is none
  size_t host_end = 0;
  if (absl::StartsWith(authority, "[")) {
    host_end = authority.find(']');
    if (host_end == string_view::npos ||
        !IsMadeOf(authority.substr(1, host_end - 1), "0123456789abcdefABCDEF:.")) {
      return false;
    }
    ++host_end;
  } else {
    host_end = std::min(authority.find(':'), authority.size());
    // International names may come as they are, or percent-encoded.
    const bool is_name = std::all_of(
        authority.begin(), authority.begin() + static_cast<ptrdiff_t>(host_end), [](char c) {
          const auto byte = static_cast<unsigned char>(c);
          return absl::ascii_isalnum(byte) || byte >= 0x80 || c == '-' || c == '.' || c == '_' ||
                 c == '%';
        });
    if (!is_name) return false;
  }
  if (host_end == 0) return false;
  string_view port = authority.substr(host_end);
  if (port.empty() || port == ":") return true;
  if (!absl::ConsumePrefix(&port, ":")) return false;
  const int number = ReadInteger(port);
  return number >= 1 && number <= kPortMax;
}

// The scheme of an absolute URL; empty if it is relative.
string_view SchemeOf(string_view url) {
  const size_t end = url.find_first_of(":/?#");
  if (end == string_view::npos || url[end] != ':') return {};
  return url.substr(0, end);
}

}  // namespace

int CheckValue(const AttributeRule& rule, string_view value) {
  bool is_good = true;
  switch (rule.type) {
    case ValueType::kString:
      is_good = rule.most == kUnbounded || CountCharacters(value) <= static_cast<size_t>(rule.most);
      break;
    case ValueType::kBoolean:
      is_good = value == "true" || value == "false";
      break;
    case ValueType::kInteger:
      is_good = IsBetween(ReadInteger(value), rule);
      break;
    case ValueType::kIntegers:
      is_good = !FirstBadWord(value, [&rule](string_view word) {
                   return IsBetween(ReadInteger(word), rule);
                 }).has_value();
      break;
    case ValueType::kIntegerOrAuto:
      is_good = value == "auto" || IsBetween(ReadInteger(value), rule);
      break;
    case ValueType::kOneOf:
      is_good = HasValue(rule.values, value);
      break;
    case ValueType::kSomeOf:
      is_good = !FirstUnknownWord(rule, value).has_value();
      break;
    case ValueType::kMethod:
      is_good = absl::EqualsIgnoreCase(value, "GET") || absl::EqualsIgnoreCase(value, "POST");
      break;
    case ValueType::kKeys:
      if (!IsMadeOf(value, rule.keys)) return rule.code;
      return value.size() <= static_cast<size_t>(rule.most) ? 0 : rule.too_long_code;
    case ValueType::kUrl:
      is_good = IsUrl(value, /*or_socket=*/false);
      break;
    case ValueType::kUrlOrSocketUrl:
      is_good = IsUrl(value, /*or_socket=*/true);
      break;
  }
  return is_good ? 0 : rule.code;
}

std::optional<string_view> FirstUnknownWord(const AttributeRule& rule, string_view value) {
  return FirstBadWord(value, [&rule](string_view word) { return HasValue(rule.values, word); });
}

int ReadInteger(string_view text) {
  if (text.empty()) return -1;
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    const int digit = c - '0';
    if (number > (std::numeric_limits<int>::max() - digit) / 10) return -1;
    number = number * 10 + digit;
  }
  return number;
}

bool IsUrl(string_view text, bool or_socket) {
  text = absl::StripAsciiWhitespace(text);
  const bool is_clean = std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > ' ' && byte != 0x7F;
  });
  if (!is_clean) return false;
  const string_view scheme = SchemeOf(text);
  if (!scheme.empty()) {
    const bool is_known =
        absl::EqualsIgnoreCase(scheme, "https") || absl::EqualsIgnoreCase(scheme, "http") ||
        (or_socket &&
         (absl::EqualsIgnoreCase(scheme, "wss") || absl::EqualsIgnoreCase(scheme, "ws")));
    text.remove_prefix(scheme.size() + 1);
    if (!is_known || !absl::StartsWith(text, "//")) return false;
  } else if (absl::StartsWith(text, ":")) {
    return false;
  }
  if (!absl::ConsumePrefix(&text, "//")) return true;
  return IsAuthority(text.substr(0, text.find_first_of("/?#")));
}

bool IsDialable(string_view text) {
  text = absl::StripAsciiWhitespace(text);
  const bool is_international = absl::ConsumePrefix(&text, "+");
  if (is_international && (text.empty() || text[0] < '1' || text[0] > '9')) return false;
  int digits = 0;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      ++digits;
    } else if (c != ' ' && c != '-' && c != '.' && c != '(' && c != ')') {
      return false;
    }
  }
  return digits >= (is_international ? 2 : 1) && digits <= kPhoneDigitsMax;
}

bool IsSipUri(string_view text) {
  text = absl::StripAsciiWhitespace(text);
  const string_view scheme = SchemeOf(text);
  if (!absl::EqualsIgnoreCase(scheme, "sip") && !absl::EqualsIgnoreCase(scheme, "sips")) {
    return false;
  }
  text.remove_prefix(scheme.size() + 1);
  return !text.empty() && text.back() != '@' && text.find_first_of(" \t\r\n") == string_view::npos;
}

size_t CountCharacters(string_view text) {
  size_t characters = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++characters;
  }
  return characters;
}

}  // namespace understudy::twilio
