#include "services/cli/progress.h"

#include <gtest/gtest.h>

namespace understudy::cli {
namespace {

TEST(ProgressTest, TellsHowFarItIsAndHowFast) {
  const absl::Duration second = absl::Seconds(1);
  EXPECT_EQ(ProgressText(0, 300, 0, absl::ZeroDuration()),
            "[>                             ]   0%  0 lines, 0 a second");
  EXPECT_EQ(ProgressText(100, 300, 123456, 2 * second),
            "[==========>                   ]  33%  123,456 lines, 61,728 a second");
  EXPECT_EQ(ProgressText(299, 300, 1, second),
            "[=============================>]  99%  1 lines, 1 a second");
  EXPECT_EQ(ProgressText(300, 300, 1000000, 10 * second),
            "[==============================] 100%  1,000,000 lines, 100,000 a second");
  EXPECT_EQ(ProgressText(301, 300, 0, second).substr(0, 38),
            "[==============================] 100% ");
  EXPECT_EQ(ProgressText(5, 0, 1234, second), "1,234 lines, 1,234 a second");
}

TEST(NumberTextTest, HasACommaBeforeEveryThreeDigits) {
  EXPECT_EQ(NumberText(0), "0");
  EXPECT_EQ(NumberText(999), "999");
  EXPECT_EQ(NumberText(1000), "1,000");
  EXPECT_EQ(NumberText(-999), "-999");
  EXPECT_EQ(NumberText(-1000), "-1,000");
  EXPECT_EQ(NumberText(1234567890), "1,234,567,890");
}

}  // namespace
}  // namespace understudy::cli
