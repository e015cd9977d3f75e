#include "common/serving/rest_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace understudy::serving {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSid[] = "AC00000000000000000000000000000001";
constexpr char kTokenless[] = "AC00000000000000000000000000000002";
constexpr char kToken[] = "0123456789abcdef";

std::string HeaderOf(const RestReply& reply, absl::string_view name) {
  const std::string* const value = FindHeader(reply.http.headers, name);
  return value == nullptr ? "" : *value;
}

class SignInTest : public ::testing::Test {
 protected:
  std::variant<const twilio::Account*, RestReply> Try(absl::string_view credentials) {
    return TryHeader(absl::StrCat("Basic ", absl::Base64Escape(credentials)));
  }

  std::variant<const twilio::Account*, RestReply> TryHeader(const std::string& authorization) {
    HttpRequest request;
    request.remote_address = "192.0.2.1";
    request.headers.push_back({"Authorization", authorization});
    return SignIn(request, accounts_, limiter_, "numbers API");
  }

  const std::vector<twilio::Account> accounts_ = {{.sid = kTokenless},
                                                  {.sid = kSid, .auth_token = Secret(kToken)}};
  LoginLimiter limiter_{{.burst = 3, .interval = absl::Hours(1)}};
};

TEST_F(SignInTest, TheRightTokenIsItsAccount) {
  const auto signed_in = Try(absl::StrCat(kSid, ":", kToken));
  ASSERT_TRUE(std::holds_alternative<const twilio::Account*>(signed_in));
  EXPECT_EQ(std::get<const twilio::Account*>(signed_in), &accounts_[1]);
}

TEST_F(SignInTest, NothingElseIs) {
  const std::string kBad[] = {"Basic", "Bearer 1", "Basic ?",
                              absl::StrCat("Basic ", absl::Base64Escape("no colon"))};
  // None of these is a guess: any number of them may come.
  for (int i = 0; i < 2; ++i) {
    for (const std::string& header : kBad) {
      const auto refused = TryHeader(header);
      ASSERT_TRUE(std::holds_alternative<RestReply>(refused)) << header;
      EXPECT_EQ(std::get<RestReply>(refused).error_code, 20003) << header;
    }
  }
  EXPECT_EQ(std::get<RestReply>(SignIn({}, accounts_, limiter_, "numbers API")).http.status, 401);
}

TEST_F(SignInTest, WhoGuessesIsSlowedDown) {
  const std::string kWrong[] = {absl::StrCat(kSid, ":wrong"), absl::StrCat(kTokenless, ":"),
                                absl::StrCat("nobody:", kToken)};
  for (const std::string& credentials : kWrong) {
    const RestReply reply = std::get<RestReply>(Try(credentials));
    EXPECT_EQ(reply.http.status, 401) << credentials;
    EXPECT_EQ(reply.error_code, 20003) << credentials;
    EXPECT_EQ(HeaderOf(reply, "WWW-Authenticate"), twilio::kRestChallenge);
    EXPECT_THAT(reply.http.body, Not(HasSubstr(kToken)));
  }
  const RestReply reply = std::get<RestReply>(Try(absl::StrCat(kSid, ":", kToken)));
  EXPECT_EQ(reply.http.status, 429);
  EXPECT_EQ(reply.error_code, 20429);
  EXPECT_EQ(HeaderOf(reply, "Retry-After"), "3600");
}

TEST(RestReplyTest, ErrorsAreTwilios) {
  const RestReply busy = RestReply::Error(twilio::MakeRestError(20503, "Later."));
  EXPECT_EQ(busy.http.status, 503);
  EXPECT_EQ(busy.error_code, 20503);
  EXPECT_EQ(busy.http.content_type, "application/json");
  EXPECT_EQ(HeaderOf(busy, "Retry-After"), "1");

  const RestReply method = RestReply::MethodNotAllowed("GET, POST");
  EXPECT_EQ(method.http.status, 405);
  EXPECT_EQ(method.error_code, 20004);
  EXPECT_EQ(HeaderOf(method, "Allow"), "GET, POST");
  EXPECT_EQ(HeaderOf(method, "Retry-After"), "");

  EXPECT_THAT(RestReply::NotFound("/" + std::string(255, 'a')).http.body,
              HasSubstr(std::string(255, 'a')));
  EXPECT_THAT(RestReply::NotFound("/" + std::string(256, 'a')).http.body,
              Not(HasSubstr(std::string(256, 'a'))));
}

TEST(RestReplyTest, TheTimeToWaitIsRoundedUp) {
  RestReply reply = RestReply::Json(429, "{}");
  reply.AddRetryAfter(absl::Milliseconds(1001));
  EXPECT_EQ(HeaderOf(reply, "Retry-After"), "2");
}

}  // namespace
}  // namespace understudy::serving
