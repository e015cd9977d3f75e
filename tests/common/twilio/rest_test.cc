#include "common/twilio/rest.h"

#include <gtest/gtest.h>

#include "common/twilio/error_codes.h"

namespace understudy::twilio {
namespace {

TEST(RestErrorTest, AsTwilioWritesIt) {
  EXPECT_EQ(RestErrorJson(NotFound("/2010-04-01/Accounts/AC1/IncomingPhoneNumbers/PN1.json")),
            R"({"code":20404,"message":"The requested resource )"
            R"(/2010-04-01/Accounts/AC1/IncomingPhoneNumbers/PN1.json was not found",)"
            R"("more_info":"https://www.twilio.com/docs/errors/20404","status":404})");
  EXPECT_EQ(RestErrorJson(Unauthenticated()),
            R"({"code":20003,"message":"Authenticate",)"
            R"("more_info":"https://www.twilio.com/docs/errors/20003","status":401})");
}

TEST(RestErrorTest, StatusOfEachCode) {
  int codes = 0;
  for (const ErrorCode& code : AllErrorCodes()) {
    if (code.http_status == 0) continue;
    EXPECT_EQ(MakeRestError(code.code, "x").status, code.http_status);
    ++codes;
  }
  EXPECT_GE(codes, 20);
}

TEST(RestErrorTest, WhatAServerRefuses) {
  const struct {
    int status;
    int code;
  } kCases[] = {{400, 20422}, {408, 20422}, {413, 20422}, {429, 20429}, {500, 20500}, {503, 20503}};
  for (const auto& c : kCases) {
    EXPECT_EQ(HttpRefusal(c.status, "x"),
              (RestError{.code = c.code, .message = "x", .status = c.status}));
  }
}

TEST(DateTest, BothForms) {
  absl::Time time;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, "2015-07-30T23:19:04.999Z", &time, nullptr));
  EXPECT_EQ(Rfc2822Date(time), "Thu, 30 Jul 2015 23:19:04 +0000");
  EXPECT_EQ(Iso8601Date(time), "2015-07-30T23:19:04Z");
  EXPECT_EQ(Rfc2822Date(absl::UnixEpoch()), "Thu, 01 Jan 1970 00:00:00 +0000");
}

TEST(ReadStrictFormTest, WhatIsRefused) {
  const char* const kGood[] = {"",        "a=1&b=2",   "a=%20+%C3%B1", "a=&b", "&&",
                               "a=1&A=2", "a=%3Cb%3E", "a==",          "%61=1"};
  const std::string kBad[] = {"a=%",
                              "a=%4",
                              "a=%4g&b=1",
                              "%zz=1",
                              "a=1&a=1",
                              "a=1&%61=",
                              "a=%FF",
                              "a=%00",
                              "a&b=2&c&a",
                              "a=\xC3",
                              "a=%C3%28",
                              "%C0%80=1",
                              std::string("a=\0", 3)};
  for (const char* form : kGood) {
    EXPECT_TRUE(std::holds_alternative<Form>(ReadStrictForm(form))) << form;
  }
  for (const std::string& form : kBad) {
    const auto read = ReadStrictForm(form);
    ASSERT_TRUE(std::holds_alternative<FormProblem>(read)) << form;
    EXPECT_FALSE(std::get<FormProblem>(read).message.empty());
  }
  EXPECT_EQ(std::get<Form>(ReadStrictForm("b=2&a=x+y")), (Form{{"b", "2"}, {"a", "x y"}}));
}

TEST(ReadPageTest, Limits) {
  const struct {
    const char* query;
    PageAsked page;
  } kGood[] = {
      {"", {50, 0, ""}},
      {"FriendlyName=x", {50, 0, ""}},
      {"PageSize=1", {1, 0, ""}},
      {"PageSize=1000&Page=0", {1000, 0, ""}},
      {"PageSize=1001", {1000, 0, ""}},
      {"PageSize=999999999999999999", {1000, 0, ""}},
      {"Page=0&PageToken=PAPN01", {50, 0, "PAPN01"}},
      {"Page=1000000000&PageToken=a-_9", {50, 1000000000, "a-_9"}},
      {"PageToken=", {50, 0, ""}},
  };
  for (const auto& c : kGood) {
    const auto read = ReadPage(DecodeForm(c.query));
    ASSERT_TRUE(std::holds_alternative<PageAsked>(read)) << c.query;
    EXPECT_EQ(std::get<PageAsked>(read), c.page) << c.query;
  }
  const struct {
    std::string query;
    int code;
  } kBad[] = {
      {"PageSize=0", 20422},
      {"PageSize=", 20422},
      {"PageSize=-1", 20422},
      {"PageSize=%2B5", 20422},
      {"PageSize=5x", 20422},
      {"PageSize=9999999999999999999", 20422},
      {"Page=-1&PageToken=a", 20422},
      {"Page=x&PageToken=a", 20422},
      {"Page=1000000001&PageToken=a", 20422},
      {"Page=1", 21481},
      {"Page=1&PageToken=", 21481},
      {"PageToken=a%20b", 21481},
      {"PageToken=a%27--", 21481},
      {"PageToken=" + std::string(kMaxPageTokenBytes + 1, 'a'), 21481},
  };
  for (const auto& c : kBad) {
    const auto read = ReadPage(DecodeForm(c.query));
    ASSERT_TRUE(std::holds_alternative<RestError>(read)) << c.query;
    EXPECT_EQ(std::get<RestError>(read).code, c.code) << c.query;
    EXPECT_EQ(std::get<RestError>(read).status, 400) << c.query;
  }
  EXPECT_TRUE(std::holds_alternative<PageAsked>(
      ReadPage({{"PageToken", std::string(kMaxPageTokenBytes, 'a')}})));
}

TEST(PageTargetTest, KeepsTheFilters) {
  const Form query = {{"PageToken", "old"}, {"FriendlyName", "a&b"}, {"Page", "7"}, {"Beta", ""}};
  EXPECT_EQ(PageTarget("/x.json", query, {.page_size = 2, .page = 1, .token = "PA9"}),
            "/x.json?FriendlyName=a%26b&Beta=&PageSize=2&Page=1&PageToken=PA9");
  EXPECT_EQ(PageTarget("/x.json", {}, {}), "/x.json?PageSize=50&Page=0");
}

}  // namespace
}  // namespace understudy::twilio
