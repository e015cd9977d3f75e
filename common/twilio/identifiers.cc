#include "common/twilio/identifiers.h"

#include "absl/strings/match.h"

namespace understudy::twilio {
namespace {

constexpr size_t kSidDigits = 32;
constexpr size_t kPhoneDigitsMin = 2;
constexpr size_t kPhoneDigitsMax = 15;

bool IsOnly(absl::string_view text, absl::string_view characters) {
  return text.find_first_not_of(characters) == absl::string_view::npos;
}

}  // namespace

bool IsSid(absl::string_view text, absl::string_view prefix) {
  return text.size() == prefix.size() + kSidDigits && absl::StartsWith(text, prefix) &&
         IsOnly(text.substr(prefix.size()), "0123456789abcdef");
}

bool IsAccountSid(absl::string_view text) {
  return IsSid(text, "AC");
}

bool IsPhoneNumber(absl::string_view text) {
  return text.size() >= kPhoneDigitsMin + 1 && text.size() <= kPhoneDigitsMax + 1 &&
         text[0] == '+' && text[1] != '0' && IsOnly(text.substr(1), "0123456789");
}

}  // namespace understudy::twilio
