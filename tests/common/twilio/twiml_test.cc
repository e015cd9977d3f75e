#include "common/twilio/twiml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/charset.h"
#include "common/twilio/twiml_messages.h"
#include "common/twilio/twiml_values.h"

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

std::string AllMessages(const TwimlReport& report) {
  std::string all = report.fatal ? report.fatal->message : "";
  for (const Finding& finding : report.warnings) absl::StrAppend(&all, finding.message, "\n");
  return all;
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
      {"X12 verb in a message",
       "<Response><Say>Hi</Say></Response>",
       {12200, 14110},
       "",
       messaging},
      {"X12 noun in a message", "<Response><Number>1</Number></Response>", {12200}, "", messaging},
      {"X12 no verb in a message", "<Response><Sing/></Response>", {12200}, "", messaging},
      {"X12 text in a message", "<Response>Hi</Response>", {12200}, "", messaging},
      {"X15 comments",
       "<!-- a --><Response><!-- b --><Say>a<!-- c -->b</Say></Response><!-- d -->"},
      {"X15 processing instructions", "<?a b?><Response><?c d?></Response><?e?>"},
      {"X15 CDATA", "<Response><Say><![CDATA[a < b & c]]></Say></Response>"},
      {"X15 namespaces", "<Response xmlns='a' xmlns:b='c'><Say xmlns:d='e'>x</Say></Response>"},
      {"X15 xml:lang", "<Response><Say><lang xml:lang='fr-FR'>Oui</lang></Say></Response>"},
      {"X15 unknown prefix", "<Response><Say a:b='c'>x</Say><a:Say/></Response>", {12200, 12200}},
  });
}

// What is in a <Response>, and the codes it gets.
struct Part {
  std::string inside;
  std::vector<int> codes = {};
};

void ExpectPartCodes(Kind kind, const std::vector<Part>& parts) {
  for (const Part& part : parts) {
    const std::string document = absl::StrCat("<Response>", part.inside, "</Response>");
    EXPECT_EQ(Codes(document, "", kind), part.codes) << document;
  }
}

TEST(CheckTwimlTest, X13ValuesOfDial) {
  const auto dial = [](const std::string& attribute) {
    return absl::StrCat("<Dial ", attribute, ">+14155550100</Dial>");
  };
  ExpectPartCodes(Kind::kVoice,
                  {
                      {dial("method='get'")},
                      {dial("method='PUT'"), {13210}},
                      {dial("method=''"), {13210}},
                      {dial("timeout='1'")},
                      {dial("timeout='0'"), {13212}},
                      {dial("timeout='x'"), {13212}},
                      {dial("hangupOnStar='yes'"), {13213}},
                      {dial("timeLimit='1'")},
                      {dial("timeLimit='0'"), {13216}},
                      {dial("record='true'")},
                      {dial("record='always'"), {13217}},
                      {dial("sequential='1'"), {13218}},
                      {dial("answerOnBridge='True'"), {13219}},
                      {dial("ringTone='us-old'")},
                      {dial("ringTone='US'"), {13220}},
                      {dial("recordingTrack='all'"), {13622}},
                      {dial("trim='yes'"), {13699}},
                      {dial("recordingStatusCallback='https://'"), {13256}},
                      {dial("recordingStatusCallbackEvent='in-progress completed'")},
                      {dial("recordingStatusCallbackEvent='started'"), {13621}},
                      {dial("recordingStatusCallbackMethod='PUT'"), {12200}},
                      {dial("action=''")},
                      {dial("action='/next?a=b'")},
                      {dial("action='ftp://www.example.com/'"), {11100}},
                      {dial("referUrl='http://:80/'"), {12200}},
                      {dial(absl::StrCat("callReason='", std::string(50, 'x'), "'"))},
                      {dial(absl::StrCat("callReason='", std::string(51, 'x'), "'")), {12200}},
                      {dial("timeout='x' method='y' events='z'"), {13212, 13210, 12200}},
                  });
}

