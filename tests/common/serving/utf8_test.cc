#include "common/serving/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace understudy::serving {
namespace {

TEST(Utf8Test, MeasuresTheFirstCharacter) {
  const struct {
    absl::string_view text;
    size_t bytes;
  } kCases[] = {
      {"", 0},
      {"a", 1},
      {absl::string_view("\0", 1), 1},
      {"\x7F", 1},
      {"\x80", 0},              // a continuation alone
      {"\xC1\xBF", 0},          // overlong for U+007F
      {"\xC2\x80", 2},          // U+0080
      {"\xC2", 0},              // cut
      {"\xC2\x7F", 0},          //
      {"\xDF\xBF more", 2},     // U+07FF
      {"\xE0\x9F\xBF", 0},      // overlong for U+07FF
      {"\xE0\xA0\x80", 3},      // U+0800
      {"\xE0\xA0", 0},          // cut
      {"\xED\x9F\xBF", 3},      // U+D7FF
      {"\xED\xA0\x80", 0},      // a surrogate
      {"\xEE\x80\x80", 3},      // U+E000
      {"\xEF\xBF\xBF", 3},      // U+FFFF
      {"\xF0\x8F\xBF\xBF", 0},  // overlong for U+FFFF
      {"\xF0\x90\x80\x80", 4},  // U+10000
      {"\xF4\x8F\xBF\xBF", 4},  // U+10FFFF
      {"\xF4\x90\x80\x80", 0},  // beyond
      {"\xF5\x80\x80\x80", 0},
      {"\xF0\x90\x80", 0},  // cut
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Utf8CharacterBytes(c.text), c.bytes) << testing::PrintToString(std::string(c.text));
  }
}

}  // namespace
}  // namespace understudy::serving
