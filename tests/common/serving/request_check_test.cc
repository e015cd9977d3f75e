#include "common/serving/request_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"

namespace understudy::serving {
namespace {

using State = HeadScanner::State;

struct Scan {
  State state = State::kMore;
  int status = 0;
  std::string head = {};  // if it is whole
  size_t read = 0;        // bytes until that was known
};

// Shows the scanner `bytes` in pieces of `piece` bytes until it knows what they are.
Scan ScanPieces(const std::string& bytes, size_t piece, const RequestLimits& limits) {
  HeadScanner scanner(limits);
  Scan scan;
  while (scan.read < bytes.size() && scan.state == State::kMore) {
    scan.read = std::min(scan.read + piece, bytes.size());
    scan.state = scanner.Scan(absl::string_view(bytes).substr(0, scan.read));
  }
  if (scan.state == State::kWhole) {
    scan.head = bytes.substr(scanner.begin(), scanner.end() - scanner.begin());
  }
  if (scan.state == State::kRefused) scan.status = scanner.refusal().status;
  return scan;
}

Scan ScanWhole(const std::string& bytes, const RequestLimits& limits = {}) {
  return ScanPieces(bytes, bytes.size(), limits);
}

TEST(HeadScannerTest, FindsTheEnd) {
  const std::string kHead = "GET / HTTP/1.1\r\nHost: a\r\nX:\tb \xff\r\n\r\n";
  for (const char* before : {"", "\r\n"}) {
    for (const char* behind : {"", "GET", "\r\n\r\n", "\n", "\0"}) {
      const std::string bytes = absl::StrCat(before, kHead, behind);
      EXPECT_EQ(ScanWhole(bytes).head, kHead) << bytes;
      // Known with its last byte, and not before.
      const Scan slow = ScanPieces(bytes, 1, {});
      EXPECT_EQ(slow.head, kHead) << bytes;
      EXPECT_EQ(slow.read, kHead.size() + absl::string_view(before).size()) << bytes;
    }
  }
}

TEST(HeadScannerTest, WaitsForMore) {
  const std::string kHead = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (size_t size = 0; size < kHead.size(); ++size) {
    EXPECT_EQ(ScanWhole(kHead.substr(0, size)).state, State::kMore) << size;
  }
}

TEST(HeadScannerTest, RefusesAsSoonAsItCan) {
  const struct {
    const char* name;
    std::string bytes;  // the last one is what is wrong
  } kCases[] = {
      {"LF alone behind the request line", "GET / HTTP/1.1\n"},
      {"LF alone behind a header", "GET / HTTP/1.1\r\nHost: a\n"},
      {"LF alone as the empty line", "GET / HTTP/1.1\r\n\n"},
      {"LF alone before all", "\n"},
      {"CR inside a line", "GET / HTTP/1.1\r\nHost: a\rb"},
      {"CR twice", "GET / HTTP/1.1\r\r"},
      {"a folded header", "GET / HTTP/1.1\r\nHost: a\r\n "},
      {"a header folded by a tab", "GET / HTTP/1.1\r\nHost: a\r\n\t"},
      {"a folded first header", "GET / HTTP/1.1\r\n "},
      {"a request line that begins with a blank", " "},
      {"two empty lines before all", "\r\n\r\n"},
      {"NUL in the request line", std::string("GET /\0", 6)},
      {"NUL in a header", std::string("GET / HTTP/1.1\r\nX: \0", 20)},
      {"escape in a header", "GET / HTTP/1.1\r\nX: \x1b"},
      {"DEL in a header", "GET / HTTP/1.1\r\nX: \x7f"},
      {"a TLS handshake", "\x16"},
  };
  for (const auto& c : kCases) {
    const Scan scan = ScanPieces(c.bytes, 1, {});
    EXPECT_EQ(scan.state, State::kRefused) << c.name;
    EXPECT_EQ(scan.status, 400) << c.name;
    EXPECT_EQ(scan.read, c.bytes.size()) << c.name;
    EXPECT_EQ(ScanWhole(c.bytes + "more\r\n\r\n").status, 400) << c.name;
  }
}

TEST(HeadScannerTest, TheLastByteOfTheLimit) {
  const RequestLimits limits = {.head_bytes = 64};
  const std::string kStart = "GET / HTTP/1.1\r\nX: ";
  const auto head_of = [&](size_t bytes) {
    return absl::StrCat(kStart, std::string(bytes - kStart.size() - 4, 'x'), "\r\n\r\n");
  };
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{100}}) {
    EXPECT_EQ(ScanPieces(head_of(64), piece, limits).head.size(), 64u) << piece;
    EXPECT_EQ(ScanPieces(head_of(65), piece, limits).status, 431) << piece;
    // An empty line before it counts as well.
    EXPECT_EQ(ScanPieces("\r\n" + head_of(62), piece, limits).head.size(), 62u) << piece;
    EXPECT_EQ(ScanPieces("\r\n" + head_of(63), piece, limits).status, 431) << piece;
  }
  // What is behind the head does not.
  EXPECT_EQ(ScanWhole(head_of(64) + std::string(1000, 'x'), limits).head.size(), 64u);
}

