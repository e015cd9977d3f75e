// Faults of documents: XML that is none and TwiML that is not as it should be, by their rows in the
// fault table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/router/faults/answer_row.h"

namespace understudy::testing {
namespace {

using router::Kind;
using router::Phase;
using ::testing::HasSubstr;

constexpr absl::Duration kAtOnce = absl::Milliseconds(100);
constexpr size_t kLimit = 65536;

ExpectedFault Fatal(int code, absl::string_view detail) {
  return {.classic = code,
          .phase = Phase::kParse,
          .detail = std::string(detail),
          .http_status = 200,
          .no_later = kAtOnce};
}

FaultRow Row(absl::string_view id, std::string body, absl::string_view detail, int code = 12100) {
  return {std::string(id), Reply{.body = std::move(body)}, Fatal(code, detail)};
}

// Entities that would grow to gigabytes.
std::string BillionLaughs() {
  std::string document = "<!DOCTYPE Response [<!ENTITY l0 \"laugh\">";
  for (int i = 1; i <= 9; ++i) {
    absl::StrAppendFormat(&document, "<!ENTITY l%d \"", i);
    for (int j = 0; j < 10; ++j) absl::StrAppendFormat(&document, "&l%d;", i - 1);
    document += "\">";
  }
  return document + "]><Response><Say>&l9;</Say></Response>";
}

std::vector<FaultRow> FatalRows() {
  const std::string kNul(1, '\0');
  const auto say = [](absl::string_view text) {
    return absl::StrCat("<Response><Say>", text, "</Say></Response>");
  };
  std::vector<FaultRow> rows = {
      Row("X1_BlankBeforeTheDeclaration",
          absl::StrCat(" <?xml version=\"1.0\"?>", kPrimaryDocument),
          "line 1, column 2: The XML declaration must be the very first thing"),
      Row("X1_LineBeforeTheDeclaration",
          absl::StrCat("\r\n<?xml version=\"1.0\"?>", kPrimaryDocument),
          "line 2, column 1: The XML declaration must be the very first thing"),
      Row("X2_NotClosed", "<Response>\n  <Say>Hello</Say>\n", "line 3, column 1"),
      Row("X2_InnerNotClosed", "<Response><Say>Hello</Response>",
          "The end tag does not match the start tag of <Say>"),
      Row("X2_Mismatched", "<Response>\n<Say>Hello</Play></Response>", "line 2, column 13"),
      Row("X2_EndInAnotherCase", "<Response></response>", "line 1, column 13"),
      Row("X2_CutInsideATag", "<Response><Say", "ends within a tag"),
      Row("X3_BareAmpersand", say("Fish & chips"), "unescaped & or <"),
      Row("X3_LessThanInAnAttribute", "<Response><Say voice=\"<\">x</Say></Response>",
          "unescaped & or <"),
      Row("X3_UndefinedEntity", say("caf&eacute;"), "The entity is not defined"),
      Row("X4_AttributeWithoutQuotes", "<Response><Say voice=alice>x</Say></Response>",
          "an attribute without quotes"),
      Row("X4_AttributeWithoutAValue", "<Response><Say voice>x</Say></Response>",
          "an attribute without quotes or value"),
      Row("X4_AttributeTwice", "<Response><Say voice=\"a\" voice=\"b\">x</Say></Response>",
          "duplicate attribute"),
      Row("X5_TwoRoots", "<Response/><Response/>", "may follow the root element"),
      Row("X5_TextBehindTheRoot", "<Response/>done", "may follow the root element"),
      Row("X5_TextBeforeTheRoot", "Warning: line 3\n<Response/>", "line 1, column 1"),
      Row("X6_ControlCharacter", say("a\x01"), "a character XML does not have"),
      Row("X6_Nul", say(absl::StrCat("a", kNul)), "a character XML does not have"),
      Row("X6_InvalidUtf8", say("a\xff"), "not UTF-8"),
      Row("X6_OverlongUtf8", say("a\xc0\xaf"), "not UTF-8"),
      Row("X6_Surrogate", say("a\xed\xa0\x80"), "not UTF-8"),
      Row("X6_CutUtf8", say("a\xe2\x82"), "not UTF-8"),
      Row("X6_ReferenceToNul", say("&#0;"), "character"),
      Row("X6_ReferenceToASurrogate", say("&#xD800;"), "character"),
      Row("X6_ReferenceToNothing", say("&#x110000;"), "character"),
      Row("X7_Doctype", absl::StrCat("<!DOCTYPE Response>", kPrimaryDocument), "<!DOCTYPE ...>"),
      Row("X7_DoctypeHtml", "<!DOCTYPE html><html><body>Oops</body></html>", "<!DOCTYPE ...>"),
      Row("X7_BillionLaughs", BillionLaughs(), "<!DOCTYPE ...>"),
      Row("X8_TwentyThousandDeep", absl::StrCat("<Response>", Repeated("<a>", 20000)),
          "nested deeper than 64"),
      Row("X8_OneDeeperThanTheLimit",
          absl::StrCat("<Response>", Repeated("<a>", 64), Repeated("</a>", 64), "</Response>"),
          "nested deeper than 64"),
      Row("X10_RootInAnotherCase", "<response></response>",
          "The root element is <response>; it must be <Response>", 12102),
      Row("X10_RootOfHtml", "<html><body>It works!</body></html>", "The root element is <html>",
          12102),
      Row("X10_RootInANamespace", "<t:Response xmlns:t=\"urn:x\"/>", "The root element", 12102),
      Row("X11_Version9", "<Response version=\"9\"/>", "Version \"9\" of <Response>", 12101),
      Row("X11_VersionEmpty", "<Response version=\"\"/>", "of <Response> is not known", 12101),
      Row("X16_HtmlErrorPage",
          "<html><head><meta "
          "charset=utf-8><title>Oops</title></head><body><p>Sorry<br></body></html>",
          "line 1"),
      Row("X17_UnknownEncoding",
          absl::StrCat("<?xml version=\"1.0\" encoding=\"klingon\"?>", kPrimaryDocument),
          "encoding \"klingon\" is not known"),
      Row("OnlyWhiteSpace", " \n", "The document has no elements"),
  };
  rows.push_back({"X16_HtmlErrorPageAsHtml",
                  Reply{.content_type = "text/html; charset=utf-8",
                        .body = "<!doctype html><title>502</title>"},
                  Fatal(12100, "line 1")});
  return rows;
}

using DocumentFault = FaultTable;

TEST_P(DocumentFault, IsAnsweredByTheFallback) {
  ExpectFallback();
}

INSTANTIATE_TEST_SUITE_P(Table, DocumentFault, ::testing::ValuesIn(FatalRows()), kRowName);

// A Say with as many attributes as fit, of which none is known.
std::string ManyAttributes() {
  std::string document = "<Response><Say";
  constexpr absl::string_view kEnd = "/></Response>";
  for (int i = 0; document.size() + 9 + kEnd.size() <= kLimit; ++i) {
    absl::StrAppendFormat(&document, " a%04x=\"\"", i);
  }
  return absl::StrCat(document, kEnd);
}

AnswerRow Good(absl::string_view id, const std::string& body, std::vector<int> warnings = {},
               Kind kind = Kind::kVoice) {
  return {std::string(id), Reply{.body = body}, body, {.kind = kind}, std::move(warnings)};
}

std::vector<AnswerRow> GoodRows() {
  return {
      Good("X8_AsDeepAsTheLimit",
           absl::StrCat("<Response>", Repeated("<a>", 63), Repeated("</a>", 63), "</Response>"),
           {12200}),
      Good("X9_AsManyAttributesAsFit", ManyAttributes(), std::vector<int>(100, 12200)),
      Good("X9_AnAttributeOf60KB",
           absl::StrCat("<Response><Play digits=\"", std::string(60000, '1'), "\"/></Response>")),
      Good("X11_Version10", "<Response version=\"1.0\"/>"),
      Good("X12_UnknownVerb", "<Response><Sing>la</Sing></Response>", {12200}),
      Good("X12_VerbInAnotherCase", "<Response><say>Hello</say></Response>", {12200}),
      Good("X12_UnknownAttribute", "<Response><Say volume=\"11\">Hello</Say></Response>", {12200}),
      Good("X12_BadNesting", "<Response><Say><Dial/>x</Say></Response>", {12200}),
      Good("X12_TextOutsideAVerb", "<Response>Hello</Response>", {12200}),
      Good("X12_VerbOfACallInAMessage", "<Response><Say>Hello</Say></Response>", {12200, 14110},
           Kind::kMessaging),
      Good("X12_ThreeOfThem", "<Response a=\"1\"><Sing/><Say b=\"2\">x</Say></Response>",
           {12200, 12200, 12200}),
      Good("X13_ValueOutOfRange", "<Response><Dial timeout=\"x\">+14155550100</Dial></Response>",
           {13212}),
      Good("X13_ValuesWhoseCodesAreErrors",
           "<Response><Gather actionOnEmptyResult=\"x\"/><Redirect>http://</Redirect></Response>",
           {13338, 11100}),
      Good("X13_TextThatIsMissing", "<Response><Say/><Dial/></Response>", {13520, 13223}),
      Good("X13_AMessageThatIsTooLong",
           absl::StrCat("<Response><Message>", std::string(1601, 'x'), "</Message></Response>"),
           {14103}, Kind::kMessaging),
      Good("X13_ElevenMessages",
           absl::StrCat("<Response>", Repeated("<Message>x</Message>", 11), "</Response>"), {14109},
           Kind::kMessaging),
      Good("X14_Empty", "<Response/>"),
      Good("X14_EmptyForAMessage", "<Response></Response>", {}, Kind::kMessaging),
      Good("X15_CommentsInstructionsAndSections",
           "<?xml version=\"1.0\"?><!-- a --><?php b ?><Response><!-- c --><?d?><Say><![CDATA[<&]]>"
           "</Say></Response><!-- e -->"),
      Good("X15_NamespaceDeclared",
           "<Response xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"/>"),
      Good("X15_UnknownPrefix", "<Response><t:Say>Hello</t:Say></Response>", {12200}),
      Good("X18_Xml11", absl::StrCat("<?xml version=\"1.1\"?>", kPrimaryDocument)),
  };
}

using GoodDocument = AnswerTable;

TEST_P(GoodDocument, IsTaken) {
  ExpectPrimary();
}

INSTANTIATE_TEST_SUITE_P(Table, GoodDocument, ::testing::ValuesIn(GoodRows()), kRowName);

TEST(DocumentFaults, X7_NoExternalEntityIsFetched) {
  FaultWorld world;
  Origin primary;
  Origin inside;
  const std::string entities[] = {
      absl::StrCat("<!DOCTYPE Response SYSTEM \"", inside.url("/dtd"), "\"><Response/>"),
      absl::StrCat("<!DOCTYPE Response [<!ENTITY x SYSTEM \"", inside.url("/x"),
                   "\">]><Response><Say>&x;</Say></Response>"),
      absl::StrCat("<!DOCTYPE Response [<!ENTITY % x SYSTEM \"", inside.url("/x"),
                   "\">%x;]><Response/>"),
      "<!DOCTYPE Response [<!ENTITY x SYSTEM \"file:///etc/hostname\">]>"
      "<Response><Say>&x;</Say></Response>",
  };
  for (const std::string& document : entities) {
    primary.On(kIndex, Reply{.body = document});
    world.ExpectFallback(primary.url(kIndex), Fatal(12100, "<!DOCTYPE ...>"));
  }
  EXPECT_EQ(inside.connections(), 0);
}

TEST(DocumentFaults, X12_AWarningSaysWhereItIs) {
  FaultWorld world;
  Origin primary;
  const std::string document = "<Response>\n  <Say vioce=\"alice\">Hello</Say>\n</Response>";
  primary.On(kIndex, Reply{.body = document});
  const Answer answer = world.ExpectPrimary(primary.url(kIndex), {}, document);
  ASSERT_EQ(answer.outcome.warnings.size(), 1u);
  const router::Warning& warning = answer.outcome.warnings[0];
  EXPECT_EQ(warning.code, 12200);
  EXPECT_EQ(warning.line, 2);
  EXPECT_EQ(warning.column, 8);
  EXPECT_THAT(warning.message, HasSubstr("did you mean voice?"));
}

TEST(DocumentFaults, X19_ABrokenFallbackEndsInTheDefault) {
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, Reply{.status = 500});
  world.fallback().OnAny(Reply{.body = "<Response><Say>Sorry</Response>"});
  for (const Kind kind : {Kind::kVoice, Kind::kMessaging}) {
    const Answer answer = world.Resolve(primary.url(kIndex), {.kind = kind});
    const router::Outcome& outcome = answer.outcome;
    EXPECT_EQ(outcome.source, router::Source::kDefault);
    EXPECT_EQ(outcome.document, kDefaultDocument);
    EXPECT_EQ(outcome.document_url, "");
    EXPECT_TRUE(outcome.warnings.empty());
    ASSERT_EQ(outcome.faults.size(), 2u);
    EXPECT_EQ(outcome.faults[0].code, 11200);
    EXPECT_EQ(outcome.faults[0].target, router::Target::kPrimary);
    EXPECT_EQ(outcome.faults[1].code, 12100);
    EXPECT_EQ(outcome.faults[1].target, router::Target::kFallback);
    EXPECT_EQ(outcome.faults[1].url, world.fallback().url("/fallback"));
    EXPECT_EQ(static_cast<int>(outcome.faults[1].phase), static_cast<int>(Phase::kParse));
    EXPECT_EQ(outcome.attempts.size(), 2u);
    // Once each, and no round of them.
    EXPECT_EQ(answer.fallback_requests.size(), 1u);
  }
  EXPECT_EQ(primary.requests().size(), 2u);
}

}  // namespace
}  // namespace understudy::testing
