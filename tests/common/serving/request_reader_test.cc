#include "common/serving/request_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace understudy::serving {
namespace {

using State = RequestReader::State;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr size_t kPlenty = 1 << 30;

// What comes of bytes that arrive in pieces of `piece` bytes.
struct Reading {
  std::vector<HttpRequest> requests = {};
  int status = 0;  // of the refusal
  State state = State::kIdle;
};

Reading ReadPieces(const std::string& bytes, size_t piece, const RequestLimits& limits = {}) {
  ByteBudget budget(kPlenty);
  Reading reading;
  {
    RequestReader reader(limits, budget);
    for (size_t at = 0; at < bytes.size() && reader.state() != State::kRefused; at += piece) {
      reader.Read(absl::string_view(bytes).substr(at, piece));
      while (reader.state() == State::kWhole) {
        reading.requests.push_back(reader.TakeRequest());
        reader.Next();
      }
    }
    reading.state = reader.state();
    if (reading.state == State::kRefused) {
      reading.status = reader.refusal().status;
      EXPECT_EQ(budget.held(), 0u);
    }
    if (reading.state == State::kIdle) {
      EXPECT_EQ(budget.held(), 0u);
    }
  }
  EXPECT_EQ(budget.held(), 0u);
  return reading;
}

std::vector<size_t> PiecesOf(const std::string& bytes) {
  return {1, 2, 3, 5, 16, std::max<size_t>(bytes.size(), 1)};
}

TEST(RequestReaderTest, AGetRequest) {
  const std::string bytes =
      "GET /fallback?ErrorCode=11200&ErrorUrl=http%3A%2F%2Fa HTTP/1.1\r\n"
      "Host: alerts.example.com\r\nX-Twilio-Signature:  abc=  \r\nx-twice: 1\r\nX-Twice:2\r\n\r\n";
  for (const size_t piece : PiecesOf(bytes)) {
    const Reading reading = ReadPieces(bytes, piece);
    EXPECT_EQ(reading.state, State::kIdle);
    ASSERT_THAT(reading.requests, SizeIs(1)) << piece;
    const HttpRequest& request = reading.requests[0];
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.target, "/fallback?ErrorCode=11200&ErrorUrl=http%3A%2F%2Fa");
    EXPECT_EQ(request.path, "/fallback");
    EXPECT_EQ(request.query, "ErrorCode=11200&ErrorUrl=http%3A%2F%2Fa");
    EXPECT_THAT(request.headers,
                ElementsAre(HttpHeader{"Host", "alerts.example.com"},
                            HttpHeader{"X-Twilio-Signature", "abc="}, HttpHeader{"x-twice", "1"},
                            HttpHeader{"X-Twice", "2"}));
    EXPECT_EQ(request.body, "");
  }
}

TEST(RequestReaderTest, ABodyOfALength) {
  const std::string bytes =
      absl::StrCat("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\na\r\n\r\n",
                   absl::string_view("\0\xff", 2), "b");
  for (const size_t piece : PiecesOf(bytes)) {
    const Reading reading = ReadPieces(bytes, piece);
    ASSERT_THAT(reading.requests, SizeIs(1)) << piece;
    EXPECT_EQ(reading.requests[0].body, bytes.substr(bytes.size() - 8));
    EXPECT_EQ(reading.state, State::kIdle);
  }
}

