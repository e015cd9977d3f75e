// `understudy check`, the real binary: files of every quality, and web servers.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <understudy/cli/v1/check_report.pb.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/secret.h"
#include "common/twilio/form.h"
#include "common/twilio/signature.h"
#include "tests/testing/certificates.h"
#include "tests/testing/origin.h"
#include "tests/testing/program.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> CheckWords(const std::string& url, std::vector<std::string> options = {}) {
  std::vector<std::string> words = {UNDERSTUDY_BINARY, "check", url, "--allow", "127.0.0.0/8"};
  words.insert(words.end(), options.begin(), options.end());
  return words;
}

std::vector<std::string> FileWords(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {UNDERSTUDY_BINARY, "check"};
  words.insert(words.end(), arguments.begin(), arguments.end());
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
       {"/voice:2:14: error: The end tag does not match the start tag of <Say> [12100]\n",
        "     2 |  <Say>Hello</Sya>\n       |              ^\n",
        "12100 Document parse failure: https://www.twilio.com/docs/errors/12100\n", "\n1 error\n"}},
      // The place is in the document as it came, however it was encoded.
      {{.content_type = "text/xml; charset=iso-8859-1", .body = "<Response>\xE9<b></Response>"},
       1,
       {"/voice:1:17: error: ", "     1 | <Response>\xC3\xA9<b></Response>\n"}},
      {{.body = "<Response>\n  <Foo/>\n\n <Bar/>\n</Response>"},
       3,
       {"/voice:2:3: warning: <Foo> is not allowed", "     2 |   <Foo/>\n       |   ^\n",
        "/voice:4:2: warning: <Bar> is not allowed", " [12200]\n", "     4 |  <Bar/>\n",
        "\n2 warnings\n"}},
      {{.body = "<Response><Message>Hi</Message></Response>"},
       0,
       {"good"},
       {"--kind", "messaging"}},
      {{.status = 503, .body = "<Response/>"},
       1,
       {"/voice: error: the server answered with HTTP status 503 [11200]\n",
        "HTTP 503, text/xml, 11 bytes"}},
      {{.content_type = "application/pdf", .body = "%PDF"}, 1, {"/voice: error: ", "[12300]"}},
      {{.content_type = "", .body = "x"}, 1, {"HTTP 200, no Content-Type, 1 bytes", "[12300]"}},
      {{.body = "\xFF\xFE"}, 1, {"error: ", "[12100]"}},
      {{.body = "<Response/>"}, 3, {"/voice: warning: override ct=1 is outside"}, {}, "#ct=1"},
      {{.body = "<Foo/>"},
       1,
       {"/voice:1:1: error: ", "[12102]\n", "/voice: warning: override", "\n1 error, 1 warning\n"},
       {},
       "#ct=1"},
      {{.body = "<Response/>"}, 1, {"error: ", "[11240]"}, {}, "#e=nowhere"},
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

// What --json prints; fails the test if it is no CheckReport.
cli::v1::CheckReport ReportOf(const ProgramEnd& end) {
  cli::v1::CheckReport report;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(end.out, &report).ok()) << end.out;
  EXPECT_THAT(end.err, IsEmpty());
  return report;
}

TEST(CheckCommandTest, JsonHasOneShapeForFilesAndUrls) {
  Origin origin;
  origin.On("/voice", Reply{.body = "<Response>\n<Foo/></Response>"});
  const TempDir folder;
  const std::string bad = folder.Write("bad.xml", "<Response>\n </Say>");
  const std::string url =
      absl::StrCat("http://user:secret@", origin.url("/voice").substr(7), "#rc=1");
  const ProgramEnd end = RunProgram(CheckWords(url, {bad, "--json", "/nonexistent"}));
  EXPECT_EQ(end.status, 1);
  const cli::v1::CheckReport report = ReportOf(end);
  EXPECT_EQ(report.errors(), 2);
  EXPECT_EQ(report.warnings(), 1);
  ASSERT_EQ(report.documents_size(), 3);

  const cli::v1::CheckedDocument& fetched = report.documents(0);
  EXPECT_EQ(fetched.name(), origin.url("/voice"));
  ASSERT_EQ(fetched.findings_size(), 1);
  EXPECT_EQ(fetched.findings(0).level(), cli::v1::LEVEL_WARNING);
  EXPECT_EQ(fetched.findings(0).code(), 12200);
  EXPECT_EQ(fetched.findings(0).line(), 2);
  EXPECT_EQ(fetched.findings(0).column(), 1);
  EXPECT_EQ(fetched.findings(0).page(), "https://www.twilio.com/docs/errors/12200");
  EXPECT_THAT(fetched.findings(0).message(), StartsWith("<Foo> is not allowed in <Response>"));
  EXPECT_EQ(fetched.response().warnings_size(), 1);
  EXPECT_EQ(fetched.response().attempts_size(), 1);

  EXPECT_EQ(report.documents(1).name(), bad);
  ASSERT_EQ(report.documents(1).findings_size(), 1);
  EXPECT_EQ(report.documents(1).findings(0).level(), cli::v1::LEVEL_ERROR);
  EXPECT_EQ(report.documents(1).findings(0).line(), 2);
  EXPECT_FALSE(report.documents(1).has_response());

  ASSERT_EQ(report.documents(2).findings_size(), 1);
  EXPECT_EQ(report.documents(2).findings(0).code(), 0);
  EXPECT_EQ(report.documents(2).findings(0).line(), 0);
  EXPECT_EQ(report.documents(2).findings(0).message(), "No such file or directory");

  const ProgramEnd good =
      RunProgram(FileWords({folder.Write("good.xml", "<Response/>"), "--json"}));
  EXPECT_EQ(good.status, 0);
  EXPECT_EQ(ReportOf(good).documents_size(), 1);
}

