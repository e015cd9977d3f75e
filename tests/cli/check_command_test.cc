// `understudy check`, the real binary, against web servers of every quality.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <understudy/router/v1/router_service.pb.h>

#include "absl/strings/str_cat.h"
#include "common/secret.h"
#include "common/twilio/form.h"
#include "common/twilio/signature.h"
#include "tests/testing/origin.h"
#include "tests/testing/program.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> CheckWords(const std::string& url, std::vector<std::string> options = {}) {
  std::vector<std::string> words = {UNDERSTUDY_BINARY, "check", url, "--allow", "127.0.0.0/8"};
  words.insert(words.end(), options.begin(), options.end());
  return words;
}

TEST(CheckCommandTest, SaysWhatIsWrongAndWhere) {
  const struct {
    Reply reply;
    int status;
    std::vector<const char*> lines;  // each in the output
    std::vector<std::string> options = {};
    const char* fragment = "";
  } kCases[] = {
      {{.body = "<Response><Say>Hello</Say></Response>"},
       0,
       {"HTTP 200, text/xml, 37 bytes\n", "\ngood\n"}},
      {{.body = "<Response>\n\t<Say>Hello</Sya>\n</Response>"},
       1,
       {"error 12100 Document parse failure, line 2, column ", "     2 |  <Say>Hello</Sya>\n",
        "^\n", "https://www.twilio.com/docs/errors/12100\n"}},
      // The place is in the document as it came, however it was encoded.
      {{.content_type = "text/xml; charset=iso-8859-1", .body = "<Response>\xE9<b></Response>"},
       1,
       {"line 1, column ", "     1 | <Response>\xC3\xA9<b></Response>\n"}},
      {{.body = "<Response>\n  <Say volume=\"3\">Hi</Say>\n  <Foo/>\n</Response>"},
       3,
       {"warning 12200 Schema validation warning, line 2, column 8: ",
        "     2 |   <Say volume=\"3\">Hi</Say>\n       |        ^\n",
        "warning 12200 Schema validation warning, line 3, column 3: ", "     3 |   <Foo/>\n"}},
      {{.body = "<Response><Message>Hi</Message></Response>"},
       0,
       {"good"},
       {"--kind", "messaging"}},
      {{.status = 503, .body = "<Response/>"}, 1, {"error 11200 ", "HTTP 503, text/xml, 11 bytes"}},
      {{.content_type = "application/pdf", .body = "%PDF"}, 1, {"error 12300 "}},
      {{.content_type = "", .body = "x"}, 1, {"HTTP 200, no Content-Type, 1 bytes", "12300"}},
      {{.body = "\xFF\xFE"}, 1, {"error 12100 "}},
      {{.body = "<Response/>"}, 3, {"warning: ", "override ct=1 is outside"}, {}, "#ct=1"},
      {{.body = "<Response/>"}, 1, {"error 11240 "}, {}, "#e=nowhere"},
  };
  for (const auto& c : kCases) {
    Origin origin;
    origin.On("/voice", c.reply);
    const ProgramEnd end =
        RunProgram(CheckWords(absl::StrCat(origin.url("/voice"), c.fragment), c.options));
    EXPECT_EQ(end.status, c.status) << end.out << end.err;
    for (const char* line : c.lines) EXPECT_THAT(end.out, HasSubstr(line));
    EXPECT_THAT(end.out, Not(HasSubstr("\x1b")));
    EXPECT_THAT(end.err, IsEmpty());
  }
}

TEST(CheckCommandTest, ALongDocumentIsShownAroundTheMistake) {
  Origin origin;
  origin.On("/voice",
            Reply{.body = absl::StrCat("<Response>", std::string(60000, ' '), "</Oops>")});
  const ProgramEnd end = RunProgram(CheckWords(origin.url("/voice")));
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.out, HasSubstr("     1 | ..."));
  EXPECT_LT(end.out.size(), 2000u);
}

TEST(CheckCommandTest, SignsAndAsksAsToldTo) {
  Origin origin;
  origin.On("/voice", Reply{.body = "<Response/>"});
  const TempDir folder;
  const std::string token = folder.Write("token", "12345\n");
  EXPECT_EQ(RunProgram(CheckWords(origin.url("/voice"), {"--auth-token-file", token})).status, 0);
  EXPECT_EQ(RunProgram(CheckWords(origin.url("/voice"),
                                  {"--method", "GET", "--param", "Digits=1", "--param", "From="}))
                .status,
            0);
  ASSERT_EQ(origin.requests().size(), 2u);
  const struct Request post = origin.requests()[0];
  EXPECT_TRUE(twilio::SignatureMatches(Secret("12345"), origin.url("/voice"),
                                       twilio::DecodeForm(post.body),
                                       post.header("X-Twilio-Signature")));
  const struct Request get = origin.requests()[1];
  EXPECT_EQ(get.method, "GET");
  EXPECT_EQ(Find(get.query, "Digits"), "1");
  EXPECT_EQ(Find(get.query, "CallSid"), "");
  EXPECT_EQ(get.header("X-Twilio-Signature"), "");
}

TEST(CheckCommandTest, ATokenFileHasBorders) {
  const TempDir folder;
  const struct {
    std::string text;
    int status;
  } kCases[] = {{std::string(256, 'x'), 0}, {std::string(257, 'x'), 2}, {" \n", 2}};
  Origin origin;
  origin.On("/voice", Reply{.body = "<Response/>"});
  for (const auto& c : kCases) {
    const std::string path = folder.Write("token", c.text);
    const ProgramEnd end =
        RunProgram(CheckWords(origin.url("/voice"), {"--auth-token-file", path}));
    EXPECT_EQ(end.status, c.status) << end.err;
  }
}

TEST(CheckCommandTest, FollowsRedirectsAndJudgesTheLastAnswer) {
  Origin origin;
  origin.On("/old", Reply{.status = 302, .headers = {{"Location", "/new"}}});
  origin.On("/new", Reply{.body = "<Response>"});
  const ProgramEnd end = RunProgram(CheckWords(origin.url("/old")));
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.out, HasSubstr("HTTP 302"));
  EXPECT_THAT(end.out, HasSubstr("     1 | <Response>"));
}

TEST(CheckCommandTest, JsonReadsBack) {
  Origin origin;
  origin.On("/voice", Reply{.body = "<Response><Foo/></Response>"});
  const ProgramEnd end = RunProgram(CheckWords(origin.url("/voice"), {"--json"}));
  router::v1::ResolveTwiMLResponse response;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(end.out, &response).ok()) << end.out;
  EXPECT_EQ(end.status, 3);
  EXPECT_EQ(response.warnings_size(), 1);
  EXPECT_EQ(response.attempts_size(), 1);
}

TEST(CheckCommandTest, ColourIsForTerminalsThatWantIt) {
  Origin origin;
  origin.On("/voice", Reply{.body = "<Response/>"});
  const std::vector<std::string> words = CheckWords(origin.url("/voice"));
  EXPECT_THAT(RunProgram(words, Stdout::kTerminal).out, HasSubstr("\x1b[32mgood\x1b[0m"));
  EXPECT_THAT(RunProgram(words, Stdout::kTerminal, {"NO_COLOR=1"}).out, EndsWith("good\r\n"));
  EXPECT_THAT(RunProgram(words, Stdout::kTerminal, {"NO_COLOR="}).out, HasSubstr("\x1b[32mgood"));
  EXPECT_THAT(RunProgram(words, Stdout::kTerminal, {"TERM=dumb"}).out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(RunProgram(words, Stdout::kPipe).out, EndsWith("\ngood\n"));
}

}  // namespace
}  // namespace understudy::testing
