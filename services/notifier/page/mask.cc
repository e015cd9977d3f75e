#include "services/notifier/page/mask.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace understudy::notifier {
namespace {

constexpr size_t kMinDigits = 7;
constexpr size_t kMaxDigits = 15;
// Of a number that is at least so long the beginning is shown, too.
constexpr size_t kLongDigits = 10;
constexpr size_t kShownFirst = 2;
constexpr size_t kShownLast = 4;
constexpr size_t kShownLastOfShort = 2;
constexpr absl::string_view kMark = "•";

bool IsDigit(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c));
}

bool IsWord(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
}

void AppendMasked(absl::string_view digits, std::string& out) {
  const bool is_long = digits.size() >= kLongDigits;
  const size_t first = is_long ? kShownFirst : 0;
  const size_t last = is_long ? kShownLast : kShownLastOfShort;
  out += std::string(digits.substr(0, first));
  for (size_t i = first; i < digits.size() - last; ++i) out += std::string(kMark);
  out += std::string(digits.substr(digits.size() - last));
}

std::string Mask(absl::string_view text, bool only_marked) {
  std::string out;
  out.reserve(text.size());
  size_t i = 0;
  while (i < text.size()) {
    if (!IsDigit(text[i])) {
      out += text[i++];
      continue;
    }
    size_t end = i;
    while (end < text.size() && IsDigit(text[end])) ++end;
    const absl::string_view before = text.substr(0, i);
    const bool is_marked = absl::EndsWith(before, "+") || absl::EndsWithIgnoreCase(before, "%2B");
    const bool is_word = (is_marked || before.empty() || !IsWord(before.back())) &&
                         (end == text.size() || !IsWord(text[end]));
    const size_t digits = end - i;
    if (is_word && digits >= kMinDigits && digits <= kMaxDigits && (is_marked || !only_marked)) {
      AppendMasked(text.substr(i, digits), out);
    } else {
      out += std::string(text.substr(i, digits));
    }
    i = end;
  }
  return out;
}

}  // namespace

std::string MaskNumbers(absl::string_view text) {
  return Mask(text, /*only_marked=*/false);
}

std::string MaskMarkedNumbers(absl::string_view text) {
  return Mask(text, /*only_marked=*/true);
}

}  // namespace understudy::notifier
