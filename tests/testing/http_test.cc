#include "tests/testing/http.h"

#include <zlib.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ToBytesTest, WritesWhatTheReplySays) {
  EXPECT_EQ(ToBytes({.body = "<Response/>"}),
            "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 11\r\n\r\n<Response/>");
  EXPECT_EQ(ToBytes({.status = 503, .content_type = "", .headers = {{"A", "1"}, {"A", "2"}}}),
            "HTTP/1.1 503 Error\r\nA: 1\r\nA: 2\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(ToBytes({.content_type = "", .closes = true}),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(ToBytesTest, LeavesTheLengthToTheScript) {
  for (const char* header : {"content-length: 5\r\n", "Transfer-Encoding: chunked\r\n"}) {
    const std::string text = header;
    const size_t colon = text.find(':');
    const Fields headers = {
        {text.substr(0, colon), text.substr(colon + 2, text.size() - colon - 4)}};
    EXPECT_EQ(ToBytes({.content_type = "", .headers = headers, .body = "b"}),
              "HTTP/1.1 200 OK\r\n" + text + "\r\nb");
  }
}

TEST(ToBytesTest, GivesNoLengthWhereNoBodyMayBe) {
  const auto has_length = [](int status) {
    return ToBytes({.status = status}).find("Content-Length") != std::string::npos;
  };
  for (int status : {100, 199, 204, 304}) EXPECT_FALSE(has_length(status)) << status;
  for (int status : {200, 203, 205, 303, 305, 404}) EXPECT_TRUE(has_length(status)) << status;
}

TEST(ChunkedTest, CutsAtTheSize) {
  EXPECT_EQ(Chunked(""), "0\r\n\r\n");
  EXPECT_EQ(Chunked("abcd", 4), "4\r\nabcd\r\n0\r\n\r\n");
  EXPECT_EQ(Chunked("abcde", 4), "4\r\nabcd\r\n1\r\ne\r\n0\r\n\r\n");
  EXPECT_EQ(Chunked(std::string(17, 'x'), 17).substr(0, 4), "11\r\n") << "sizes are hexadecimal";
}

std::string Gunzip(const std::string& bytes) {
  z_stream stream = {};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string in = bytes;
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(GzipTest, InflatesToTheSame) {
  for (const std::string& text : {std::string(), std::string("x"), std::string(1 << 20, 'x')}) {
    EXPECT_EQ(Gunzip(Gzip(text)), text);
  }
  EXPECT_LT(Gzip(std::string(50 << 20, 'x')).size(), 64u << 10) << "fit for a bomb";
}

TEST(ParseFormTest, DecodesInOrder) {
  EXPECT_THAT(ParseForm(""), IsEmpty());
  EXPECT_THAT(ParseForm("b=2&a=1&b=+x%21"),
              ElementsAre(Pair("b", "2"), Pair("a", "1"), Pair("b", " x!")));
  EXPECT_THAT(ParseForm("&&a&=v&c=1=2&"),
              ElementsAre(Pair("a", ""), Pair("", "v"), Pair("c", "1=2")));
  EXPECT_THAT(ParseForm("a=%zz%4&%41=%2"), ElementsAre(Pair("a", "%zz%4"), Pair("A", "%2")));
}

TEST(FindTest, TakesTheFirstWithoutCase) {
  const Fields fields = {{"A", "1"}, {"b", "2"}, {"B", "3"}};
  EXPECT_EQ(Find(fields, "B"), "2");
  EXPECT_EQ(Find(fields, "a"), "1");
  EXPECT_EQ(Find(fields, "c"), "");
}

}  // namespace
}  // namespace understudy::testing