TEST(CheckCommandTest, FilesAreJudgedLikeDocuments) {
  const TempDir folder;
  const std::string utf16("\xFF\xFE<\0R\0e\0s\0p\0o\0n\0s\0e\0/\0>\0", 24);
  const std::string room(65536 - 22, ' ');
  const struct {
    std::string text;
    int status;
    const char* out;  // "%" is the file
    std::vector<std::string> options = {};
  } kCases[] = {
      {"<Response/>", 0, "good\n"},
      {"<Response>\n <Foo/>\n</Response>", 3, "%:2:2: warning: <Foo> is not allowed in <Response>"},
      // As README.md has it.
      {"<Response>\n  <Say>Hello</Sya>\n</Response>\n", 1,
       "%:2:15: error: The end tag does not match the start tag of <Say> [12100]\n"
       "     2 |   <Say>Hello</Sya>\n       |               ^\n"},
      {"<Resp/>", 1, "%:1:1: error: The root element is <Resp>; it must be <Response> [12102]\n"},
      {"", 1, "%:1:1: error: The document has no elements [12100]\n     1 | \n       | ^\n"},
      {"<Response><Message>Hi</Message></Response>", 0, "good\n", {"--kind", "messaging"}},
      {"<Response><Message>Hi</Message></Response>", 3, "%:1:11: warning: <Message>"},
      // Encodings.
      {"\xEF\xBB\xBF<?xml version=\"1.0\"?><Response/>", 0, "good\n"},
      {utf16, 0, "good\n"},
      {"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<Response>\n\xE9<Foo/></Response>", 3,
       "%:3:1: warning: Text is not allowed"},
      {"\xEF\xBB\xBF<Response>\n<Say>\xC3\xA9 \xE9</Say></Response>", 1,
       "%:2:8: error: Not UTF-8; a document in another encoding names it in its XML declaration "
       "[12100]\n     2 | <Say>\xC3\xA9 \xEF\xBF\xBD</Say></Response>\n       |        ^\n"},
      {"<?xml version=\"1.0\" encoding=\"KOI8-R\"?><Response/>", 1,
       "%: error: byte 0: encoding \"KOI8-R\" is not known"},
      // The largest, and one byte more.
      {absl::StrCat("<Response>", room, " </Response>"), 0, "good\n"},
      {absl::StrCat("<Response>", room, "  </Response>"), 1,
       "%: error: The document has more than 65536 bytes [11750]\n"},
      // Bins.
      {"<Response>{{#A}}<Say>{{.}}</Say>{{/A}}</Response>", 0, "good\n", {"--bin"}},
      {"<Response>\n <Say>{{From</Say></Response>",
       1,
       "%:2:7: error: {{ is not closed by }} [11320]",
       {"--bin"}},
      {"<Response>{{#A}}\n<Message>x</Message>{{/A}}</Response>",
       3,
       "%:2:1: warning: <Message>",
       {"--bin"}},
      {"<Response><Message>{{A}}</Message></Response>", 0, "good\n", {"--bin", "--kind=messaging"}},
      {absl::StrCat("<Response>", room, " </Response>"), 0, "good\n", {"--bin"}},
      {absl::StrCat("<Response>", room, "  </Response>"),
       1,
       "%: error: The document has more than 65536 bytes [11750]\n",
       {"--bin"}},
  };
  for (const auto& c : kCases) {
    const std::string path = folder.Write("reply.xml", c.text);
    std::vector<std::string> words = c.options;
    words.push_back(path);
    const ProgramEnd end = RunProgram(FileWords(words));
    EXPECT_EQ(end.status, c.status) << end.out;
    EXPECT_THAT(end.out, StartsWith(absl::StrReplaceAll(c.out, {{"%", path}})));
    EXPECT_THAT(end.err, IsEmpty());
  }
}

