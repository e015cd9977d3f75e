#include "common/twilio/twiml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/twilio/charset.h"

namespace understudy::twilio {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::string Repeated(int times, absl::string_view text) {
  std::string out;
  for (int i = 0; i < times; ++i) absl::StrAppend(&out, text);
  return out;
}

// The codes a document gets on its way in: the fatal one, or those of its warnings.
std::vector<int> Codes(const std::string& bytes, const std::string& charset, Kind kind) {
  const absl::StatusOr<std::string> text = ToUtf8(bytes, charset);
  if (!text.ok()) return {12100};
  const TwimlReport report = CheckTwiml(*text, kind);
  std::vector<int> codes;
  if (report.fatal) codes.push_back(report.fatal->code);
  for (const Finding& warning : report.warnings) codes.push_back(warning.code);
  return codes;
}

struct Case {
  std::string what;
  std::string document;
  std::vector<int> codes = {};
  std::string charset = "";
  Kind kind = Kind::kVoice;
};

void ExpectCodes(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(Codes(c.document, c.charset, c.kind), c.codes) << c.what;
}

// Ids are those of the fault scenarios this room answers for.
TEST(CheckTwimlTest, Encodings) {
  ExpectCodes({
      {"B15 header wins", "<?xml version='1.0' encoding='utf-16'?><Response/>", {}, "utf-8"},
      {"B15 bad bytes", "<Response><Say>\xE9</Say></Response>", {12100}, "utf-8"},
      {"B15 mark wins", "\xEF\xBB\xBF<Response><Say>\xC3\xA9</Say></Response>", {}, "us-ascii"},
      {"B16 UTF-8 mark", "\xEF\xBB\xBF<?xml version='1.0'?><Response/>"},
      {"B16 UTF-16 with mark", std::string("\xFF\xFE<\0R\0e\0s\0p\0o\0n\0s\0e\0/\0>\0", 24)},
      {"B16 Latin-1 declared",
       "<?xml version='1.0' encoding='ISO-8859-1'?><Response><Say>\xE9</Say></Response>"},
      {"B17 trailing white space", "<Response/>\r\n \t\n"},
      {"B17 trailing NUL", std::string("<Response/>\0", 12), {12100}},
      {"B17 NUL after a line", std::string("<Response/>\n\0", 13), {12100}},
      {"UTF-16 said to be UTF-8", std::string("<\0R\0/\0>\0", 8), {12100}, "utf-8"},
      {"UTF-16BE said to be UTF-8", std::string("\0<\0R\0/\0>", 8), {12100}, "utf-8"},
      {"NUL first", std::string("\0<Response/>", 12), {12100}, "utf-8"},
      {"one NUL", std::string("\0", 1), {12100}, "utf-8"},
      {"X17 unknown in declaration", "<?xml version='1.0' encoding='x'?><Response/>", {12100}},
      {"X17 unknown in header", "<Response/>", {12100}, "klingon"},
  });
}

TEST(CheckTwimlTest, NotWellFormed) {
  ExpectCodes({
      {"X1 space before the declaration", " <?xml version='1.0'?><Response/>", {12100}},
      {"X1 line before the declaration", "\n<?xml version='1.0'?><Response/>", {12100}},
      {"X1 space without a declaration is fine", " \n<Response/>"},
      {"X2 unclosed", "<Response><Say>Hi</Response>", {12100}},
      {"X2 cut", "<Response><Say>Hi</Say>", {12100}},
      {"X2 cut in a tag", "<Response><Sa", {12100}},
      {"X2 mismatched", "<Response><Say>Hi</Play></Response>", {12100}},
      {"X2 wrong case", "<Response><Say>Hi</say></Response>", {12100}},
      {"X3 bare ampersand", "<Response><Say>a & b</Say></Response>", {12100}},
      {"X3 ampersand in a URL", "<Response><Play>http://a/?x=1&y=2</Play></Response>", {12100}},
      {"X3 < in an attribute", "<Response><Dial action='<'/></Response>", {12100}},
      {"X3 undefined entity", "<Response><Say>&nbsp;</Say></Response>", {12100}},
      {"X3 the five entities", "<Response><Say>&amp;&lt;&gt;&quot;&apos;&#233;</Say></Response>"},
      {"X4 unquoted", "<Response><Pause length=1/></Response>", {12100}},
      {"X4 valueless", "<Response><Pause length/></Response>", {12100}},
      {"X4 duplicate", "<Response><Pause length='1' length='1'/></Response>", {12100}},
      {"X5 two roots", "<Response/><Response/>", {12100}},
      {"X5 text after root", "<Response/>x", {12100}},
      {"X5 text before root", "x<Response/>", {12100}},
      {"X6 control character", "<Response><Say>\x01</Say></Response>", {12100}},
      {"X6 NUL reference", "<Response><Say>&#0;</Say></Response>", {12100}},
      {"X6 surrogate reference", "<Response><Say>&#xD800;</Say></Response>", {12100}},
      {"X6 invalid UTF-8", "<Response><Say>\xFF</Say></Response>", {12100}},
      {"X6 overlong UTF-8", "<Response><Say>\xC0\xBC</Say></Response>", {12100}},
      {"X6 surrogate", "<Response><Say>\xED\xA0\x80</Say></Response>", {12100}},
      {"X6 no character", "<Response><Say>\xEF\xBF\xBF</Say></Response>", {12100}},
      {"X7 DTD", "<!DOCTYPE Response><Response/>", {12100}},
      {"X7 internal subset",
       "<!DOCTYPE Response [<!ENTITY a 'b'>]><Response>&a;</Response>",
       {12100}},
      {"X7 external", "<!DOCTYPE Response SYSTEM 'file:///etc/passwd'><Response/>", {12100}},
      {"X7 external entity",
       "<!DOCTYPE Response [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><Response>&x;</Response>",
       {12100}},
      {"X7 parameter entity",
       "<!DOCTYPE r [<!ENTITY % x SYSTEM 'http://a'> %x;]><Response/>",
       {12100}},
      {"X16 an error page",
       "<!DOCTYPE html><html><body><p>502 Bad Gateway<br></body></html>",
       {12100}},
      {"X16 an old error page", "<html><body><hr><center>nginx</center></body></html>", {12100}},
      {"empty", "", {12100}},
      {"white space only", " \n", {12100}},
      {"comment only", "<!-- -->", {12100}},
      {"plain text", "Hello", {12100}},
      {"JSON", "{\"a\": 1}", {12100}},
  });
}

TEST(CheckTwimlTest, EntitiesAreNotExpanded) {
  std::string lol = "<!DOCTYPE lolz [<!ENTITY lol0 'lol'>";
  for (int i = 1; i < 10; ++i) {
    absl::StrAppend(&lol, "<!ENTITY lol", i, " '", Repeated(10, absl::StrCat("&lol", i - 1, ";")),
                    "'>");
  }
  lol += "]><Response><Say>&lol9;</Say></Response>";
  const TwimlReport report = CheckTwiml(lol, Kind::kVoice);
  ASSERT_TRUE(report.fatal);
  EXPECT_EQ(report.fatal->code, 12100);
  EXPECT_THAT(report.fatal->message, HasSubstr("document type declaration"));
  EXPECT_EQ(report.fatal->line, 1);
}

TEST(CheckTwimlTest, RootAndVersion) {
  ExpectCodes({
      {"X10 wrong case", "<response><Say>Hi</Say></response>", {12102}},
      {"X10 html", "<html><body>Hello</body></html>", {12102}},
      {"X10 not well-formed either", "<response><Say>Hi</response>", {12100}},
      {"X10 prefixed", "<t:Response xmlns:t='x'/>", {12102}},
      {"X11 version 9", "<Response version='9'/>", {12101}},
      {"X11 empty", "<Response version=''/>", {12101}},
      {"X11 not well-formed either", "<Response version='9'>", {12100}},
      {"X11 1.0", "<Response version='1.0'/>"},
      {"X11 2010-04-01", "<Response version='2010-04-01'/>"},
      {"X11 1.00", "<Response version='1.00'/>", {12101}},
      {"X11 elsewhere it is an attribute",
       "<Response><Say version='9'>a</Say></Response>",
       {12200}},
      {"X14 empty", "<Response/>"},
      {"X14 empty message", "<Response></Response>", {}, "", Kind::kMessaging},
      {"X18 XML 1.1 is read as 1.0", "<?xml version='1.1'?><Response/>"},
  });
}

TEST(CheckTwimlTest, WarningsDoNotStopADocument) {
  const Kind messaging = Kind::kMessaging;
  ExpectCodes({
      {"X12 unknown verb", "<Response><Sing>la</Sing></Response>", {12200}},
      {"X12 wrong case", "<Response><say>Hi</say></Response>", {12200}},
      {"X12 unknown attribute", "<Response><Say tone='x'>Hi</Say></Response>", {12200}},
      {"X12 two of them", "<Response><Say tone='x' mood='y'>Hi</Say></Response>", {12200, 12200}},
      {"X12 attribute on Response", "<Response lang='x'/>", {12200}},
      {"X12 bad nesting", "<Response><Number>1</Number></Response>", {12200}},
      {"X12 inside a verb", "<Response><Gather><Dial>1</Dial></Gather></Response>", {12200}},
      {"X12 text in Response", "<Response>Hi</Response>", {12200}},
      {"X12 text twice", "<Response>Hi<Hangup/>there</Response>", {12200}},
      {"X12 text in two places", "<Response>Hi<Gather>there</Gather></Response>", {12200, 12200}},
      {"X12 text by reference", "<Response>&#65;</Response>", {12200}},
      {"X12 text in CDATA", "<Response><Hangup><![CDATA[x]]></Hangup></Response>", {12200}},
      {"X12 space by reference", "<Response>&#32;&#9;&#10;&#13;</Response>"},
      {"X12 no-break space is text", "<Response>\xC2\xA0</Response>", {12200}},
      {"X12 inside a skipped element",
       "<Response><Sing tone='x'>la<Lala/><Say x='y'/></Sing></Response>",
       {12200}},
      {"X12 behind a skipped element",
       "<Response><Sing/><Say x='y'>a</Say></Response>",
       {12200, 12200}},
      {"X12 only SDKs build it", "<Response><Queue>a</Queue><Prompt/></Response>", {12200, 12200}},
      {"X12 message in a call", "<Response><Message>Hi</Message></Response>", {12200}},
      {"X12 verb in a message", "<Response><Say>Hi</Say></Response>", {12200}, "", messaging},
      {"X12 text in a message", "<Response>Hi</Response>", {12200}, "", messaging},
      {"X13 values are not looked at", "<Response><Dial timeout='x'>+1</Dial></Response>"},
      {"X15 comments",
       "<!-- a --><Response><!-- b --><Say>a<!-- c -->b</Say></Response><!-- d -->"},
      {"X15 processing instructions", "<?a b?><Response><?c d?></Response><?e?>"},
      {"X15 CDATA", "<Response><Say><![CDATA[a < b & c]]></Say></Response>"},
      {"X15 namespaces", "<Response xmlns='a' xmlns:b='c'><Say xmlns:d='e'>x</Say></Response>"},
      {"X15 xml:lang", "<Response><Say><lang xml:lang='fr-FR'>Oui</lang></Say></Response>"},
      {"X15 unknown prefix", "<Response><Say a:b='c'>x</Say><a:Say/></Response>", {12200, 12200}},
  });
}

TEST(CheckTwimlTest, WhatTheSchemaTakes) {
  const Kind messaging = Kind::kMessaging;
  ExpectCodes({
      {"every kind of verb",
       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
       "<Response>\n"
       "  <Gather input='dtmf speech' timeout='3' action='/g'>\n"
       "    <Say voice='Polly.Joanna'>Hi <break time='1s'/><emphasis>you</emphasis></Say>\n"
       "    <Pause length='1'/><Play>https://a.example/a.mp3</Play>\n"
       "  </Gather>\n"
       "  <Dial callReason='x' record='true'>\n"
       "    <Number sendDigits='1'>+14155551234</Number>\n"
       "    <Sip username='u'>sip:a@a.example"
       "<Headers><Header name='a' value='b'/></Headers></Sip>\n"
       "  </Dial>\n"
       "  <Refer><Sip>sip:a@a.example</Sip></Refer>\n"
       "  <Connect><Stream url='wss://a.example'><Parameter name='a' "
       "value='b'/></Stream></Connect>\n"
       "  <Pay><Prompt for='postal-code'><Say>Now</Say></Prompt></Pay>\n"
       "  <Redirect method='GET'>/next</Redirect>\n"
       "</Response>\n"},
      {"the Sip of Refer has no attributes",
       "<Response><Refer><Sip username='u'>a</Sip></Refer></Response>",
       {12200}},
      {"SSML in its place only", "<Response><break/></Response>", {12200}},
      {"messages",
       "<Response><Message to='+1'>a</Message><Message><Body>b</Body><Media>u</Media></Message>"
       "<Sms from='+1'>c</Sms><Redirect>/n</Redirect></Response>",
       {},
       "",
       messaging},
      {"media outside a message", "<Response><Media>u</Media></Response>", {12200}, "", messaging},
  });
}

TEST(CheckTwimlTest, WarningsSayWhatWhereAndWhatInstead) {
  const struct {
    const char* document;
    Kind kind;
    int line;
    int column;
    const char* message;
  } kCases[] = {
      {"<Response>\n  <say>Hi</say>\n</Response>", Kind::kVoice, 2, 3,
       "<say> is not allowed in <Response>; did you mean <Say>? <Response> may hold Connect, Dial, "
       "Echo, Enqueue, Gather, Hangup, Leave, Pause, Pay, Play, Record, Redirect, Refer, Reject, "
       "Say, Sms, Start, Stop"},
      {"<Response>\r\n\r\n<Gather>\r\n<Plya/></Gather></Response>", Kind::kVoice, 4, 1,
       "<Plya> is not allowed in <Gather>; did you mean <Play>? <Gather> may hold Pause, Play, "
       "Say"},
      {"<Response><Gather><Dial/></Gather></Response>", Kind::kVoice, 1, 19,
       "<Dial> is not allowed in <Gather>; its place is in Response. <Gather> may hold Pause, "
       "Play, "
       "Say"},
      {"<Response><Gather><Unheard/></Gather></Response>", Kind::kVoice, 1, 19,
       "<Unheard> is not allowed in <Gather>. <Gather> may hold Pause, Play, Say"},
      {"<Response><Leave><Say/></Leave></Response>", Kind::kVoice, 1, 18,
       "<Say> is not allowed in <Leave>; its place is in Response, Gather, Prompt. <Leave> holds "
       "no "
       "elements"},
      {"<Response><Say>Hi</Say></Response>", Kind::kMessaging, 1, 11,
       "<Say> is not allowed in <Response> of a message: it belongs to calls. <Response> may hold "
       "Message, Redirect, Sms"},
      {"<Response><messsage>Hi</messsage></Response>", Kind::kMessaging, 1, 11,
       "<messsage> is not allowed in <Response>; did you mean <Message>? <Response> may hold "
       "Message, Redirect, Sms"},
      {"<Response>\xC3\xA9<Redirect methd='GET'>/</Redirect></Response>", Kind::kVoice, 1, 11,
       "Text is not allowed in <Response>. <Response> may hold Connect, Dial, Echo, Enqueue, "
       "Gather, Hangup, Leave, Pause, Pay, Play, Record, Redirect, Refer, Reject, Say, Sms, Start, "
       "Stop"},
      {"<Response><!--\xC3\xA9--><Redirect methd='GET'>/</Redirect></Response>", Kind::kVoice, 1,
       19,
       "Attribute methd is not allowed on <Redirect>; did you mean method? <Redirect> may have "
       "method"},
      {"<Response><Hangup why='x'/></Response>", Kind::kVoice, 1, 11,
       "Attribute why is not allowed on <Hangup>. <Hangup> has no attributes"},
      {"<Response><Pause seconds='1'/></Response>", Kind::kVoice, 1, 11,
       "Attribute seconds is not allowed on <Pause>. <Pause> may have length"},
      {"<Response><Echo>\n \t there</Echo></Response>", Kind::kVoice, 2, 4,
       "Text is not allowed in <Echo>. <Echo> holds no elements"},
  };
  for (const auto& c : kCases) {
    const TwimlReport report = CheckTwiml(c.document, c.kind);
    EXPECT_FALSE(report.fatal) << c.document;
    ASSERT_THAT(report.warnings, Not(IsEmpty())) << c.document;
    const Finding& first = report.warnings[0];
    EXPECT_EQ(first.message, c.message);
    EXPECT_EQ(first.code, 12200);
    EXPECT_EQ(first.level, Level::kWarning);
    EXPECT_EQ(first.line, c.line) << c.document;
    EXPECT_EQ(first.column, c.column) << c.document;
  }
}

TEST(CheckTwimlTest, FatalFindingsSayWhereAndWhy) {
  const struct {
    const char* document;
    int line;
    int column;
    const char* message;
  } kCases[] = {
      {"", 1, 1, "The document has no elements"},
      {"<Response>\n  <Say>Hi</Play>\n</Response>", 2, 12,
       "The end tag does not match the start tag of <Say>"},
      {"<Response>\n<Sing>Hi</Song>\n</Response>", 2, 11,
       "The end tag does not match the start tag of the element"},
      {"<Response>\n<Gather>", 2, 9, "The document ends before <Gather> is closed"},
      {"<Response><Say", 1, 11, "The document ends within a tag, comment or section"},
      {"<Response>\n<Say>a & b</Say></Response>", 2, 9,
       "Not well-formed: often an unescaped & or <, an attribute without quotes or value, or a "
       "character XML does not have"},
      {"<Response><Say>&nbsp;</Say></Response>", 1, 16,
       "The entity is not defined: XML has amp, lt, gt, quot and apos; write & as &amp;"},
      {"\n<?xml version='1.0'?><Response/>", 2, 1,
       "The XML declaration must be the very first thing in the document"},
      {"<Response/>\n<Response/>", 2, 1,
       "Only white space and comments may follow the root element"},
      {"<Response><Pause length='1' length='1'/></Response>", 1, 29,
       "Not well-formed: duplicate attribute"},
      {"<!-- -->\n<!DOCTYPE html>\n<html/>", 2, 15,
       "A document type declaration (<!DOCTYPE ...>) is not allowed"},
      {"<!-- -->\n  <html/>", 2, 3, "The root element is <html>; it must be <Response>"},
      {"<Response version='9'/>", 1, 1, "Version \"9\" of <Response> is not known; leave it out"},
  };
  for (const auto& c : kCases) {
    const TwimlReport report = CheckTwiml(c.document, Kind::kVoice);
    ASSERT_TRUE(report.fatal) << c.document;
    EXPECT_EQ(report.fatal->message, c.message);
    EXPECT_EQ(report.fatal->level, Level::kError);
    EXPECT_EQ(report.fatal->line, c.line) << c.document;
    EXPECT_EQ(report.fatal->column, c.column) << c.document;
  }
}

TEST(CheckTwimlTest, Utf16IsNotReadAsSuch) {
  for (const std::string& document : {std::string("\xFF\xFE<\0R\0e\0s\0p\0o\0n\0s\0e\0/\0>\0", 24),
                                      std::string("<\0R\0e\0s\0p\0o\0n\0s\0e\0/\0>\0", 22)}) {
    const TwimlReport report = CheckTwiml(document, Kind::kVoice);
    ASSERT_TRUE(report.fatal);
    EXPECT_EQ(report.fatal->code, 12100);
  }
}

TEST(CheckTwimlTest, NoWarningsNextToAFatalFinding) {
  const TwimlReport report = CheckTwiml("<Response><Sing/><Say>", Kind::kVoice);
  EXPECT_TRUE(report.fatal);
  EXPECT_THAT(report.warnings, IsEmpty());
}

TEST(CheckTwimlTest, X8Depth) {
  // <Response> and <Say> take two levels.
  const auto nested = [](int levels) {
    return absl::StrCat("<Response><Say>", Repeated(levels - 2, "<prosody>"),
                        Repeated(levels - 2, "</prosody>"), "</Say></Response>");
  };
  const TwimlReport inside = CheckTwiml(nested(kTwimlDepthMax), Kind::kVoice);
  EXPECT_FALSE(inside.fatal);
  EXPECT_THAT(inside.warnings, IsEmpty());
  const TwimlReport outside = CheckTwiml(nested(kTwimlDepthMax + 1), Kind::kVoice);
  ASSERT_TRUE(outside.fatal);
  EXPECT_EQ(outside.fatal->code, 12100);
  EXPECT_EQ(outside.fatal->message, "Elements are nested deeper than 64");
  // Not even closed: the end is never reached.
  EXPECT_THAT(Codes(Repeated(20000, "<a>"), "", Kind::kVoice), ElementsAre(12100));
}

TEST(CheckTwimlTest, Elements) {
  const auto hangups = [](int elements) {
    return absl::StrCat("<Response>", Repeated(elements - 1, "<Hangup/>"), "</Response>");
  };
  EXPECT_FALSE(CheckTwiml(hangups(kTwimlElementsMax), Kind::kVoice).fatal);
  const TwimlReport outside = CheckTwiml(hangups(kTwimlElementsMax + 1), Kind::kVoice);
  ASSERT_TRUE(outside.fatal);
  EXPECT_EQ(outside.fatal->message, "The document has more than 10000 elements");
}

TEST(CheckTwimlTest, Bytes) {
  const std::string start = "<Response><Say>";
  const std::string end = "</Say></Response>";
  const auto sized = [&](size_t size) {
    return start + std::string(size - start.size() - end.size(), 'a') + end;
  };
  EXPECT_FALSE(CheckTwiml(sized(kTwimlBytesMax), Kind::kVoice).fatal);
  const TwimlReport outside = CheckTwiml(sized(kTwimlBytesMax + 1), Kind::kVoice);
  ASSERT_TRUE(outside.fatal);
  EXPECT_EQ(outside.fatal->code, 11750);
}

TEST(CheckTwimlTest, Warnings) {
  const auto wrong = [](size_t count) {
    return absl::StrCat("<Response>", Repeated(static_cast<int>(count), "<a/>"), "</Response>");
  };
  EXPECT_THAT(CheckTwiml(wrong(kTwimlWarningsMax - 1), Kind::kVoice).warnings,
              SizeIs(kTwimlWarningsMax - 1));
  EXPECT_THAT(CheckTwiml(wrong(kTwimlWarningsMax), Kind::kVoice).warnings,
              SizeIs(kTwimlWarningsMax));
  EXPECT_THAT(CheckTwiml(wrong(kTwimlWarningsMax + 1), Kind::kVoice).warnings,
              SizeIs(kTwimlWarningsMax));
}

TEST(CheckTwimlTest, X9ManyAttributesAndLongOnes) {
  std::string many = "<Response><Say";
  for (int i = 0; i < 10000; ++i) absl::StrAppend(&many, " a", i, "=''");
  many += ">a</Say></Response>";
  ASSERT_LE(many.size(), kTwimlBytesMax);
  const TwimlReport report = CheckTwiml(many, Kind::kVoice);
  EXPECT_FALSE(report.fatal);
  EXPECT_THAT(report.warnings,
              AllOf(SizeIs(kTwimlWarningsMax), Each(Field(&Finding::code, 12200))));

  const std::string value(60000, 'x');
  ExpectCodes({
      {"X9 long value", absl::StrCat("<Response><Dial action='", value, "'>+1</Dial></Response>")},
      {"X9 long name", absl::StrCat("<Response><Dial ", value, "=''/></Response>"), {12200}},
      {"X9 long version", absl::StrCat("<Response version='", value, "'/>"), {12101}},
  });
}

TEST(CheckTwimlTest, LongNamesAreCutBetweenCharacters) {
  const auto warning = [](const std::string& tag) {
    return CheckTwiml(absl::StrCat("<Response><", tag, "/></Response>"), Kind::kVoice)
        .warnings.at(0)
        .message;
  };
  const std::string inside(64, 'x');
  EXPECT_THAT(warning(inside), HasSubstr(absl::StrCat("<", inside, "> is")));
  EXPECT_THAT(warning(inside + "x"), HasSubstr(absl::StrCat("<", inside, "...> is")));
  const std::string accented = std::string(63, 'x') + "\xC3\xA9";
  EXPECT_THAT(warning(accented), HasSubstr(absl::StrCat("<", std::string(63, 'x'), "...> is")));
}

TEST(CheckTwimlTest, SuggestionsAreNear) {
  const struct {
    const char* attribute;
    bool near;
  } kCases[] = {
      {"timeout", false},     // is one
      {"timeOut", true},      // case does not count
      {"tiemout", true},      // a swap
      {"timot", true},        // two missing
      {"timt", false},        // three missing
      {"timeoutxx", true},    // two more
      {"timeoutxxx", false},  // three more
      {"recordingStatusCallbackEvents", true},
  };
  for (const auto& c : kCases) {
    const TwimlReport report = CheckTwiml(
        absl::StrCat("<Response><Dial ", c.attribute, "='1'/></Response>"), Kind::kVoice);
    const bool suggested = !report.warnings.empty() &&
                           report.warnings[0].message.find("did you mean") != std::string::npos;
    EXPECT_EQ(suggested, c.near) << c.attribute;
  }
}

}  // namespace
}  // namespace understudy::twilio