TEST(CheckTwimlTest, X13NounsOfDial) {
  ExpectPartCodes(
      Kind::kVoice,
      {
          {"<Dial/>", {13223}},
          {"<Dial> \n</Dial>", {13223}},
          {"<Dial>415-555-0100</Dial>"},
          {"<Dial>\n  +1 415 555 0100\n</Dial>"},
          {"<Dial>alice</Dial>", {13223}},
          {"<Dial><Number/></Dial>", {13223}},
          {"<Dial><Number>+1234567890123456</Number></Dial>", {13223}},
          {"<Dial><Number>+123456789012345</Number></Dial>"},
          {"<Dial><Number>&#43;1<!-- --><![CDATA[4155550100]]></Number></Dial>"},
          {"<Dial><Number method='x'>+14155550100</Number></Dial>", {13221}},
          {"<Dial><Number sendDigits='1*#w'>+14155550100</Number></Dial>"},
          {"<Dial><Number sendDigits='1a'>+14155550100</Number></Dial>", {13222}},
          {"<Dial><Sip method='x'>sip:a@b.example</Sip></Dial>", {13241}},
          {"<Dial><Sip sendDigits=','>sip:a@b.example</Sip></Dial>", {13242}},
          {"<Dial><Sip>a@b.example</Sip></Dial>", {13243}},
          {"<Dial><Sip><Uri>sip:a@b.example</Uri><Uri>b.example</Uri></Sip></Dial>", {13243}},
          {"<Dial><Client>alice</Client></Dial>"},
          {"<Dial><Conference/></Dial>", {13237}},
          {"<Dial><Conference muted='x'>r</Conference></Dial>", {13230}},
          {"<Dial><Conference endConferenceOnExit='x'>r</Conference></Dial>", {13231}},
          {"<Dial><Conference startConferenceOnEnter='x'>r</Conference></Dial>", {13232}},
          {"<Dial><Conference waitUrl=''>r</Conference></Dial>"},
          {"<Dial><Conference waitUrl='a b'>r</Conference></Dial>", {13233}},
          {"<Dial><Conference waitMethod='x'>r</Conference></Dial>", {13234}},
          {"<Dial><Conference beep='onEnter'>r</Conference></Dial>"},
          {"<Dial><Conference beep='onenter'>r</Conference></Dial>", {13235}},
          {"<Dial><Conference trim='x'>r</Conference></Dial>", {13239}},
          {"<Dial><Number>+14155550100</Number><Number>+14155550101</Number></Dial>"},
          {"<Dial><Conference>r</Conference><Conference>s</Conference></Dial>"},
          {"<Dial><Number>1</Number><Conference>r</Conference><Number>2</Number></Dial>", {13000}},
          {"<Dial><Conference>r</Conference><Number>1</Number></Dial>", {13000}},
          {"<Dial><Conference>r</Conference></Dial><Dial><Number>1</Number></Dial>"},
          {"<Dial><Queue/></Dial>", {14212}},
          {"<Dial><Queue>a</Queue></Dial>"},
          {absl::StrCat("<Dial><Queue> ", std::string(63, 'q'), " </Queue></Dial>")},
          {absl::StrCat("<Dial><Queue>", std::string(64, 'q'), "</Queue></Dial>"), {14213}},
          {"<Dial><Queue method='x'>q</Queue></Dial>", {14210}},
          {"<Dial><Queue url='http://'>q</Queue></Dial>", {14211}},
      });
}

