#include "services/cli/render.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <understudy/router/v1/router_service.pb.h>

#include "absl/strings/str_cat.h"
#include "tests/testing/golden.h"

namespace understudy::cli {
namespace {

namespace v1 = router::v1;
using testing::ExpectGolden;

v1::ResolveTwiMLResponse Parse(const std::string& text) {
  v1::ResolveTwiMLResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response));
  return response;
}

v1::ResolveTwiMLResponse Healthy() {
  return Parse(R"(
    twiml: "<Response><Say>Hello</Say></Response>"
    source: SOURCE_PRIMARY
    document_url: "https://www.example.com/voice"
    attempts {
      target: TARGET_PRIMARY url: "https://www.example.com/voice" method: METHOD_POST
      remote_address: "192.0.2.1:443" http_status: 200
      dns { nanos: 5000000 } connect { nanos: 10000000 } tls { nanos: 20000000 }
      first_byte { nanos: 60000000 } total { nanos: 100000000 }
    })");
}

v1::ResolveTwiMLResponse FailedOver() {
  return Parse(R"(
    twiml: "<Response>\n  <Say volume=\"3\">Sorry</Say>\n</Response>"
    source: SOURCE_FALLBACK
    document_url: "https://fallback.example.com/voice"
    error_code: 11205
    error_url: "http://www.example.com/voice"
    attempts {
      target: TARGET_PRIMARY url: "http://www.example.com/voice" method: METHOD_POST
      remote_address: "192.0.2.1:80" error_code: 11205 phase: PHASE_CONNECT
      detail: "the connection was refused; nothing listens on that port"
      dns { nanos: 2000000 } connect { nanos: 1000000 } total { nanos: 3000000 }
    }
    attempts {
      target: TARGET_PRIMARY url: "http://www.example.com/voice" method: METHOD_POST
      remote_address: "192.0.2.1:80" error_code: 11205 phase: PHASE_HEADERS
      detail: "the time to wait for the next bytes was over before the server had answered"
      connect { nanos: 1000000 } total { seconds: 1 nanos: 1000000 }
    }
    attempts {
      target: TARGET_FALLBACK url: "https://fallback.example.com/voice" method: METHOD_GET
      remote_address: "[2001:db8::1]:443" http_status: 200
      dns { nanos: 20000000 } connect { nanos: 80000000 } tls { nanos: 100000000 }
      first_byte { nanos: 250000000 } total { nanos: 500000000 }
    }
    warnings {
      code: 12200 message: "Attribute volume is not allowed on <Say>" line: 2 column: 3
    })");
}

v1::ResolveTwiMLResponse NothingWorked() {
  return Parse(R"(
    twiml: "<Response/>"
    source: SOURCE_DEFAULT
    error_code: 11100
    error_url: "http://"
    attempts {
      target: TARGET_FALLBACK url: "http://127.0.0.1/" method: METHOD_POST
      error_code: 11205 phase: PHASE_POLICY detail: "the address 127.0.0.1 may not be dialled"
      total { }
    })");
}

TEST(RenderTest, AnAnswerIsAsInItsFile) {
  ExpectGolden("cli_answer_healthy.txt", RenderAnswer(Healthy(), {}));
  ExpectGolden("cli_answer_failed_over.txt", RenderAnswer(FailedOver(), {}));
  ExpectGolden("cli_answer_nothing_worked.txt", RenderAnswer(NothingWorked(), {}));
  ExpectGolden("cli_answer_colored.txt", RenderAnswer(FailedOver(), {.color = true}));
}

TEST(RenderTest, EveryBarIsAsWideAsTheLongest) {
  const std::string text = RenderAttempts(FailedOver(), {});
  size_t bars = 0;
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; ++bars) {
    const size_t end = text.find('|', at + 1);
    EXPECT_EQ(end - at - 1, static_cast<size_t>(kBarWidth));
    at = end + 1;
  }
  EXPECT_EQ(bars, 3u);
}

