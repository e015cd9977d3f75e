#include "services/notifier/words/shown_text.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/twilio/charset.h"

namespace understudy::notifier {
namespace {

using absl::string_view;

constexpr char kReplacement[] = "\xEF\xBF\xBD";  // U+FFFD
constexpr char kEllipsis[] = "\xE2\x80\xA6";

struct Range {
  char32_t first = 0;
  char32_t last = 0;
};
// Shown as their number: what breaks lines, turns the writing direction or is not to be seen.
constexpr Range kUnshown[] = {
    {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},       {0x61C, 0x61C},
    {0x180E, 0x180E}, {0x200B, 0x200F}, {0x2028, 0x202E},   {0x2060, 0x206F},
    {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE0FFF},
};

bool IsShown(char32_t character) {
  const auto* const range = std::lower_bound(
      std::begin(kUnshown), std::end(kUnshown), character,
      [](const Range& candidate, char32_t value) { return candidate.last < value; });
  return range == std::end(kUnshown) || character < range->first;
}

bool BeginsCharacter(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

// The first character of `text`. REQUIRES: UTF-8, not empty.
struct Character {
  char32_t value = 0;
  size_t bytes = 1;
};
Character FirstOf(string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {.value = lead, .bytes = 1};
  const size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t value = lead & (0x7FU >> bytes);
  for (size_t i = 1; i < bytes; ++i) value = value << 6 | (byte(i) & 0x3FU);
  return {.value = value, .bytes = bytes};
}

void AppendUtf8(string_view text, bool keeps_lines, std::string& shown) {
  for (size_t at = 0; at < text.size();) {
    size_t plain = at;
    while (plain < text.size() && text[plain] >= ' ' && text[plain] <= '~') ++plain;
    shown.append(text.data() + at, plain - at);
    at = plain;
    if (at == text.size()) break;
    const Character character = FirstOf(text.substr(at));
    const string_view bytes = text.substr(at, character.bytes);
    at += character.bytes;
    if (IsShown(character.value)) {
      shown.append(bytes.data(), bytes.size());
    } else if (keeps_lines && character.value == '\n') {
      shown.push_back('\n');
    } else if (keeps_lines && character.value == '\r') {
      if (at == text.size() || text[at] != '\n') shown.push_back('\n');
    } else if (keeps_lines && character.value == '\t') {
      shown.append("  ");
    } else if (character.value < 0x80) {
      absl::StrAppendFormat(&shown, "\\x%02X", static_cast<unsigned>(character.value));
    } else {
      absl::StrAppendFormat(&shown, "\\u%04X", static_cast<unsigned>(character.value));
    }
  }
}

std::string Shown(string_view text, bool keeps_lines) {
  std::string shown;
  shown.reserve(text.size());
  while (true) {
    const size_t valid = twilio::ValidUtf8Prefix(text);
    AppendUtf8(text.substr(0, valid), keeps_lines, shown);
    if (valid == text.size()) return shown;
    shown += kReplacement;
    text.remove_prefix(valid + 1);
  }
}

// Where the character numbered `index` from 0 begins; text.size() if there are not as many.
size_t OffsetOf(string_view text, size_t index) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (BeginsCharacter(text[at]) && index-- == 0) break;
  }
  return at;
}

}  // namespace

std::string OneLine(string_view text) {
  return Shown(text, /*keeps_lines=*/false);
}

std::string KeepLines(string_view text) {
  return Shown(text, /*keeps_lines=*/true);
}

size_t Characters(string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), BeginsCharacter));
}

std::string CutEnd(string_view text, size_t max) {
  if (Characters(text) <= max) return std::string(text);
  string_view kept = text.substr(0, OffsetOf(text, max - 1));
  const size_t space = kept.rfind(' ');
  if (space != string_view::npos && space > kept.size() / 2) kept = kept.substr(0, space);
  return absl::StrCat(kept, kEllipsis);
}

std::string CutMiddle(string_view text, size_t max) {
  const size_t characters = Characters(text);
  if (characters <= max) return std::string(text);
  const size_t tail = (max - 1) / 2;
  const size_t head = max - 1 - tail;
  return absl::StrCat(text.substr(0, OffsetOf(text, head)), kEllipsis,
                      text.substr(OffsetOf(text, characters - tail)));
}

std::string NumberText(int64_t number) {
  std::string text = absl::StrCat(number);
  const int64_t first_digit = number < 0 ? 1 : 0;
  for (int64_t at = static_cast<int64_t>(text.size()) - 3; at > first_digit; at -= 3) {
    text.insert(static_cast<size_t>(at), 1, ',');
  }
  return text;
}

std::string TimeText(absl::Time time) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return "unknown";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", time, absl::UTCTimeZone());
}

std::string DurationText(absl::Duration duration) {
  if (duration < absl::Milliseconds(1)) return "under 1 ms";
  if (duration < absl::Seconds(1)) return absl::StrCat(absl::ToInt64Milliseconds(duration), " ms");
  if (duration < absl::Seconds(10)) {
    return absl::StrFormat("%.1f s", absl::ToDoubleSeconds(duration));
  }
  const int64_t seconds = absl::ToInt64Seconds(duration);
  const auto two = [](int64_t large, const char* unit, int64_t small, const char* small_unit) {
    std::string text = absl::StrCat(large, unit);
    if (small > 0) absl::StrAppend(&text, " ", small, small_unit);
    return text;
  };
  if (seconds < 60) return absl::StrCat(seconds, " s");
  if (seconds < 3600) return two(seconds / 60, " min", seconds % 60, " s");
  if (seconds < int64_t{2} * 86400) return two(seconds / 3600, " h", seconds % 3600 / 60, " min");
  return two(seconds / 86400, " d", seconds % 86400 / 3600, " h");
}

}  // namespace understudy::notifier
