#include "services/cli/table.h"

#include <gtest/gtest.h>

namespace understudy::cli {
namespace {

TEST(TableTest, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({{.name = "A"}, {.name = "COUNT", .is_number = true}, {.name = "URL"}}, 0, {});
  EXPECT_EQ(table.Render({{{"1"}, {"7"}, {"x"}}, {{"long"}, {"1234567"}, {"y"}}}),
            "A       COUNT  URL\n"
            "1           7  x\n"
            "long  1234567  y\n");
  // Rows that come later do not get the names again, and are never narrower.
  EXPECT_EQ(table.Render({{{"a"}, {"1"}, {"z"}}}), "a           1  z\n");
  EXPECT_EQ(table.Render({}), "");
}

TEST(TableTest, NothingIsPrintedBehindTheLastText) {
  Table table({{.name = "A"}, {.name = "B"}, {.name = "C"}}, 0, {});
  EXPECT_EQ(table.Render({{{"1"}, {""}, {""}}, {{""}, {""}, {"c"}}}), "A  B  C\n1\n      c\n");
}

TEST(TableTest, LinesAreCutAtTheWidth) {
  const auto cut = [](size_t width) {
    Table table({{.name = "A"}, {.name = "B"}}, width, {});
    return table.Render({{{"abc"}, {"0123456789"}}});
  };
  EXPECT_EQ(cut(15), "A    B\nabc  0123456789\n");
  EXPECT_EQ(cut(14), "A    B\nabc  012345...\n");
  EXPECT_EQ(cut(9), "A    B\nabc  0...\n");
  EXPECT_EQ(cut(8), "A    B\nabc  012\n");
  EXPECT_EQ(cut(5), "A\nabc\n");
  EXPECT_EQ(cut(2), "A\nab\n");
}

TEST(TableTest, CountsCharactersAndShowsNoControls) {
  Table table({{.name = "A"}, {.name = "B"}}, 8, {});
  EXPECT_EQ(table.Render({{{"\xC3\xA4\xC3\xA4"}, {"\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6"}},
                          {{"\x1b"}, {"x"}}}),
            "A     B\n\xC3\xA4\xC3\xA4    \xC3\xB6\xC3\xB6\n\\x1b  x\n");
}

TEST(TableTest, ColorTakesNoRoom) {
  Table table({{.name = "A"}, {.name = "B"}}, 6, {.color = true});
  EXPECT_EQ(table.Render({{{"a", Color::kRed}, {"12345"}}}),
            "\x1b[2mA\x1b[0m  \x1b[2mB\x1b[0m\n\x1b[31ma\x1b[0m  123\n");
}

}  // namespace
}  // namespace understudy::cli
