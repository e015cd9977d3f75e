#include "services/notifier/store/event_details.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/notifier/store/sample_events.h"

namespace understudy::notifier {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(AttemptsTest, GoThereAndBack) {
  std::vector<Attempt> attempts = testing::DetailedEvent("1").attempts;
  attempts.push_back({});
  attempts.push_back({.detail = "two\nlines & a = sign"});
  EXPECT_EQ(DecodeAttempts(EncodeAttempts(attempts)), attempts);
  EXPECT_EQ(EncodeAttempts({}), "");
  EXPECT_THAT(DecodeAttempts(""), IsEmpty());
}

TEST(AttemptsTest, AreReadableInTheDatabase) {
  EXPECT_EQ(EncodeAttempts({{.url = "http://a.test/",
                             .method = Method::kGet,
                             .http_status = 302,
                             .total = absl::Milliseconds(2)},
                            {.phase = Phase::kDns}}),
            "url=http%3A%2F%2Fa.test%2F&method=1&http_status=302&total=2000000\nphase=2\n");
}

TEST(AttemptsTest, WhatIsNoneOfOursIsSkipped) {
  EXPECT_EQ(DecodeAttempts("new=1&url=u&method=9&phase=-1&http_status=many&dns=1"),
            (std::vector<Attempt>{{.url = "u", .dns = absl::Nanoseconds(1)}}));
  EXPECT_THAT(DecodeAttempts("\n\n"), SizeIs(2));
}

TEST(HasDetailsTest, AnyOfThemWillDo) {
  EXPECT_FALSE(HasDetails(testing::SampleEvent("1")));
  EXPECT_TRUE(HasDetails({.request_method = Method::kGet}));
  EXPECT_TRUE(HasDetails({.parameters = {{"a", "b"}}}));
  EXPECT_TRUE(HasDetails({.request_headers = {{"a", "b"}}}));
  EXPECT_TRUE(HasDetails({.response_headers = {{"a", "b"}}}));
  EXPECT_TRUE(HasDetails({.attempts = {{}}}));
}

}  // namespace
}  // namespace understudy::notifier