TEST(HeadScannerTest, ALineThatIsTooLongIsItsTargetsFault) {
  const RequestLimits limits = {.head_bytes = 64};
  EXPECT_EQ(ScanWhole("GET /" + std::string(59, 'x'), limits).state, State::kMore);
  EXPECT_EQ(ScanWhole("GET /" + std::string(60, 'x'), limits).status, 414);
  // The line's end included.
  EXPECT_EQ(ScanWhole("GET /" + std::string(57, 'x') + "\r\n", limits).state, State::kMore);
  EXPECT_EQ(ScanWhole("GET /" + std::string(57, 'x') + "\r\nX", limits).status, 431);
  EXPECT_EQ(ScanWhole("GET /" + std::string(58, 'x') + "\r\n", limits).status, 414);
}

TEST(HeadScannerTest, TheLastHeaderOfTheLimit) {
  const RequestLimits limits = {.headers = 3};
  const std::string kLine = "GET / HTTP/1.1\r\n";
  EXPECT_EQ(ScanWhole(kLine + "A:\r\nB:\r\nC:\r\n\r\n", limits).state, State::kWhole);
  EXPECT_EQ(ScanWhole(kLine + "A:\r\nB:\r\nC:\r\nD:\r\n\r\n", limits).status, 431);
  EXPECT_EQ(ScanWhole(kLine + "A:\r\nB:\r\nC:\r\nD", limits).state, State::kMore);
}

// The verdict on a head of that kind.
struct Verdict {
  int status = 0;  // 0: it is good
  Framing framing = {};
};

Verdict Check(int minor_version, absl::string_view method, absl::string_view target,
              const HttpHeaders& headers, const RequestLimits& limits = {}) {
  std::variant<Framing, Refusal> checked =
      CheckHead(minor_version, method, target, headers, limits);
  if (const Refusal* refusal = std::get_if<Refusal>(&checked)) {
    EXPECT_THAT(std::string(refusal->reason), ::testing::EndsWith("."));
    return {.status = refusal->status};
  }
  return {.framing = std::get<Framing>(checked)};
}

TEST(CheckHeadTest, Targets) {
  const struct {
    const char* method;
    const char* target;
    const char* path;  // null: refused
    const char* query;
  } kCases[] = {
      {"GET", "/", "/", ""},
      {"GET", "/fallback?ErrorCode=11200&a=b?c", "/fallback", "ErrorCode=11200&a=b?c"},
      {"GET", "/?", "/", ""},
      {"GET", "//host/a", "//host/a", ""},
      {"GET", "/a%2Fb/../c;d", "/a%2Fb/../c;d", ""},
      {"GET", "/\xc3\xa9\xff", "/\xc3\xa9\xff", ""},
      {"GET", "http://www.example.com/a?b", "/a", "b"},
      {"GET", "HTTPS://[::1]:80/a", "/a", ""},
      {"GET", "http://www.example.com", "/", ""},
      {"GET", "http://www.example.com?a=b/c", "/", "a=b/c"},
      {"OPTIONS", "*", "*", ""},
      {"POST", "*", nullptr, ""},
      {"GET", "", nullptr, ""},
      {"GET", "a", nullptr, ""},
      {"GET", "?a", nullptr, ""},
      {"GET", "http:///a", nullptr, ""},
      {"GET", "http://user@www.example.com/a", nullptr, ""},
      {"GET", "http://www.example.com#a", nullptr, ""},
      {"GET", "ftp://www.example.com/", nullptr, ""},
      {"CONNECT", "www.example.com:443", nullptr, ""},
  };
  for (const auto& c : kCases) {
    const Verdict verdict = Check(1, c.method, c.target, {{"Host", "a"}});
    EXPECT_EQ(verdict.status, c.path == nullptr ? 400 : 0) << c.target;
    if (c.path == nullptr) continue;
    EXPECT_EQ(verdict.framing.path, c.path) << c.target;
    EXPECT_EQ(verdict.framing.query, c.query) << c.target;
  }
}

