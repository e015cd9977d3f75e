#include "services/router/routes/number_pattern.h"

#include <gtest/gtest.h>

namespace understudy::router {
namespace {

TEST(NumberPatternTest, StandsForAPartOfANumber) {
  const struct {
    const char* text;
    const char* glob;
    const char* prefix;
  } kRows[] = {
      {"", "*", ""},
      {"415", "*415*", ""},
      {"+1415", "+1415*", "+1415"},
      {"+1415*99", "+1415*99*", "+1415"},
      {"*99", "**99*", ""},
      {"(415) 555-01.99", "*4155550199*", ""},
      {" +1 415", "+1415*", "+1415"},
  };
  for (const auto& row : kRows) {
    const auto pattern = ReadNumberPattern(row.text);
    ASSERT_TRUE(pattern.has_value()) << row.text;
    EXPECT_EQ(pattern->glob, row.glob) << row.text;
    EXPECT_EQ(pattern->prefix, row.prefix) << row.text;
  }
}

TEST(NumberPatternTest, KnowsWhatNoNumberIs) {
  for (const char* text : {"a", "?", "[1-9]", "'", "41%"}) {
    EXPECT_FALSE(ReadNumberPattern(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace understudy::router