TEST(CheckTwimlTest, X13ValuesOfGather) {
  const auto gather = [](const std::string& attribute) {
    return absl::StrCat("<Gather ", attribute, "/>");
  };
  ExpectPartCodes(Kind::kVoice, {
                                    {gather("finishOnKey=''")},
                                    {gather("finishOnKey='*'")},
                                    {gather("finishOnKey='a'"), {13310}},
                                    {gather("finishOnKey='12'"), {13311}},
                                    {gather("method='x'"), {13312}},
                                    {gather("timeout='0'"), {13313}},
                                    {gather("numDigits='1'")},
                                    {gather("numDigits='0'"), {13314}},
                                    {gather("input='dtmf speech'")},
                                    {gather("input='voice'"), {13326}},
                                    {gather("speechTimeout='auto'")},
                                    {gather("speechTimeout='0'"), {13327}},
                                    {gather("speechTimeout='Auto'"), {13327}},
                                    {gather("maxSpeechTime='x'"), {13328}},
                                    {gather("partialResultCallbackMethod='x'"), {13329}},
                                    {gather("language='en-US'")},
                                    {gather("language='en'"), {13331}},
                                    {gather("bargeIn='x'"), {13332}},
                                    {gather("profanityFilter='x'"), {13333}},
                                    {gather("speechTimeout='auto' speechModel='default'"), {13335}},
                                    {gather("speechModel='default' speechTimeout='auto'"), {13335}},
                                    {gather("speechTimeout='auto' speechModel='phone_call'")},
                                    {gather("speechTimeout='3' speechModel='default'")},
                                    {gather("actionOnEmptyResult='x'"), {13338}},
                                    {gather("action='https://www.example.com:x/'"), {11100}},
                                    {"<Gather><Say voice='nobody'>a</Say></Gather>", {13321}},
                                    {"<Gather><Say loop='-1'>a</Say></Gather>", {13322}},
                                    {"<Gather><Say loop='0'>a</Say></Gather>"},
                                    {"<Gather><Play loop='x'>/a.mp3</Play></Gather>", {13410}},
                                    {"<Gather><Play digits='1'>/a.mp3</Play></Gather>", {12200}},
                                    {"<Gather><Play/></Gather>", {12200}},
                                });
}

