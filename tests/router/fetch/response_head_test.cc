#include "services/router/fetch/response_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace understudy::router {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Feeds `lines`, each with a CRLF, until one is refused.
ResponseHead Read(const std::vector<std::string>& lines) {
  ResponseHead head;
  for (const std::string& line : lines) {
    if (!head.AddLine(absl::StrCat(line, "\r\n"))) break;
  }
  return head;
}

TEST(ResponseHeadTest, AnOrdinaryHead) {
  const ResponseHead head =
      Read({"HTTP/1.1 200 OK", "Content-Type:  text/xml ", "Content-Length: 11", "X-Empty:", ""});
  EXPECT_TRUE(head.complete());
  EXPECT_EQ(head.error(), "");
  EXPECT_EQ(head.status(), 200);
  EXPECT_THAT(head.headers(), ElementsAre(Header{"Content-Type", "text/xml"},
                                          Header{"Content-Length", "11"}, Header{"X-Empty", ""}));
  EXPECT_EQ(head.content_length(), 11u);
  EXPECT_FALSE(head.chunked());
  EXPECT_FALSE(head.ambiguous_length());
}

TEST(ResponseHeadTest, IsNotCompleteBeforeItsBlankLine) {
  EXPECT_FALSE(Read({}).complete());
  EXPECT_FALSE(Read({"HTTP/1.1 200 OK"}).complete());
  EXPECT_FALSE(Read({"HTTP/1.1 200 OK", "Content-Type: text/xml"}).complete());
}

TEST(ResponseHeadTest, WhatIsAccepted) {
  const struct {
    const char* name;
    std::vector<std::string> lines;  // of the header, between status line and blank line
    std::optional<uint64_t> length;
    bool chunked;
  } kCases[] = {
      {"no header at all", {}, {}, false},
      {"the same length twice", {"Content-Length: 5", "content-length: 5"}, 5, false},
      {"the same length in other digits", {"Content-Length: 5", "Content-Length: 005"}, 5, false},
      {"no bytes", {"Content-Length: 0"}, 0, false},
      {"the largest length",
       {"Content-Length: 18446744073709551615"},
       std::numeric_limits<uint64_t>::max(),
       false},
      {"a length past 64 bits counts as the largest",
       {"Content-Length: 18446744073709551616"},
       std::numeric_limits<uint64_t>::max(),
       false},
      {"chunks", {"Transfer-Encoding: Chunked"}, {}, true},
      {"chunks and a length", {"Transfer-Encoding: chunked", "Content-Length: 5"}, 5, true},
      {"gzip", {"Content-Encoding: GZIP"}, {}, false},
      {"gzip's old name", {"Content-Encoding: x-gzip"}, {}, false},
      {"no coding, said aloud", {"Content-Encoding: identity"}, {}, false},
      {"every character a name may have", {"a1!#$%&'*+-.^_`|~: v"}, {}, false},
      {"a folded value", {"X-Long: one", "\ttwo"}, {}, false},
      {"bytes past ASCII in a value", {"X-Name: caf\xc3\xa9 \xff"}, {}, false},
  };
  for (const auto& c : kCases) {
    std::vector<std::string> lines = c.lines;
    lines.insert(lines.begin(), "HTTP/1.1 200 OK");
    lines.push_back("");
    const ResponseHead head = Read(lines);
    EXPECT_TRUE(head.complete()) << c.name << ": " << head.error();
    EXPECT_EQ(head.content_length().has_value(), c.length.has_value()) << c.name;
    EXPECT_EQ(head.content_length().value_or(0), c.length.value_or(0)) << c.name;
    EXPECT_EQ(head.chunked(), c.chunked) << c.name;
    EXPECT_EQ(head.ambiguous_length(), c.chunked && c.length.has_value()) << c.name;
  }
}

