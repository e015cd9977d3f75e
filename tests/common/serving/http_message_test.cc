#include "common/serving/http_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace understudy::serving {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(IsTokenTest, Table) {
  for (const char* text : {"GET", "a", "!#$%&'*+-.^_`|~0Zz"}) EXPECT_TRUE(IsToken(text)) << text;
  for (const char* text : {"", " ", "a b", "a:", "a/b", "a\t", "\"", "(", "a\x7f", "\xc3\xa9"}) {
    EXPECT_FALSE(IsToken(text)) << text;
  }
}

TEST(FindHeaderTest, TheFirstOfThatNameInAnyCase) {
  const HttpHeaders headers = {{"Host", "a"}, {"X-B", "1"}, {"x-b", "2"}, {"X-Empty", ""}};
  const struct {
    const char* name;
    const char* value;  // null: there is none
  } kCases[] = {{"host", "a"},  {"HOST", "a"},     {"X-b", "1"}, {"x-empty", ""},
                {"X", nullptr}, {"X-BB", nullptr}, {"", nullptr}};
  for (const auto& c : kCases) {
    const std::string* value = FindHeader(headers, c.name);
    ASSERT_EQ(value != nullptr, c.value != nullptr) << c.name;
    if (value != nullptr) {
      EXPECT_EQ(*value, c.value) << c.name;
    }
  }
  EXPECT_EQ(FindHeader({}, "Host"), nullptr);
}

TEST(CheckResponseTest, WhatCanBeSent) {
  const HttpResponse kCases[] = {
      {},
      {.status = 200},
      {.status = 599},
      {.content_type = ""},
      {.content_type = "text/xml; charset=utf-8"},
      {.headers = {{"Retry-After", "1"}, {"X-Content-Type-Options", "other"}}},
      {.headers = {{"X-Bytes", "caf\xc3\xa9 \xff\tb"}, {"X-Empty", ""}}},
      {.body = std::string("\0\r\n", 3)},
  };
  for (const HttpResponse& response : kCases) {
    EXPECT_TRUE(CheckResponse(response).ok()) << CheckResponse(response);
  }
}

TEST(CheckResponseTest, WhatCannot) {
  const struct {
    HttpResponse response;
    const char* why;
  } kCases[] = {
      {{.status = 199}, "no final status: 199"},
      {{.status = 600}, "no final status: 600"},
      {{.status = 0}, "no final status"},
      {{.status = 101}, "no final status"},
      {{.content_type = "text/plain\r\nX: y"}, "content type"},
      {{.content_type = std::string("a\0b", 3)}, "content type"},
      {{.headers = {{"", "a"}}}, "no token"},
      {{.headers = {{"X Y", "a"}}}, "no token"},
      {{.headers = {{"X:", "a"}}}, "no token"},
      {{.headers = {{"X\r\nY", "a"}}}, "no token"},
      {{.headers = {{"caf\xc3\xa9", "a"}}}, "no token"},
      {{.headers = {{"X", "a\r\nSet-Cookie: b"}}}, "header X"},
      {{.headers = {{"X", "a\nb"}}}, "header X"},
      {{.headers = {{"X", std::string("a\0b", 3)}}}, "header X"},
      {{.headers = {{"X", "a\x7f"}}}, "header X"},
      {{.headers = {{"Fine", "a"}, {"X", "a\x1f"}}}, "header X"},
      {{.headers = {{"connection", "close"}}}, "writes Connection"},
      {{.headers = {{"CONTENT-LENGTH", "1"}}}, "writes Content-Length"},
      {{.headers = {{"Content-Type", "a/b"}}}, "writes Content-Type"},
      {{.headers = {{"Date", "now"}}}, "writes Date"},
      {{.headers = {{"Transfer-Encoding", "chunked"}}}, "writes Transfer-Encoding"},
  };
  for (const auto& c : kCases) {
    const absl::Status status = CheckResponse(c.response);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.why;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.why));
  }
}

const absl::Time kDate = absl::FromUnixSeconds(784111777);

TEST(ResponseHeadTest, AnOrdinaryOne) {
  const HttpResponse response = {
      .status = 200, .content_type = "text/xml", .headers = {{"X-A", "1"}}, .body = "<Response/>"};
  EXPECT_EQ(ResponseHead(response, /*keeps_alive=*/true, kDate),
            "HTTP/1.1 200 OK\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Connection: keep-alive\r\n"
            "Content-Type: text/xml\r\n"
            "Content-Length: 11\r\n"
            "X-A: 1\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "\r\n");
}

TEST(ResponseHeadTest, TheLastOfAConnection) {
  EXPECT_EQ(ResponseHead({.status = 429, .headers = {{"Retry-After", "1"}}},
                         /*keeps_alive=*/false, kDate),
            "HTTP/1.1 429 Too Many Requests\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Connection: close\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 0\r\n"
            "Retry-After: 1\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "\r\n");
}

TEST(ResponseHeadTest, LeavesOutWhatIsNotThere) {
  const std::string untyped = ResponseHead({.content_type = "", .body = "a"}, true, kDate);
  EXPECT_THAT(untyped, Not(HasSubstr("Content-Type:")));
  EXPECT_THAT(untyped, HasSubstr("Content-Length: 1\r\n"));
  for (const int status : {204, 304}) {
    const std::string head = ResponseHead({.status = status, .body = "a"}, true, kDate);
    EXPECT_THAT(head, Not(HasSubstr("Content-Type:"))) << status;
    EXPECT_THAT(head, Not(HasSubstr("Content-Length"))) << status;
  }
}

TEST(ResponseHeadTest, LeavesSniffingToTheHandlerIfItSays) {
  const std::string head =
      ResponseHead({.headers = {{"x-content-type-options", "other"}}}, true, kDate);
  EXPECT_THAT(head, HasSubstr("x-content-type-options: other\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("nosniff")));
}

}  // namespace
}  // namespace understudy::serving