TEST(CheckTwimlTest, X13ValuesOfOtherVerbs) {
  const auto record = [](const std::string& attribute) {
    return absl::StrCat("<Record ", attribute, "/>");
  };
  ExpectPartCodes(Kind::kVoice,
                  {
                      {"<Play>/a.mp3</Play>"},
                      {"<Play>\n  https://www.example.com/a.mp3?x=1&amp;y=2\n</Play>"},
                      {"<Play loop='0'>/a.mp3</Play>"},
                      {"<Play loop='x'>/a.mp3</Play>", {13410}},
                      {"<Play digits='1234567890ABCDwW*#'/>"},
                      {"<Play digits='1a'/>", {13430}},
                      {"<Play/>", {12200}},
                      {"<Play>https://www.example.com/a b.mp3</Play>", {11100}},
                      {"<Play>file:///a.mp3</Play>", {11100}},
                      {"<Say/>", {13520}},
                      {"<Say> \n<!-- a --></Say>", {13520}},
                      {"<Say><break time='1s'/></Say>"},
                      {"<Say><p><s>Hello</s></p></Say>"},
                      {"<Say><p/></Say>", {13520, 12200}},
                      {"<Say loop='x'>a</Say>", {13510}},
                      {"<Say voice='Polly.Joanna'>a</Say>"},
                      {"<Say voice='nobody'>a</Say>", {13511}},
                      {"<Say language='es'>a</Say>"},
                      {"<Say language='klingon'>a</Say>", {13512}},
                      {"<Pause/>"},
                      {"<Pause length='1'/>"},
                      {"<Pause length='0'/>", {13910}},
                      {"<Pause length='1.5'/>", {13910}},
                      {record("method='x'"), {13610}},
                      {record("timeout='0'"), {13611}},
                      {record("maxLength='0'"), {13612}},
                      {record("finishOnKey='12*'")},
                      {record("finishOnKey='x'"), {13613}},
                      {record("transcribe='x'"), {13614}},
                      {record("transcribe='true' maxLength='120'")},
                      {record("transcribe='true' maxLength='121'"), {13615}},
                      {record("maxLength='121' transcribe='true'"), {13615}},
                      {record("transcribe='false' maxLength='121'")},
                      {record("playBeep='x'"), {13616}},
                      {record("trim='x'"), {13699}},
                      {record("transcribeCallback='x y'"), {13257}},
                      {record("recordingStatusCallback='x y'"), {13256}},
                      {record("recordingStatusCallbackEvent='x'"), {13621}},
                      {"<Redirect>/next</Redirect>"},
                      {"<Redirect/>", {12200}},
                      {"<Redirect method='x'>/next</Redirect>", {13710}},
                      {"<Redirect>http://www.example.com:99999/</Redirect>", {11100}},
                      {"<Reject reason='busy'/>"},
                      {"<Reject reason='tired'/>", {13810}},
                      {"<Enqueue>support</Enqueue>"},
                      {"<Enqueue/>", {14204}},
                      {"<Enqueue workflowSid='WW1'/>"},
                      {"<Enqueue workflowSid='WW1'><Task>{}</Task></Enqueue>"},
                      {"<Enqueue><Task>{}</Task></Enqueue>", {14204}},
                      {absl::StrCat("<Enqueue>", std::string(63, 'q'), "</Enqueue>")},
                      {absl::StrCat("<Enqueue>", std::string(64, 'q'), "</Enqueue>"), {14205}},
                      {"<Enqueue method='x'>q</Enqueue>", {14201}},
                      {"<Enqueue waitUrl='x y'>q</Enqueue>", {14202}},
                      {"<Enqueue action='x y'>q</Enqueue>", {14203}},
                      {"<Enqueue waitUrlMethod='x'>q</Enqueue>", {14206}},
                      {"<Enqueue maxQueueSize='5000'>q</Enqueue>"},
                      {"<Enqueue maxQueueSize='5001'>q</Enqueue>", {12200}},
                      {"<Connect><Stream/></Connect>", {12200}},
                      {"<Start><Stream url='wss://www.example.com/'/></Start>"},
                      {"<Start><Stream url='tcp://www.example.com/'/></Start>", {12200}},
                      {"<Stop><Stream name='a'/></Stop>"},
                      {"<Hangup><Parameter name='a' value='b'/></Hangup>"},
                      {"<Hangup><Parameter name='a'/></Hangup>", {12200}},
                      {"<Hangup><Parameter/></Hangup>", {12200, 12200}},
                      {"<Refer><Sip/></Refer>", {12200}},
                  });
}

TEST(CheckTwimlTest, X13ValuesInMessages) {
  const auto message = [](const std::string& attribute) {
    return absl::StrCat("<Message ", attribute, ">Hi</Message>");
  };
  ExpectPartCodes(Kind::kMessaging,
                  {
                      {message("method='Post'")},
                      {message("method='x'"), {14104}},
                      {message("statusCallback='x y'"), {14105}},
                      {message("action='x y'"), {11100}},
                      {"<Message/>", {14103}},
                      {"<Message><Body/></Message>", {14103}},
                      {"<Message><Media>https://www.example.com/a.png</Media></Message>"},
                      {"<Message><Media>ftp://www.example.com/a.png</Media></Message>", {12200}},
                      {"<Message><Media/></Message>", {12200}},
                      {"<Sms/>", {14103}},
                      {"<Sms method='x'>Hi</Sms>", {14104}},
                      {"<Redirect method='x'>/next</Redirect>", {13710}},
                      {"<Redirect>http://</Redirect>", {11100}},
                  });
}

