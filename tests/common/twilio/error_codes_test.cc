#include "common/twilio/error_codes.h"

#include <gtest/gtest.h>

#include <limits>

namespace understudy::twilio {
namespace {

TEST(ErrorCodesTest, CountPerRange) {
  const struct {
    const char* what;
    int first;
    int last;
    int count;
  } kRanges[] = {
      {"account", 10000, 10999, 4},
      {"retrieval", 11000, 11999, 28},
      {"documents", 12000, 12999, 7},
      {"verbs in calls", 13000, 13999, 112},
      {"messages", 14000, 14199, 11},
      {"queues", 14200, 14999, 33},
      {"callbacks", 15000, 16999, 6},
      {"REST", 20000, 32999, 34},
      {"Studio and Functions", 81000, 82999, 20},
  };
  int total = 0;
  for (const auto& range : kRanges) {
    int count = 0;
    for (const ErrorCode& code : AllErrorCodes()) {
      count += code.code >= range.first && code.code <= range.last ? 1 : 0;
    }
    EXPECT_EQ(count, range.count) << range.what;
    total += count;
  }
  EXPECT_EQ(AllErrorCodes().size(), static_cast<size_t>(total));
}

TEST(ErrorCodesTest, SpotValues) {
  const struct {
    int code;
    Level level;
    bool fatal;
    int http_status;
  } kCases[] = {
      {10001, Level::kError, false, 0},   {11100, Level::kError, true, 0},
      {11200, Level::kError, true, 0},    {11205, Level::kError, true, 0},
      {11217, Level::kError, true, 0},    {11220, Level::kError, true, 0},
      {11237, Level::kError, true, 0},    {11243, Level::kError, true, 0},
      {11321, Level::kWarning, false, 0}, {11322, Level::kWarning, false, 0},
      {11750, Level::kError, true, 0},    {11751, Level::kError, false, 0},
      {11770, Level::kError, true, 0},    {12100, Level::kError, true, 0},
      {12101, Level::kError, true, 0},    {12102, Level::kError, true, 0},
      {12200, Level::kWarning, false, 0}, {12300, Level::kError, true, 0},
      {12400, Level::kError, true, 0},    {13201, Level::kError, true, 0},
      {13223, Level::kWarning, false, 0}, {13224, Level::kError, false, 0},
      {13340, Level::kError, false, 0},   {13910, Level::kWarning, false, 0},
      {14107, Level::kError, false, 0},   {14110, Level::kWarning, false, 0},
      {14201, Level::kError, true, 0},    {15003, Level::kWarning, false, 0},
      {16011, Level::kError, false, 0},   {20001, Level::kWarning, false, 0},
      {20003, Level::kError, false, 401}, {20404, Level::kError, false, 404},
      {21405, Level::kError, false, 400}, {20503, Level::kError, false, 503},
      {32018, Level::kError, false, 400}, {81000, Level::kWarning, false, 0},
      {82009, Level::kError, false, 0},
  };
  for (const auto& c : kCases) {
    const ErrorCode* const found = FindErrorCode(c.code);
    ASSERT_NE(found, nullptr) << c.code;
    EXPECT_EQ(found->code, c.code);
    EXPECT_EQ(found->level, c.level) << c.code;
    EXPECT_EQ(found->fatal, c.fatal) << c.code;
    EXPECT_EQ(found->http_status, c.http_status) << c.code;
  }
  EXPECT_EQ(FindErrorCode(11200)->name, "HTTP retrieval failure");
  EXPECT_EQ(FindErrorCode(12200)->name, "Schema validation warning");
}

TEST(ErrorCodesTest, NeighboursAreNotThere) {
  for (const int code : {0, -1, 10000, 10005, 11204, 11225, 11238, 12103, 12199, 12201, 14112,
                         82010, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    EXPECT_EQ(FindErrorCode(code), nullptr) << code;
  }
}

TEST(ErrorCodesTest, EveryEntryIsComplete) {
  for (const ErrorCode& code : AllErrorCodes()) {
    EXPECT_EQ(FindErrorCode(code.code), &code);
    EXPECT_FALSE(code.name.empty()) << code.code;
    EXPECT_FALSE(code.fatal && code.level == Level::kWarning) << code.code;
    EXPECT_FALSE(code.fatal && code.http_status != 0) << code.code;
  }
}

TEST(ErrorCodesTest, LabelsAreBounded) {
  EXPECT_EQ(ErrorCodeLabel(0), "0");
  EXPECT_EQ(ErrorCodeLabel(11200), "11200");
  EXPECT_EQ(ErrorCodeLabel(11225), "unknown");
  EXPECT_EQ(ErrorCodeLabel(-11200), "unknown");
}

TEST(ErrorCodesTest, Pages) {
  EXPECT_EQ(ErrorCodePage(11200), "https://www.twilio.com/docs/errors/11200");
  EXPECT_EQ(ErrorCodePage(99999), "https://www.twilio.com/docs/errors/99999");
  EXPECT_EQ(ErrorCodePage(1), "https://www.twilio.com/docs/errors/1");
  EXPECT_EQ(ErrorCodePage(0), "");
  EXPECT_EQ(ErrorCodePage(-1), "");
}

}  // namespace
}  // namespace understudy::twilio