TEST(ResponseHeadTest, WhatIsRefused) {
  const std::string kNul(1, '\0');
  const struct {
    const char* name;
    std::vector<std::string> lines;
    const char* why;
  } kCases[] = {
      {"no colon", {"HTTP/1.1 200 OK", "Content-Type"}, "no colon"},
      {"no name", {"HTTP/1.1 200 OK", ": text/xml"}, "no name"},
      {"blank before the colon", {"HTTP/1.1 200 OK", "Content-Length : 5"}, "a character"},
      {"blank inside a name", {"HTTP/1.1 200 OK", "Content Length: 5"}, "a character"},
      {"quote in a name", {"HTTP/1.1 200 OK", "a\"b: 5"}, "a character"},
      {"byte past ASCII in a name", {"HTTP/1.1 200 OK", "caf\xc3\xa9: 5"}, "a character"},
      {"first line folded", {"HTTP/1.1 200 OK", " Content-Length: 5"}, "continues nothing"},
      {"NUL in a value", {"HTTP/1.1 200 OK", absl::StrCat("X: a", kNul, "b")}, "a NUL"},
      {"NUL in a name", {"HTTP/1.1 200 OK", absl::StrCat("X", kNul, ": a")}, "a NUL"},
      {"CR in a value", {"HTTP/1.1 200 OK", "X: a\rSet-Cookie: b"}, "stray CR"},
      {"NUL in the status line", {absl::StrCat("HTTP/1.1 200 O", kNul)}, "a NUL"},
      {"two lengths",
       {"HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 6", ""},
       "two Content-Length"},
      {"two lengths in one header",
       {"HTTP/1.1 200 OK", "Content-Length: 5, 5", ""},
       "not a number"},
      {"negative length", {"HTTP/1.1 200 OK", "Content-Length: -1", ""}, "not a number"},
      {"signed length", {"HTTP/1.1 200 OK", "Content-Length: +5", ""}, "not a number"},
      {"hexadecimal length", {"HTTP/1.1 200 OK", "Content-Length: 0x5", ""}, "not a number"},
      {"empty length", {"HTTP/1.1 200 OK", "Content-Length:", ""}, "not a number"},
      {"length with a unit", {"HTTP/1.1 200 OK", "Content-Length: 5b", ""}, "not a number"},
      {"folded length", {"HTTP/1.1 200 OK", "Content-Length: 5", " 5", ""}, "not a number"},
      {"unknown transfer coding",
       {"HTTP/1.1 200 OK", "Transfer-Encoding: gzip", ""},
       "Transfer-Encoding"},
      {"stacked transfer codings",
       {"HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked", ""},
       "Transfer-Encoding"},
      {"chunked twice",
       {"HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", ""},
       "Transfer-Encoding"},
      {"br", {"HTTP/1.1 200 OK", "Content-Encoding: br", ""}, "Content-Encoding"},
      {"deflate", {"HTTP/1.1 200 OK", "Content-Encoding: deflate", ""}, "Content-Encoding"},
      {"gzip twice",
       {"HTTP/1.1 200 OK", "Content-Encoding: gzip", "Content-Encoding: gzip", ""},
       "Content-Encoding"},
      {"gzip twice in one header",
       {"HTTP/1.1 200 OK", "Content-Encoding: gzip, gzip", ""},
       "Content-Encoding"},
      {"101", {"HTTP/1.1 101 Switching Protocols", ""}, "another protocol"},
      {"another protocol in the status line", {"ICY 200 OK"}, "status line"},
      {"HTTP/2 in the status line", {"HTTP/2 200"}, "status line"},
      {"no status", {"HTTP/1.1"}, "status line"},
      {"no number for a status", {"HTTP/1.1 OK"}, "status line"},
      {"status below 100", {"HTTP/1.1 99 Low"}, "status line"},
      {"status of one digit", {"HTTP/1.1 2"}, "status line"},
      {"blank line for a status line", {""}, "status line"},
  };
  for (const auto& c : kCases) {
    const ResponseHead head = Read(c.lines);
    EXPECT_FALSE(head.complete()) << c.name;
    EXPECT_THAT(head.error(), HasSubstr(c.why)) << c.name;
  }
}

TEST(ResponseHeadTest, AFoldedLineIsPartOfTheValueBefore) {
  const ResponseHead head =
      Read({"HTTP/1.1 200 OK", "Content-Type: text/xml;", "  charset=utf-8", ""});
  EXPECT_THAT(head.headers(), ElementsAre(Header{"Content-Type", "text/xml; charset=utf-8"}));
}