TEST(CheckTwimlTest, HowMuchMayBeSaid) {
  const struct {
    const char* before;
    const char* after;
    size_t most;
    int code;
    Kind kind;
  } kRows[] = {
      {"<Say>", "</Say>", 4096, 13521, Kind::kVoice},
      {"<Say voice='alice'>", "</Say>", 4096, 13521, Kind::kVoice},
      {"<Say voice='Polly.Joanna'>", "</Say>", 3000, 13521, Kind::kVoice},
      {"<Say voice='Polly.Joanna'><p><s>", "</s>\n </p>\n</Say>", 3000, 13521, Kind::kVoice},
      {"<Gather><Say>", "</Say></Gather>", 4096, 13521, Kind::kVoice},
      {"<Message>", "</Message>", 1600, 14103, Kind::kMessaging},
      {"<Message>\n  <Body>", "</Body>\n</Message>", 1600, 14103, Kind::kMessaging},
      {"<Message>ab<Body>", "</Body>c</Message>", 1597, 14103, Kind::kMessaging},
      {"<Message><Body>ab</Body><Body>", "</Body></Message>", 1598, 14103, Kind::kMessaging},
      {"<Sms>", "</Sms>", 1600, 14103, Kind::kMessaging},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.before);
    for (const std::string character : {"a", "\xC3\xA9", "&amp;"}) {
      const auto codes = [&](size_t characters) {
        return Codes(absl::StrCat("<Response>", row.before,
                                  Repeated(static_cast<int>(characters), character), row.after,
                                  "</Response>"),
                     "", row.kind);
      };
      EXPECT_THAT(codes(row.most), IsEmpty());
      EXPECT_THAT(codes(row.most + 1), ElementsAre(row.code));
    }
    // White space around it is not said; within, it is.
    const std::string spaced =
        absl::StrCat("<Response>", row.before, " \n a", std::string(row.most - 2, ' '), "b\t\n",
                     row.after, "</Response>");
    EXPECT_THAT(Codes(spaced, "", row.kind), IsEmpty());
  }
}

TEST(CheckTwimlTest, HowManyMessagesMayBeSent) {
  const auto codes = [](int messages, int sms, int media) {
    return Codes(absl::StrCat("<Response>", Repeated(messages, "<Message>a</Message>"),
                              Repeated(sms, "<Sms>b</Sms>"), "<Message>",
                              Repeated(media, "<Media>/a</Media>"), "c</Message></Response>"),
                 "", Kind::kMessaging);
  };
  EXPECT_THAT(codes(9, 0, 10), IsEmpty());
  EXPECT_THAT(codes(5, 4, 0), IsEmpty());
  EXPECT_THAT(codes(10, 0, 0), ElementsAre(14109));
  EXPECT_THAT(codes(5, 5, 0), ElementsAre(14109));
  EXPECT_THAT(codes(20, 0, 0), ElementsAre(14109));  // once
  EXPECT_THAT(codes(0, 0, 11), ElementsAre(12200));
  EXPECT_THAT(codes(0, 0, 30), ElementsAre(12200));
}

TEST(CheckTwimlTest, EveryFindingHasTheLevelOfItsCode) {
  const TwimlReport report = CheckTwiml(
      "<Response><Gather actionOnEmptyResult='x' timeout='x'/><Redirect>a b</Redirect></Response>",
      Kind::kVoice);
  ASSERT_THAT(report.warnings, SizeIs(3));
  EXPECT_FALSE(report.fatal);
  EXPECT_EQ(report.warnings[0].code, 13338);
  EXPECT_EQ(report.warnings[0].level, Level::kError);
  EXPECT_EQ(report.warnings[1].code, 13313);
  EXPECT_EQ(report.warnings[1].level, Level::kWarning);
  EXPECT_EQ(report.warnings[2].code, 11100);
  EXPECT_EQ(report.warnings[2].level, Level::kError);
}

TEST(CheckTwimlTest, FindingsAreInDocumentOrder) {
  // That the Say is empty is found at its end.
  const TwimlReport report =
      CheckTwiml("<Response>\n<Say><p tone='x'/></Say>\n<Sing/></Response>", Kind::kVoice);
  ASSERT_THAT(report.warnings, SizeIs(4));
  EXPECT_EQ(report.warnings[0].code, 13520);
  EXPECT_EQ(report.warnings[0].column, 1);
  EXPECT_EQ(report.warnings[1].column, 6);
  EXPECT_EQ(report.warnings[2].column, 9);
  EXPECT_EQ(report.warnings[3].line, 3);
}

