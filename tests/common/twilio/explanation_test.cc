#include "common/twilio/explanation.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/twilio/error_codes.h"

namespace understudy::twilio {
namespace {

// Every code that a retrieval or a document can fail with.
constexpr int kCodes[] = {11100, 11200, 11201, 11202, 11203, 11205, 11206, 11210, 11215, 11216,
                          11217, 11220, 11235, 11236, 11237, 11240, 11241, 11242, 11243, 11251,
                          11750, 11770, 12100, 12101, 12102, 12200, 12300, 12400};

TEST(ExplainTest, EachHasItsOwn) {
  std::set<std::string> meanings;
  for (const int code : kCodes) {
    EXPECT_NE(FindErrorCode(code), nullptr) << code;
    const Explanation explanation = Explain(code);
    EXPECT_FALSE(explanation.checks[0].empty()) << code;
    EXPECT_TRUE(meanings.insert(std::string(explanation.meaning)).second) << code;
    EXPECT_NE(explanation.meaning, Explain(code / 1000 * 1000 + 999).meaning) << code;
  }
}

TEST(ExplainTest, OthersHaveThatOfTheirClass) {
  std::set<std::string> meanings;
  for (const int code : {0, 10001, 11320, 12301, 13214, 14110, 15003, 21402}) {
    const Explanation explanation = Explain(code);
    EXPECT_FALSE(explanation.checks[0].empty()) << code;
    EXPECT_TRUE(meanings.insert(std::string(explanation.meaning)).second) << code;
  }
  EXPECT_EQ(Explain(13000).meaning, Explain(13999).meaning);
  EXPECT_EQ(Explain(99999).meaning, Explain(21402).meaning);
  EXPECT_EQ(Explain(-1).meaning, Explain(99999).meaning);
}

TEST(ExplainTest, SaysItInSentences) {
  for (int code = 0; code < 20000; ++code) {
    const Explanation explanation = Explain(code);
    ASSERT_FALSE(explanation.meaning.empty());
    ASSERT_EQ(explanation.meaning.back(), '.') << code;
    ASSERT_LE(explanation.meaning.size(), 250U) << code;
    bool ended = false;
    for (const absl::string_view check : explanation.checks) {
      ASSERT_TRUE(!ended || check.empty()) << code;
      ended = check.empty();
      ASSERT_LE(check.size(), 150U) << code;
    }
  }
}

}  // namespace
}  // namespace understudy::twilio