TEST(CheckCommandTest, WhatCannotBeReadIsSaidAndTheRestIsChecked) {
  const TempDir folder;
  const std::string good = folder.Write("good.xml", "<Response/>");
  const std::string odd = folder.Write("odd\x1b[2J.xml", "<Response><Foo/></Response>");
  const ProgramEnd end = RunProgram(FileWords(
      {good, "/nonexistent", folder.path(), absl::StrCat(good, "/x"), "/proc/self/mem", odd}));
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.out, StartsWith(absl::StrCat("/nonexistent: error: No such file or directory\n",
                                               folder.path(), ": error: Is a directory\n", good,
                                               "/x: error: Not a directory\n",
                                               "/proc/self/mem: error: Input/output error\n",
                                               folder.path(), "/odd\\x1b[2J.xml:1:11: warning: ")));
  EXPECT_THAT(end.out, EndsWith("\n\n6 documents: 4 errors, 1 warning\n"));
}

TEST(CheckCommandTest, StandardInputIsADocumentToo) {
  const TempDir folder;
  folder.Write("in", "<Response>\n<Foo/></Response>");
  const auto shell = [&](const char* words) {
    return RunProgram(
        {"/bin/sh", "-c",
         absl::StrCat("cd ", folder.path(), " && ", UNDERSTUDY_BINARY, " check ", words)});
  };
  const ProgramEnd redirected = shell("- <in");
  EXPECT_EQ(redirected.status, 3);
  EXPECT_THAT(redirected.out, StartsWith("-:2:1: warning: <Foo>"));
  EXPECT_THAT(shell("in - --kind voice <in").out, EndsWith("2 documents: 2 warnings\n"));
  EXPECT_THAT(shell("-- - <in").out, StartsWith("-:2:1: "));
  EXPECT_THAT(shell("-").out, StartsWith("-:1:1: error: The document has no elements"));
  // A pipe that has more than a document may.
  EXPECT_THAT(shell("- --json </dev/zero").out, HasSubstr("more than 65536 bytes"));
  const ProgramEnd twice = shell("- in - <in");
  EXPECT_EQ(twice.status, 2);
  EXPECT_THAT(twice.err, HasSubstr("- is given twice"));
}

TEST(CheckCommandTest, RequestsStandApartFromFiles) {
  Origin origin;
  origin.On("/voice", Reply{.body = "<Response/>"});
  const TempDir folder;
  const std::string bad = folder.Write("bad.xml", "<Foo/>");
  const std::string url = origin.url("/voice");
  const ProgramEnd end = RunProgram(CheckWords(url, {bad, bad, url}));
  EXPECT_THAT(end.out, StartsWith("  1  primary   POST "));
  EXPECT_THAT(end.out, HasSubstr(absl::StrCat("11 bytes\n\n", bad, ":1:1: ")));
  EXPECT_THAT(end.out, HasSubstr(absl::StrCat("^\n", bad, ":1:1: ")));
  EXPECT_THAT(end.out, HasSubstr("^\n\n  1  primary "));
  EXPECT_THAT(end.out, EndsWith("\n\n4 documents: 2 errors\n"));
}

TEST(CheckCommandTest, TrustsTheAuthoritiesItIsGiven) {
  const TestAuthority authority;
  const TempDir folder;
  const std::string ca_file = authority.WriteCaFile(folder.path());
  Origin origin(
      {.tls = TlsOptions{.certificate = authority.Issue({.ip_addresses = {"127.0.0.1"}})}});
  origin.On("/voice", Reply{.body = "<Response/>"});
  EXPECT_EQ(RunProgram(CheckWords(origin.url("/voice"), {"--ca-file", ca_file})).status, 0);
  const TempDir elsewhere;
  const std::string other_file = TestAuthority("another").WriteCaFile(elsewhere.path());
  const ProgramEnd other = RunProgram(CheckWords(origin.url("/voice"), {"--ca-file", other_file}));
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.out, HasSubstr("[11237]\n"));
  const ProgramEnd missing =
      RunProgram(CheckWords(origin.url("/voice"), {"--ca-file", "/nonexistent"}));
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.out, HasSubstr("error: the CA file /nonexistent cannot be read\n"));
}

TEST(CheckCommandTest, TheHintComesLast) {
  const ProgramEnd end = RunProgram({UNDERSTUDY_BINARY, "check", "http://127.0.0.1/"});
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.out, HasSubstr("[11205]\n"));
  EXPECT_THAT(end.err, HasSubstr("--allow 127.0.0.0/8"));
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

  const TempDir folder;
  const std::vector<std::string> file = FileWords({folder.Write("a.xml", "<Foo/>")});
  EXPECT_THAT(RunProgram(file, Stdout::kTerminal).out,
              HasSubstr("a.xml:1:1:\x1b[0m \x1b[31merror:\x1b[0m The root"));
  EXPECT_THAT(RunProgram(file).out, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace understudy::testing