TEST(CheckTwimlTest, AttributesAreFoundInTheirTags) {
  const struct {
    const char* document;
    int line;
    int column;
  } kCases[] = {
      {"<Response><Pause x='1'/></Response>", 1, 18},
      {"<Response><Pause length='1' x='1'/></Response>", 1, 29},
      {"<Response><Pause length = '1'\r\n x = \"1\" /></Response>", 2, 2},
      {"<Response><Pause length='1'\tx='1'/></Response>", 1, 29},
      {"<Response><Gather action='/a?x=\"1\"&amp;y=2' x='1'/></Response>", 1, 45},
      {"<Response><Gather action=\"'>/\" x='1'></Gather></Response>", 1, 32},
      {"<Response><Gather hints='\xC3\xA9\xF0\x9F\x98\x80' x='1'/></Response>", 1, 30},
      {"\xEF\xBB\xBF<Response><Pause x='1'/></Response>", 1, 18},
      {"<?xml version='1.0' encoding='ISO-8859-1'?><Response><Pause x='1'/></Response>", 1, 61},
      {"<Response>\r<Pause\rx='1'/></Response>", 3, 1},
  };
  for (const auto& c : kCases) {
    const TwimlReport report = CheckTwiml(c.document, Kind::kVoice);
    EXPECT_FALSE(report.fatal) << c.document;
    ASSERT_THAT(report.warnings, SizeIs(1)) << c.document;
    EXPECT_EQ(report.warnings[0].line, c.line) << c.document;
    EXPECT_EQ(report.warnings[0].column, c.column) << c.document;
  }
}

// Also where the findings of one tag are not made in its order.
TEST(CheckTwimlTest, SeveralAttributesOfOneTag) {
  const TwimlReport report = CheckTwiml(
      "<Response><Record maxLength='121' timeout='x'\n transcribe='true' why='z'/>"
      "<Record why='z'/></Response>",
      Kind::kVoice);
  ASSERT_THAT(report.warnings, SizeIs(4));
  const struct {
    int code;
    int line;
    int column;
  } kFound[] = {{13615, 1, 19}, {13611, 1, 35}, {12200, 2, 20}, {12200, 2, 37}};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(report.warnings[i].code, kFound[i].code) << i;
    EXPECT_EQ(report.warnings[i].line, kFound[i].line) << i;
    EXPECT_EQ(report.warnings[i].column, kFound[i].column) << i;
  }
}