TEST(RenderTest, StrangersDoNotWriteToTheTerminal) {
  const struct {
    absl::string_view text;
    absl::string_view line;
    absl::string_view lines;
  } kCases[] = {
      {"plain \xC3\xA9", "plain \xC3\xA9", "plain \xC3\xA9"},
      {"a\x1b[2Jb", "a\\x1b[2Jb", "a\\x1b[2Jb"},
      {"a\nb\tc", "a\\x0ab\\x09c", "a\nb\tc"},
      {"a\r\nb\rc", "a\\x0d\\x0ab\\x0dc", "a\r\nb\\x0dc"},
      {"\x7f", "\\x7f", "\\x7f"},
      {"\xC2\x80 \xC2\x9F", "\\x80 \\x9f", "\\x80 \\x9f"},
      {"\xC2\xA0", "\xC2\xA0", "\xC2\xA0"},
      {"a\xFF"
       "b",
       "a\xEF\xBF\xBD"
       "b",
       "a\xEF\xBF\xBD"
       "b"},
      {"\xC2", "\xEF\xBF\xBD", "\xEF\xBF\xBD"},
      {absl::string_view("\0", 1), "\\x00", "\\x00"},
      {"", "", ""},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Printable(c.text), c.line);
    EXPECT_EQ(PrintableLines(c.text), c.lines);
  }
  v1::ResolveTwiMLResponse response = FailedOver();
  response.set_twiml("\x1b]0;title\x07");
  response.mutable_attempts(0)->set_detail("\x1b[31m");
  response.mutable_warnings(0)->set_message("\x1b[31m");
  response.set_document_url("http://a/\x1b");
  EXPECT_EQ(RenderAnswer(response, {}).find('\x1b'), std::string::npos);
}

TEST(RenderTest, TimesHaveTheUnitThatFits) {
  const struct {
    double ms;
    const char* text;
  } kCases[] = {{0, "<0.1 ms"},    {0.049, "<0.1 ms"}, {0.05, "0.1 ms"},
                {1.24, "1.2 ms"},  {9.94, "9.9 ms"},   {9.96, "10 ms"},
                {999.4, "999 ms"}, {999.6, "1.0 s"},   {15000, "15.0 s"}};
  for (const auto& c : kCases) EXPECT_EQ(TimeText(absl::Milliseconds(c.ms)), c.text) << c.ms;
}

TEST(RenderTest, CodesHaveNames) {
  EXPECT_EQ(CodeText(11200), "11200 HTTP retrieval failure");
  EXPECT_EQ(CodeText(99999), "99999 (unknown)");
}

TEST(RenderTest, ACaretStandsUnderTheColumn) {
  const struct {
    absl::string_view document;
    int line;
    int column;
    const char* expected;
  } kCases[] = {
      {"<a>\n<b>", 2, 1, "     2 | <b>\n       | ^\n"},
      {"<a>\r\n<b>\r<c>", 3, 3, "     3 | <c>\n       |   ^\n"},
      {"\t\xC3\xA9<b>", 1, 3, "     1 |  \xC3\xA9<b>\n       |   ^\n"},
      {"a\x1b"
       "b",
       1, 3,
       "     1 | a\xEF\xBF\xBD"
       "b\n       |   ^\n"},
      {"ab", 1, 3, "     1 | ab\n       |   ^\n"},   // just behind the end
      {"ab", 1, 99, "     1 | ab\n       |   ^\n"},  // the caret stays near
      {"", 1, 1, "     1 | \n       | ^\n"},
      {"ab", 2, 1, ""},
      {"ab\n", 2, 1, "     2 | \n       | ^\n"},
      {"ab", 0, 1, ""},
      {"ab", 1, 0, ""},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(RenderPlace(c.document, c.line, c.column, {}), c.expected) << c.document;
  }
}

TEST(RenderTest, OfALongLineThePartAroundTheColumnIsShown) {
  const std::string fits(kPlaceWidth, 'x');
  EXPECT_EQ(
      RenderPlace(fits, 1, kPlaceWidth, {}),
      absl::StrCat("     1 | ", fits, "\n       | ", std::string(kPlaceWidth - 1, ' '), "^\n"));

  const std::string longer = absl::StrCat(std::string(100, 'a'), "!", std::string(100, 'b'));
  EXPECT_EQ(RenderPlace(longer, 1, 101, {}),
            absl::StrCat("     1 | ...", std::string(40, 'a'), "!", std::string(39, 'b'),
                         "...\n       | ", std::string(43, ' '), "^\n"));
  EXPECT_EQ(RenderPlace(longer, 1, 1, {}),
            absl::StrCat("     1 | ", std::string(80, 'a'), "...\n       | ^\n"));
  EXPECT_EQ(RenderPlace(longer, 1, 201, {}),
            absl::StrCat("     1 | ...", std::string(80, 'b'), "\n       | ", std::string(82, ' '),
                         "^\n"));
}

TEST(RenderTest, JsonReadsBackAsTheSame) {
  v1::ResolveTwiMLResponse read;
  const std::string json = RenderJson(FailedOver());
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &read).ok()) << json;
  EXPECT_EQ(read.SerializeAsString(), FailedOver().SerializeAsString());
}

}  // namespace
}  // namespace understudy::cli
