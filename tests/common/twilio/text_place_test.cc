#include "common/twilio/text_place.h"

#include <gtest/gtest.h>

#include <string>

namespace understudy::twilio {
namespace {

TEST(TextPlaceTest, ThereAndBack) {
  const std::string text = "a\xC3\xA9z\r\n\n\rb\n";
  const struct {
    size_t offset;
    int line;
    int column;
  } kCases[] = {{0, 1, 1}, {1, 1, 2}, {3, 1, 3}, {4, 1, 4}, {6, 2, 1},
                {7, 3, 1}, {8, 4, 1}, {9, 4, 2}, {10, 5, 1}};
  for (const auto& c : kCases) {
    const TextPlace place = PlaceOf(text, c.offset);
    EXPECT_EQ(place.line, c.line) << c.offset;
    EXPECT_EQ(place.column, c.column) << c.offset;
    EXPECT_EQ(TextCursor(text).OffsetOf(place), c.offset);
  }
  // In any order, and out of the text.
  TextCursor cursor(text);
  EXPECT_EQ(cursor.OffsetOf({4, 2}), 9u);
  EXPECT_EQ(cursor.OffsetOf({1, 3}), 3u);
  EXPECT_EQ(cursor.OffsetOf({1, 9}), 4u);
  EXPECT_EQ(cursor.OffsetOf({9, 9}), 10u);
  EXPECT_EQ(cursor.OffsetOf({5, 1}), 10u);
  EXPECT_EQ(cursor.OffsetOf({1, 2}), 1u);
  for (const size_t i : {8u, 0u, 5u, 8u, 2u, 1u}) {
    const auto& c = kCases[i];
    EXPECT_EQ(cursor.PlaceOf(c.offset).line, c.line) << c.offset;
    EXPECT_EQ(cursor.PlaceOf(c.offset).column, c.column) << c.offset;
  }
  EXPECT_EQ(cursor.PlaceOf(99).line, 5);
}

}  // namespace
}  // namespace understudy::twilio