TEST(CheckTwimlTest, ValuesAreSaidAndWhatTheyMayBe) {
  const struct {
    const char* inside;
    const char* message;
  } kCases[] = {
      {"<Dial record='record-from-anser'>1</Dial>",
       "Attribute record of <Dial> is \"record-from-anser\"; did you mean \"record-from-answer\"? "
       "It may be do-not-record, record-from-answer, record-from-ringing, record-from-answer-dual, "
       "record-from-ringing-dual, true, false"},
      {"<Dial hangupOnStar='True'>1</Dial>",
       "Attribute hangupOnStar of <Dial> is \"True\"; did you mean \"true\"? It may be true or "
       "false"},
      {"<Dial method='PSOT'>1</Dial>",
       "Attribute method of <Dial> is \"PSOT\"; did you mean \"POST\"? It may be GET or POST"},
      {"<Pause length='soon'/>",
       "Attribute length of <Pause> is \"soon\". It may be one of the whole numbers from 1"},
      {"<Enqueue maxQueueSize='9999'>q</Enqueue>",
       "Attribute maxQueueSize of <Enqueue> is \"9999\". It may be one of the whole numbers from 0 "
       "to 5000"},
      {"<Gather speechTimeout=''/>",
       "Attribute speechTimeout of <Gather> is \"\". It may be auto or one of the whole numbers "
       "from 1"},
      {"<Gather input='dtmf spech'/>",
       "Attribute input of <Gather> is \"dtmf spech\", where \"spech\" is not known; did you mean "
       "\"speech\"? It may be dtmf, speech; several with single spaces between"},
      {"<Gather finishOnKey='##'/>",
       "Attribute finishOnKey of <Gather> is \"##\". It may be at most 1 of 0123456789*#"},
      {"<Record finishOnKey='x'/>",
       "Attribute finishOnKey of <Record> is \"x\". It may be made of 0123456789*#"},
      {"<Gather><Say voice='polly.joana'>a</Say></Gather>",
       "Attribute voice of <Say> in <Gather> is \"polly.joana\"; did you mean \"Polly.Joanna\"? "
       "It may be any of 900 known ones, or a newer one, such as Polly.Sergio-Generative, "
       "Polly.Stephen-Generative, Polly.Vicki-Generative"},
      {"<Dial action='a b'>1</Dial>",
       "Attribute action of <Dial> is \"a b\". It may be an http or https URL, or a relative one, "
       "without blanks"},
      {"<Start><Stream url='tcp://a'/></Start>",
       "Attribute url of <Stream> is \"tcp://a\". It may be a URL of the scheme wss, ws, https or "
       "http, without blanks"},
      {"<Redirect>\n  http://a b/\n</Redirect>",
       "\"http://a b/\" in <Redirect> is not a URL: it may be an http or https URL, or a relative "
       "one, without blanks"},
      {"<Dial>alice</Dial>",
       "\"alice\" in <Dial> is not a phone number: it may be + and at most 15 digits, such as "
       "+14155550100"},
      {"<Dial><Sip>alice</Sip></Dial>",
       "\"alice\" in <Sip> is not a SIP URI: it may be such as sip:alice@sip.example.com"},
      {"<Dial/>",
       "<Dial> needs a phone number, or one of Application, Client, Conference, Number, Queue, "
       "Sim, "
       "Sip, WhatsApp"},
      {"<Play/>", "<Play> needs a URL, or attribute digits"},
      {"<Gather><Play/></Gather>", "<Play> in <Gather> needs a URL"},
      {"<Enqueue/>", "<Enqueue> needs the name of a queue, or attribute workflowSid"},
      {"<Say/>", "<Say> needs words to say"},
      {"<Connect><Stream/></Connect>", "<Stream> needs attribute url"},
  };
  for (const auto& c : kCases) {
    const TwimlReport report =
        CheckTwiml(absl::StrCat("<Response>", c.inside, "</Response>"), Kind::kVoice);
    ASSERT_THAT(report.warnings, SizeIs(1)) << c.inside;
    EXPECT_EQ(report.warnings[0].message, c.message);
  }
}

// A document full of mistakes gets no more looking for what was meant than the limit.
TEST(CheckTwimlTest, SuggestionsAreBounded) {
  const size_t voices = ValuesOf(ValueSet::kSayVoice).size();
  const size_t whole = kComparisonsMax / voices;
  const TwimlReport report = CheckTwiml(
      absl::StrCat("<Response>", Repeated(50, "<Say voice='Polly.Joana'>a</Say>"), "</Response>"),
      Kind::kVoice);
  ASSERT_THAT(report.warnings, SizeIs(50));
  for (size_t i = 0; i < report.warnings.size(); ++i) {
    EXPECT_EQ(absl::StrContains(report.warnings[i].message, "did you mean"), i < whole) << i;
  }
}