TEST(RequestReaderTest, ABodyInChunks) {
  const std::string kHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const struct {
    const char* name;
    std::string chunks;
    const char* body;
  } kCases[] = {
      {"none but the last", "0\r\n\r\n", ""},
      {"one", "5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"of one byte", "1\r\na\r\n1\r\nb\r\n1\r\n\n\r\n0\r\n\r\n", "ab\n"},
      {"that begins with a line end", "1\r\n\n\r\n0\r\n\r\n", "\n"},
      {"line ends inside", "6\r\n\r\n\n\r\r\n\r\n0\r\n\r\n", "\r\n\n\r\r\n"},
      {"sizes in either case", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
       "01234567890123456789"},
      {"leading zeros", "0005\r\nhello\r\n000\r\n\r\n", "hello"},
      {"extensions", "5;a=b;c=\"d e\"\r\nhello\r\n0;f\r\n\r\n", "hello"},
      {"what follows is not used",
       "5\r\nhello\r\n0\r\nX-Twilio-Signature: forged\r\nHost: b\r\n\r\n", "hello"},
  };
  for (const auto& c : kCases) {
    const std::string bytes = absl::StrCat(kHead, c.chunks);
    for (const size_t piece : PiecesOf(bytes)) {
      const Reading reading = ReadPieces(bytes, piece);
      ASSERT_THAT(reading.requests, SizeIs(1)) << c.name << " by " << piece;
      EXPECT_EQ(reading.requests[0].body, c.body) << c.name << " by " << piece;
      EXPECT_THAT(reading.requests[0].headers, SizeIs(2)) << c.name;
      EXPECT_EQ(reading.state, State::kIdle) << c.name << " by " << piece;
    }
  }
}

TEST(RequestReaderTest, OneRequestAfterAnother) {
  const std::string bytes =
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
      "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
      "\r\nPOST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
      "GET /4 HTTP/1.1\r\nHost: a\r\n\r\nGET /5 HT";
  for (const size_t piece : PiecesOf(bytes)) {
    const Reading reading = ReadPieces(bytes, piece);
    std::string all;
    for (const HttpRequest& request : reading.requests) {
      absl::StrAppend(&all, request.path, "(", request.body, ")");
      EXPECT_THAT(request.headers.size(), testing::Le(2u));
    }
    EXPECT_EQ(all, "/1()/2(abc)/3(x)/4()") << piece;
    EXPECT_EQ(reading.state, State::kHead) << piece;
  }
}

TEST(RequestReaderTest, AnEmptyLineIsNoRequest) {
  ByteBudget budget(kPlenty);
  RequestReader reader({}, budget);
  EXPECT_EQ(reader.Read("\r"), State::kHead);
  EXPECT_EQ(reader.Read("\n"), State::kIdle);
  EXPECT_EQ(reader.Read("GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n"), State::kWhole);
  EXPECT_EQ(reader.Next(), State::kIdle);
  EXPECT_EQ(reader.Read("\r\n"), State::kRefused);
  EXPECT_EQ(reader.refusal().status, 400);
}

TEST(RequestReaderTest, WhetherTheConnectionIsToStay) {
  const struct {
    const char* line_and_headers;
    bool keeps_alive;
  } kCases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n", false},
      {"GET / HTTP/1.0\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", true},
  };
  for (const auto& c : kCases) {
    ByteBudget budget(kPlenty);
    RequestReader reader({}, budget);
    ASSERT_EQ(reader.Read(absl::StrCat(c.line_and_headers, "\r\n")), State::kWhole);
    EXPECT_EQ(reader.keeps_alive(), c.keeps_alive) << c.line_and_headers;
  }
}

TEST(RequestReaderTest, WhoWaitsToBeToldToGoOn) {
  const std::string head =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
  ByteBudget budget(kPlenty);
  RequestReader reader({}, budget);
  ASSERT_EQ(reader.Read(head), State::kBody);
  EXPECT_TRUE(reader.expects_continue());
  ASSERT_EQ(reader.Read("h"), State::kBody);
  EXPECT_FALSE(reader.expects_continue());
  ASSERT_EQ(reader.Read("ello"), State::kWhole);
  // Who did not wait for it need not be told.
  ASSERT_EQ(reader.Next(), State::kIdle);
  ASSERT_EQ(reader.Read(head + "he"), State::kBody);
  EXPECT_FALSE(reader.expects_continue());
}