TEST(CheckHeadTest, Hosts) {
  const struct {
    const char* name;
    int minor_version;
    HttpHeaders headers;
    int status;
  } kCases[] = {
      {"a name", 1, {{"Host", "www.example.com"}}, 0},
      {"a name and port", 1, {{"hOST", "under_score.example.com:8080"}}, 0},
      {"an address", 1, {{"Host", "[2001:db8::1]:80"}}, 0},
      {"none", 1, {}, 400},
      {"none in HTTP/1.0", 0, {}, 0},
      {"two", 1, {{"Host", "a"}, {"host", "b"}}, 400},
      {"two of the same", 1, {{"Host", "a"}, {"Host", "a"}}, 400},
      {"two in HTTP/1.0", 0, {{"Host", "a"}, {"Host", "b"}}, 400},
      {"two in one", 1, {{"Host", "a, b"}}, 400},
      {"two in one without a blank", 1, {{"Host", "a,b"}}, 400},
      {"empty", 1, {{"Host", ""}}, 400},
      {"empty in HTTP/1.0", 0, {{"Host", ""}}, 400},
      {"with a path", 1, {{"Host", "a/b"}}, 400},
      {"with credentials", 1, {{"Host", "user@a"}}, 400},
      {"with a quote", 1, {{"Host", "a\"b"}}, 400},
      {"past ASCII", 1, {{"Host", "caf\xc3\xa9"}}, 400},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Check(c.minor_version, "GET", "/", c.headers).status, c.status) << c.name;
  }
}