// The parser of a thread forgets a document before it reads the next.
TEST(CheckTwimlTest, DocumentsDoNotMeet) {
  const std::string many = [] {
    std::string document = "<Response><x";
    for (int i = 0; i < 5000; ++i) absl::StrAppend(&document, " a", i, "=''");
    return document + "/></Response>";
  }();
  const std::vector<Case> documents = {
      {"good", "<Response><Say>Hi</Say></Response>"},
      {"stopped", Repeated(100, "<a>"), {12100}},
      {"cut", "<Response><Play>/a", {12100}},
      {"foreign names", many, {12200}},
      {"warned", "<Response><Play>a b</Play></Response>", {11100}},
      {"root", "<a/>", {12102}},
  };
  for (const Case& first : documents) {
    for (const Case& second : documents) {
      EXPECT_EQ(Codes(first.document, "", Kind::kVoice), first.codes) << first.what;
      EXPECT_EQ(Codes(second.document, "", Kind::kVoice), second.codes) << second.what;
    }
  }
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
       29,
       "Attribute methd is not allowed on <Redirect>; did you mean method? <Redirect> may have "
       "method"},
      {"<Response><Hangup why='x'/></Response>", Kind::kVoice, 1, 19,
       "Attribute why is not allowed on <Hangup>. <Hangup> has no attributes"},
      {"<Response><Pause\n\tseconds='1'/></Response>", Kind::kVoice, 2, 2,
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
      {"<!-- -->\n<!DOCTYPE html>\n<html/>", 2, 1,
       "A document type declaration (<!DOCTYPE ...>) is not allowed"},
      {"<!-- -->\n  <html/>", 2, 3, "The root element is <html>; it must be <Response>"},
      {"<Response version='9'/>", 1, 11, "Version \"9\" of <Response> is not known; leave it out"},
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
    return absl::StrCat("<Response><Say>", Repeated(levels - 2, "<prosody>"), "x",
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
      {"X9 long value",
       absl::StrCat("<Response><Dial action='", value, "'>+14155550100</Dial></Response>")},
      {"X9 long name", absl::StrCat("<Response><Say ", value, "=''>x</Say></Response>"), {12200}},
      {"X9 long version", absl::StrCat("<Response version='", value, "'/>"), {12101}},
  });
}

// What they cost is measured by tests/bench; here, that they end where they should.
TEST(CheckTwimlTest, WorstDocuments) {
  std::string million = "<Response><Say";
  for (int i = 0; i < 1000000; ++i) absl::StrAppend(&million, " a", i, "=''");
  million += "/></Response>";
  std::string longest = "<Response><Say";  // as many attributes as any document may have
  for (int i = 0; longest.size() + 30 < kTwimlBytesMax; ++i) {
    absl::StrAppend(&longest, " a", i, "=''");
  }
  longest += ">a</Say></Response>";
  const auto hundred = [](int code) { return std::vector<int>(kTwimlWarningsMax, code); };
  ExpectCodes({
      {"X9 a million attributes", million, {11750}},
      {"X9 as many attributes as fit", longest, hundred(12200)},
      {"unknown attributes behind many others",
       [] {
         std::string document = "<Response><Say";
         for (int i = 0; i < 4000; ++i) absl::StrAppend(&document, " xmlns:n", i, "=''");
         for (int i = 0; i < 200; ++i) absl::StrAppend(&document, " a", i, "=''");
         return document + ">a</Say></Response>";
       }(),
       hundred(12200)},
      {"64 KiB of <", std::string(65536, '<'), {12100}},
      {"64 KiB of &", "<Response>" + std::string(65536, '&'), {12100}},
      {"64 KiB of white space", std::string(65536, ' '), {12100}},
      {"X8 nested without end", Repeated(65536 / 3, "<a>"), {12100}},
      {"mistakes without end",
       "<Response>" + Repeated(1500, "<Say voice='Polly.Joana'>a</Say>") + "</Response>",
       hundred(13511)},
      {"missing text without end", "<Response>" + Repeated(5000, "<Redirect/>") + "</Response>",
       hundred(12200)},
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
        absl::StrCat("<Response><Dial ", c.attribute, "='1'>+14155550100</Dial></Response>"),
        Kind::kVoice);
    const bool suggested = absl::StrContains(AllMessages(report), "did you mean");
    EXPECT_EQ(suggested, c.near) << c.attribute;
  }
}

}  // namespace
}  // namespace understudy::twilio