// Everything here is refused, with the request line and Host before it; in whatever pieces.
TEST(RequestReaderTest, WhatIsRefused) {
  const std::string kChunked = "Transfer-Encoding: chunked\r\n\r\n";
  const struct {
    const char* name;
    std::string rest;
    int status;
  } kCases[] = {
      {"a header without a colon", "Nonsense\r\n\r\n", 400},
      {"a header without a name", ": a\r\n\r\n", 400},
      {"a blank before the colon", "Content-Length : 5\r\n\r\nhello", 400},
      {"a blank in a name", "Content Length: 5\r\n\r\nhello", 400},
      {"a byte past ASCII in a name", "caf\xc3\xa9: 5\r\n\r\n", 400},
      {"an odd Connection", "Connection: \"\r\n\r\n", 400},
      {"two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400},
      {"two lengths in one", "Content-Length: 5, 6\r\n\r\nhello!", 400},
      {"a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400},
      {"chunks and a length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
       400},
      {"a negative length", "Content-Length: -1\r\n\r\n", 400},
      {"a second Host", "Host: b\r\n\r\n", 400},
      {"a folded header", "X: a\r\n b\r\n\r\n", 400},
      {"a line end of LF", "X: a\nY: b\r\n\r\n", 400},
      {"a chunk without a size", kChunked + "\r\nhello\r\n0\r\n\r\n", 400},
      {"a chunk of no number", kChunked + "g\r\nhello\r\n0\r\n\r\n", 400},
      {"a chunk of negative size", kChunked + "-5\r\nhello\r\n0\r\n\r\n", 400},
      {"a chunk of signed size", kChunked + "+5\r\nhello\r\n0\r\n\r\n", 400},
      {"a chunk of hexadecimal notation", kChunked + "0x5\r\nhello\r\n0\r\n\r\n", 400},
      {"a chunk past 64 bits", kChunked + "10000000000000005\r\nhello\r\n0\r\n\r\n", 400},
      {"a chunk of all the bits", kChunked + "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", 413},
      {"a chunk that is longer", kChunked + "5\r\nhello!\r\n0\r\n\r\n", 400},
      {"a chunk that is shorter", kChunked + "6\r\nhello\r\n0\r\n\r\n", 400},
      {"a chunk line that ends with LF", kChunked + "5\nhello\r\n0\r\n\r\n", 400},
      {"a chunk that ends with LF", kChunked + "5\r\nhello\n0\r\n\r\n", 400},
      {"LF in a quoted extension", kChunked + "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", 400},
      {"a blank before a chunk's size", kChunked + " 5\r\nhello\r\n0\r\n\r\n", 400},
      {"a malformed extension", kChunked + "5;=\r\nhello\r\n0\r\n\r\n", 400},
      {"a malformed trailer", kChunked + "0\r\nX : a\r\n\r\n", 400},
      {"a trailer that ends with LF", kChunked + "0\r\nX: a\n\r\n", 400},
      {"a length behind the chunks", kChunked + "0\r\nContent-Length: 5\r\n\r\n", 400},
      {"HTTP/2", "X: a\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
  };
  const std::string kLine = "POST / HTTP/1.1\r\nHost: a\r\n";
  for (const auto& c : kCases) {
    const std::string bytes = kLine + c.rest;
    for (const size_t piece : PiecesOf(bytes)) {
      const Reading reading = ReadPieces(bytes, piece);
      EXPECT_EQ(reading.state, State::kRefused) << c.name << " by " << piece;
      EXPECT_EQ(reading.status, c.status) << c.name << " by " << piece;
      // But for a request that was whole before it.
      EXPECT_THAT(reading.requests, SizeIs(std::string(c.name) == "HTTP/2" ? 1 : 0)) << c.name;
    }
  }
}

TEST(RequestReaderTest, RequestLinesThatAreRefused) {
  for (const char* line :
       {"GET /", "GET", "/ HTTP/1.1", "GET / HTTP/1.1 ", "GET  / HTTP/1.1", "GET / HTTP/2.0",
        "GET / HTTP/0.9", "GET / HTTP/1.2", "GET / HTTP/1.10", "GET / http/1.1", "GET / HTTP/1",
        "GET / HTTQ/1.1", "GET /a b HTTP/1.1", "GET\t/ HTTP/1.1", "G(T / HTTP/1.1",
        "GET a HTTP/1.1", "HELO mail.example.com"}) {
    const Reading reading = ReadPieces(absl::StrCat(line, "\r\nHost: a\r\n\r\n"), 1);
    EXPECT_EQ(reading.status, 400) << line;
    EXPECT_THAT(reading.requests, IsEmpty()) << line;
  }
}

TEST(RequestReaderTest, N10TheLastByteOfABody) {
  const RequestLimits limits = {.body_bytes = 100};
  const std::string kHead = "POST / HTTP/1.1\r\nHost: a\r\n";
  const auto by_length = [&](size_t bytes) {
    return absl::StrCat(kHead, "Content-Length: ", bytes, "\r\n\r\n", std::string(bytes, 'x'));
  };
  const auto by_chunks = [&](std::vector<size_t> sizes) {
    std::string bytes = absl::StrCat(kHead, "Transfer-Encoding: chunked\r\n\r\n");
    for (const size_t size : sizes) {
      absl::StrAppend(&bytes, absl::Hex(size), "\r\n", std::string(size, 'x'), "\r\n");
    }
    return absl::StrCat(bytes, "0\r\n\r\n");
  };
  for (const size_t piece : {size_t{1}, size_t{64}, size_t{100000}}) {
    for (const std::string& bytes :
         {by_length(100), by_chunks({100}), by_chunks({60, 40}), by_chunks({99, 1})}) {
      const Reading reading = ReadPieces(bytes, piece, limits);
      ASSERT_THAT(reading.requests, SizeIs(1)) << bytes;
      EXPECT_EQ(reading.requests[0].body.size(), 100u);
    }
    for (const std::string& bytes :
         {by_length(101), by_chunks({101}), by_chunks({60, 41}), by_chunks({100, 1})}) {
      const Reading reading = ReadPieces(bytes, piece, limits);
      EXPECT_EQ(reading.status, 413) << bytes;
      EXPECT_THAT(reading.requests, IsEmpty());
    }
  }
}

TEST(RequestReaderTest, ALengthThatIsTooLargeIsRefusedBeforeItsBody) {
  ByteBudget budget(kPlenty);
  RequestReader reader({.body_bytes = 100}, budget);
  EXPECT_EQ(reader.Read("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                        "Content-Length: 101\r\n\r\n"),
            State::kRefused);
  EXPECT_EQ(reader.refusal().status, 413);
}

TEST(RequestReaderTest, TheLastByteOfAChunksLine) {
  const RequestLimits limits = {.head_bytes = 64};
  const auto with_line = [](size_t bytes, absl::string_view before) {
    return absl::StrCat("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", before,
                        "1;", std::string(bytes - 4, 'x'), "\r\na\r\n0\r\n\r\n");
  };
  for (const size_t piece : {size_t{1}, size_t{64}, size_t{100000}}) {
    EXPECT_THAT(ReadPieces(with_line(64, ""), piece, limits).requests, SizeIs(1)) << piece;
    EXPECT_EQ(ReadPieces(with_line(65, ""), piece, limits).status, 431) << piece;
    // The end of the chunk before counts as part of it.
    EXPECT_THAT(ReadPieces(with_line(62, "1\r\na\r\n"), piece, limits).requests, SizeIs(1))
        << piece;
    EXPECT_EQ(ReadPieces(with_line(63, "1\r\na\r\n"), piece, limits).status, 431) << piece;
  }
}

TEST(RequestReaderTest, TheLastByteBehindTheChunks) {
  const RequestLimits limits = {.head_bytes = 64};
  const auto with_trailer = [](size_t bytes) {
    return absl::StrCat("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
                        std::string(bytes - 10, 'x'), "\r\n\r\n");
  };
  for (const size_t piece : {size_t{1}, size_t{64}, size_t{100000}}) {
    EXPECT_THAT(ReadPieces(with_trailer(64), piece, limits).requests, SizeIs(1)) << piece;
    EXPECT_EQ(ReadPieces(with_trailer(65), piece, limits).status, 431) << piece;
  }
}

TEST(RequestReaderTest, ChunksThatAreMostlyLines) {
  const RequestLimits limits = {.head_bytes = 64, .body_bytes = 100};
  ASSERT_EQ(MaxChunkedWireBytes(limits), 264u);
  const auto chunks = [](size_t count, size_t last_line_bytes) {
    std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (size_t i = 0; i < count; ++i) absl::StrAppend(&bytes, "1\r\na\r\n");  // 6 bytes each
    return absl::StrCat(bytes, std::string(last_line_bytes - 4, '0'), "\r\n\r\n");
  };
  for (const size_t piece : {size_t{1}, size_t{64}, size_t{100000}}) {
    EXPECT_THAT(ReadPieces(chunks(43, 6), piece, limits).requests, SizeIs(1)) << piece;
    EXPECT_EQ(ReadPieces(chunks(43, 7), piece, limits).status, 413) << piece;
  }
}

TEST(RequestReaderTest, HoldsNoMoreThanItsBudget) {
  const std::string request =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n" + std::string(50, 'x');
  ByteBudget budget(2 * request.size() - 1);
  const RequestLimits limits = {.own_bytes = 0};
  RequestReader first(limits, budget);
  RequestReader second(limits, budget);
  EXPECT_EQ(first.Read(request), State::kWhole);
  EXPECT_EQ(budget.held(), request.size());
  first.TakeRequest();
  EXPECT_EQ(budget.held(), request.size()) << "the request is still somewhere";
  EXPECT_EQ(second.Read(request.substr(0, request.size() - 1)), State::kBody);
  EXPECT_EQ(budget.held(), 2 * request.size() - 1);
  EXPECT_EQ(second.Read(request.substr(request.size() - 1)), State::kRefused);
  EXPECT_EQ(second.refusal().status, 503);
  EXPECT_EQ(budget.held(), request.size());
  EXPECT_EQ(first.Next(), State::kIdle);
  EXPECT_EQ(budget.held(), 0u);
  // What came ahead of its time is held on.
  EXPECT_EQ(first.Read(request + "GET"), State::kWhole);
  EXPECT_EQ(budget.held(), request.size() + 3);
  EXPECT_EQ(first.Next(), State::kHead);
  EXPECT_EQ(budget.held(), 3u);
  first.Abandon();
  EXPECT_EQ(budget.held(), 0u);
  EXPECT_EQ(first.state(), State::kRefused);
}

// A request of so many bytes.
std::string Get(size_t bytes) {
  const std::string kRest = " HTTP/1.1\r\nHost: a\r\n\r\n";
  return absl::StrCat("GET /", std::string(bytes - 5 - kRest.size(), 'x'), kRest);
}

TEST(RequestReaderTest, EveryConnectionHasSomeRoomOfItsOwn) {
  const std::string request = Get(100);
  const RequestLimits limits = {.own_bytes = 100};
  ByteBudget full(0);
  {
    RequestReader reader(limits, full);
    EXPECT_EQ(reader.Read(request), State::kWhole);
    EXPECT_EQ(reader.Next(), State::kIdle);
    EXPECT_EQ(reader.Read(request), State::kWhole);
  }
  {
    RequestReader reader(limits, full);
    EXPECT_EQ(reader.Read(request + "G"), State::kRefused);
    EXPECT_EQ(reader.refusal().status, 503);
  }
  ByteBudget budget(1);
  RequestReader reader(limits, budget);
  EXPECT_EQ(reader.Read(request + "G"), State::kWhole);
  EXPECT_EQ(budget.held(), 1u);
  EXPECT_EQ(reader.Next(), State::kHead);
  EXPECT_EQ(budget.held(), 0u);
}

}  // namespace
}  // namespace understudy::serving
