#include "services/cli/check_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace understudy::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using twilio::Finding;
using twilio::Level;

CheckedDocument With(std::vector<Finding> findings) {
  return {.name = "a.xml", .text = "<a>\n<b/></a>", .findings = std::move(findings)};
}

const Finding kError = {.code = 12100, .message = "Wrong", .line = 2, .column = 1};
// An error that does not stop the document, as the judge has them among its warnings.
const Finding kVerbError = {.code = 13231, .message = "No value", .line = 1, .column = 2};
const Finding kWarning = {.code = 12200, .level = Level::kWarning, .message = "Odd", .line = 2};
const Finding kNote = {.level = Level::kWarning, .message = "A note"};

TEST(CheckReportTest, ALineForEachFinding) {
  const struct {
    CheckedDocument document;
    const char* text;
  } kCases[] = {
      {With({}), ""},
      {With({kError}), "a.xml:2:1: error: Wrong [12100]\n     2 | <b/></a>\n       | ^\n"},
      {With({kNote, kVerbError}),
       "a.xml: warning: A note\n"
       "a.xml:1:2: error: No value [13231]\n     1 | <a>\n       |  ^\n"},
      // What a stranger wrote reaches no terminal as it is.
      {{.name = "a\nb", .findings = {{.message = "\x1b[2J"}}}, "a\\x0ab: error: \\x1b[2J\n"},
      {{.name = "u", .findings = {kNote}, .requests = "HTTP 200\n"},
       "HTTP 200\n\nu: warning: A note\n"},
      {{.name = "u", .requests = "HTTP 200\n"}, "HTTP 200\n"},
  };
  for (const auto& c : kCases) EXPECT_EQ(RenderDocument(c.document, {}), c.text);
  EXPECT_EQ(RenderDocument(With({kNote}), {.color = true}),
            "\x1b[1ma.xml:\x1b[0m \x1b[33mwarning:\x1b[0m A note\n");
}

TEST(CheckReportTest, TheLastLineCounts) {
  const struct {
    std::vector<CheckedDocument> documents;
    const char* line;
  } kCases[] = {
      {{With({})}, "good"},
      {{With({}), With({})}, "2 documents: good"},
      {{With({kError})}, "1 error"},
      {{With({kVerbError})}, "1 error"},
      {{With({kNote, kWarning})}, "2 warnings"},
      {{With({kWarning}), With({kError, kVerbError})}, "2 documents: 2 errors, 1 warning"},
  };
  for (const auto& c : kCases) {
    const std::string text = RenderCount(c.documents, {});
    EXPECT_THAT(absl::StrCat("\n", text), ::testing::EndsWith(absl::StrCat("\n", c.line, "\n")));
  }
}

TEST(CheckReportTest, EachCodesPageIsShownOnce) {
  EXPECT_EQ(RenderCount({With({kWarning, kNote}), With({kWarning, kError})}, {}),
            "\n12100 Document parse failure: https://www.twilio.com/docs/errors/12100\n"
            "12200 Schema validation warning: https://www.twilio.com/docs/errors/12200\n"
            "\n2 documents: 1 error, 3 warnings\n");
  EXPECT_EQ(RenderCount({With({kNote})}, {}), "1 warning\n");
}

TEST(CheckReportTest, JsonHasEveryField) {
  const std::string json = RenderJson({With({kNote})});
  EXPECT_EQ(json,
            R"({
 "documents": [
  {
   "name": "a.xml",
   "findings": [
    {
     "level": "LEVEL_WARNING",
     "code": 0,
     "message": "A note",
     "line": 0,
     "column": 0,
     "page": ""
    }
   ]
  }
 ],
 "errors": 0,
 "warnings": 1
}
)");
  router::v1::ResolveTwiMLResponse response;
  response.set_twiml("text");
  EXPECT_THAT(RenderJson({{.name = "u", .response = response}}), HasSubstr("\"twiml\": \"text\""));
  EXPECT_THAT(json, Not(HasSubstr("twiml")));
}

}  // namespace
}  // namespace understudy::cli