TEST(ResponseHeadTest, LinesMayEndInLfAlone) {
  ResponseHead head;
  EXPECT_TRUE(head.AddLine("HTTP/1.1 200 OK\n"));
  EXPECT_TRUE(head.AddLine("Content-Type: text/xml\n"));
  EXPECT_TRUE(head.AddLine("\n"));
  EXPECT_TRUE(head.complete());
  EXPECT_THAT(head.headers(), ElementsAre(Header{"Content-Type", "text/xml"}));
}

TEST(ResponseHeadTest, OnlyTheFinalHeadCounts) {
  const ResponseHead head =
      Read({"HTTP/1.1 100 Continue", "Content-Length: 7", "", "HTTP/1.1 103 Early Hints",
            "Link: </a>", "", "HTTP/1.1 201 Created", "X: y", ""});
  EXPECT_TRUE(head.complete());
  EXPECT_EQ(head.status(), 201);
  EXPECT_FALSE(head.content_length().has_value());
  EXPECT_THAT(head.headers(), ElementsAre(Header{"X", "y"}));
}

TEST(ResponseHeadTest, TrailersAreCountedAndNotUsed) {
  ResponseHead head = Read({"HTTP/1.1 200 OK", "Transfer-Encoding: chunked", ""});
  EXPECT_TRUE(head.AddLine("Content-Length: 5\r\n"));
  EXPECT_FALSE(head.content_length().has_value());
  EXPECT_EQ(head.headers().size(), 1u);
  EXPECT_FALSE(head.AddLine("X: a\rb\r\n"));
}

// A line of `bytes` bytes with its line end.
std::string LineOf(size_t bytes) {
  return absl::StrCat("X: ", std::string(bytes - 5, 'x'), "\r\n");
}

TEST(ResponseHeadTest, TheLastByteOfTheLimit) {
  const std::string status = "HTTP/1.1 200 OK\r\n";
  const size_t left = kMaxHeadBytes - status.size() - 2;  // the blank line has two
  ResponseHead fits;
  EXPECT_TRUE(fits.AddLine(status));
  EXPECT_TRUE(fits.AddLine(LineOf(left)));
  EXPECT_TRUE(fits.AddLine("\r\n"));
  EXPECT_TRUE(fits.complete());

  ResponseHead larger;
  EXPECT_TRUE(larger.AddLine(status));
  EXPECT_TRUE(larger.AddLine(LineOf(left + 1)));
  EXPECT_FALSE(larger.AddLine("\r\n"));
  EXPECT_FALSE(larger.complete());
  EXPECT_THAT(larger.error(), HasSubstr("larger than 65536 bytes"));
}

TEST(ResponseHeadTest, TheLastLineOfTheLimit) {
  // The status line, the headers and the blank line together.
  std::vector<std::string> lines(kMaxHeadLines - 2, "X: y");
  lines.insert(lines.begin(), "HTTP/1.1 200 OK");
  lines.push_back("");
  EXPECT_TRUE(Read(lines).complete());

  lines.insert(lines.begin() + 1, "X: y");
  const ResponseHead more = Read(lines);
  EXPECT_FALSE(more.complete());
  EXPECT_THAT(more.error(), HasSubstr("more than 256 header lines"));
}

TEST(ResponseHeadTest, InterimHeadsAndTrailersShareTheLimits) {
  ResponseHead interim;
  int lines = 0;
  while (interim.AddLine(lines % 2 == 0 ? "HTTP/1.1 100 Continue\r\n" : "\r\n")) ++lines;
  EXPECT_EQ(lines, kMaxHeadLines);
  EXPECT_THAT(interim.error(), HasSubstr("header lines"));

  ResponseHead trailers = Read({"HTTP/1.1 200 OK", ""});
  lines = 2;
  while (trailers.AddLine("X: y\r\n")) ++lines;
  EXPECT_EQ(lines, kMaxHeadLines);

  ResponseHead bytes = Read({"HTTP/1.1 200 OK", ""});
  EXPECT_FALSE(bytes.AddLine(LineOf(kMaxHeadBytes)));
  EXPECT_THAT(bytes.error(), HasSubstr("bytes"));
}

}  // namespace
}  // namespace understudy::router