TEST(CheckHeadTest, WhereTheBodyEnds) {
  const struct {
    const char* name;
    int minor_version;
    HttpHeaders headers;  // besides Host
    int status;
    size_t length;
    bool chunked;
  } kCases[] = {
      {"nothing said", 1, {}, 0, 0, false},
      {"no bytes", 1, {{"Content-Length", "0"}}, 0, 0, false},
      {"some", 1, {{"content-length", "5"}}, 0, 5, false},
      {"some in HTTP/1.0", 0, {{"Content-Length", "5"}}, 0, 5, false},
      {"leading zeros", 1, {{"Content-Length", "005"}}, 0, 5, false},
      {"as many as may be", 1, {{"Content-Length", "1000"}}, 0, 1000, false},
      {"one more", 1, {{"Content-Length", "1001"}}, 413, 0, false},
      {"more than 64 bits", 1, {{"Content-Length", "99999999999999999999"}}, 413, 0, false},
      {"two", 1, {{"Content-Length", "5"}, {"Content-Length", "6"}}, 400, 0, false},
      {"two of the same", 1, {{"Content-Length", "5"}, {"Content-Length", "5"}}, 400, 0, false},
      {"two in one", 1, {{"Content-Length", "5, 5"}}, 400, 0, false},
      {"empty", 1, {{"Content-Length", ""}}, 400, 0, false},
      {"negative", 1, {{"Content-Length", "-1"}}, 400, 0, false},
      {"signed", 1, {{"Content-Length", "+5"}}, 400, 0, false},
      {"hexadecimal", 1, {{"Content-Length", "0x5"}}, 400, 0, false},
      {"with a blank", 1, {{"Content-Length", "5 5"}}, 400, 0, false},
      {"chunks", 1, {{"Transfer-Encoding", "Chunked"}}, 0, 0, true},
      {"chunks in HTTP/1.0", 0, {{"Transfer-Encoding", "chunked"}}, 400, 0, false},
      {"chunks and a length",
       1,
       {{"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}},
       400,
       0,
       false},
      {"a length and chunks",
       1,
       {{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}},
       400,
       0,
       false},
      {"chunks twice",
       1,
       {{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
       400,
       0,
       false},
      {"chunks twice in one", 1, {{"Transfer-Encoding", "chunked, chunked"}}, 400, 0, false},
      {"another coding", 1, {{"Transfer-Encoding", "gzip"}}, 400, 0, false},
      {"another coding in chunks", 1, {{"Transfer-Encoding", "gzip, chunked"}}, 400, 0, false},
      {"chunks in another coding", 1, {{"Transfer-Encoding", "chunked, gzip"}}, 400, 0, false},
      {"no coding", 1, {{"Transfer-Encoding", "identity"}}, 400, 0, false},
      {"nothing", 1, {{"Transfer-Encoding", ""}}, 400, 0, false},
      {"a tab around it", 1, {{"Transfer-Encoding", "chunked\t"}}, 400, 0, false},
      {"a vertical tab before it", 1, {{"Transfer-Encoding", "\vchunked"}}, 400, 0, false},
      {"a parameter", 1, {{"Transfer-Encoding", "chunked;q=1"}}, 400, 0, false},
      {"an encoded body",
       1,
       {{"Content-Length", "5"}, {"Content-Encoding", "gzip"}},
       415,
       0,
       false},
      {"encoded chunks",
       1,
       {{"Transfer-Encoding", "chunked"}, {"Content-Encoding", "br"}},
       415,
       0,
       false},
      {"one encoding of two",
       1,
       {{"Content-Length", "5"}, {"Content-Encoding", "identity"}, {"Content-Encoding", "gzip"}},
       415,
       0,
       false},
      {"an encoding that is none",
       1,
       {{"Content-Length", "5"}, {"Content-Encoding", "Identity"}},
       0,
       5,
       false},
      {"an encoding of nothing", 1, {{"Content-Encoding", "gzip"}}, 0, 0, false},
  };
  for (const auto& c : kCases) {
    HttpHeaders headers = c.headers;
    headers.push_back({"Host", "a"});
    const Verdict verdict = Check(c.minor_version, "POST", "/", headers, {.body_bytes = 1000});
    EXPECT_EQ(verdict.status, c.status) << c.name;
    EXPECT_EQ(verdict.framing.body_bytes, c.length) << c.name;
    EXPECT_EQ(verdict.framing.is_chunked, c.chunked) << c.name;
    EXPECT_EQ(verdict.framing.has_body(), c.chunked || c.length > 0) << c.name;
  }
}

TEST(CheckHeadTest, Expectations) {
  const struct {
    const char* name;
    int minor_version;
    HttpHeaders headers;
    int status;
    bool expects_continue;
  } kCases[] = {
      {"none", 1, {{"Content-Length", "5"}}, 0, false},
      {"to go on", 1, {{"Content-Length", "5"}, {"Expect", "100-Continue"}}, 0, true},
      {"with chunks", 1, {{"Transfer-Encoding", "chunked"}, {"Expect", "100-continue"}}, 0, true},
      {"without a body", 1, {{"Expect", "100-continue"}}, 0, false},
      {"in HTTP/1.0", 0, {{"Content-Length", "5"}, {"Expect", "100-continue"}}, 0, false},
      {"too much", 1, {{"Content-Length", "1048577"}, {"Expect", "100-continue"}}, 413, false},
      {"another", 1, {{"Content-Length", "5"}, {"Expect", "200-ok"}}, 417, false},
      {"another as well",
       1,
       {{"Content-Length", "5"}, {"Expect", "100-continue"}, {"Expect", "b"}},
       417,
       false},
      {"empty", 1, {{"Expect", ""}}, 417, false},
  };
  for (const auto& c : kCases) {
    HttpHeaders headers = c.headers;
    headers.push_back({"Host", "a"});
    const Verdict verdict = Check(c.minor_version, "POST", "/", headers);
    EXPECT_EQ(verdict.status, c.status) << c.name;
    EXPECT_EQ(verdict.framing.expects_continue, c.expects_continue) << c.name;
  }
}

}  // namespace
}  // namespace understudy::serving
