#include "common/twilio/bin_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/every_choice.h"

namespace understudy::twilio {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string Repeated(int times, const std::string& text) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// `inside` as what is said in a call.
std::string Said(const std::string& inside) {
  return absl::StrCat("<Response><Say>", inside, "</Say></Response>");
}

// What the template says with the parameters, or the status.
std::string Rendered(const std::string& text, const Form& parameters) {
  const absl::StatusOr<BinTemplate> bin = BinTemplate::Parse(text);
  if (!bin.ok()) return std::string(bin.status().message());
  const absl::StatusOr<std::string> document = bin->Render(parameters);
  return document.ok() ? *document : std::string(document.status().message());
}

// "line:column code message" of the fatal finding or else of each warning.
std::vector<std::string> Findings(const std::string& text, Kind kind = Kind::kVoice) {
  const TwimlReport report = CheckBin(text, kind);
  const auto line = [](const Finding& finding) {
    return absl::StrCat(finding.line, ":", finding.column, " ", finding.code, " ", finding.message);
  };
  std::vector<std::string> lines;
  if (report.fatal.has_value()) lines.push_back(line(*report.fatal));
  for (const Finding& warning : report.warnings) lines.push_back(line(warning));
  return lines;
}

TEST(BinTemplateTest, Renders) {
  const Form form = {{"From", "+14155550100"},
                     {"Body", "<b> & 'c' \"d\""},
                     {"Empty", ""},
                     {"Twice", "first"},
                     {"Twice", "second"},
                     {"Dest[]", "a"},
                     {"Dest[]", ""},
                     {"Dest[]", "b"},
                     {"None[]", ""},
                     {"Both", "alone"},
                     {"Both[]", "x"},
                     {"Both[]", "y"},
                     {"Sip", "sip:+15125551212@x.sip.us1.twilio.com"},
                     {"a-b_9", "odd"},
                     {"e164", "mine"}};
  const struct {
    const char* inside;
    const char* said;
  } kCases[] = {
      {"", ""},
      {"{ } {} }} {a} }}} {", "{ } {} }} {a} }}} {"},
      // Values.
      {"{{From}}", "+14155550100"},
      {"{{ From }}{{\tFrom\n}}", "+14155550100+14155550100"},
      {"a {{From}} b {{Body}} c", "a +14155550100 b &lt;b&gt; &amp; &apos;c&apos; &quot;d&quot; c"},
      {"[{{Unknown}}{{from}}{{Empty}}{{None}}{{Dest}}]", "[]"},
      {"{{Twice}} {{Both}} {{a-b_9}}", "first alone odd"},
      // Sections.
      {"{{#From}}yes {{.}} {{Twice}}{{/From}}", "yes +14155550100 first"},
      {"{{# From }}yes{{/ From }}{{ ^From }}no{{/From}}", "yes"},
      {"{{#Empty}}yes{{/Empty}}{{^Empty}}no{{/Empty}}", "no"},
      {"{{#Unknown}}yes{{/Unknown}}{{^Unknown}}no{{/Unknown}}", "no"},
      {"{{#None}}yes{{/None}}{{^None}}no{{/None}}", "no"},
      {"{{#Dest}}({{.}}){{/Dest}}{{^Dest}}no{{/Dest}}", "(a)(b)"},
      {"{{#Both}}({{.}}{{Both}}){{/Both}}", "(xalone)(yalone)"},
      {"{{#Twice}}({{.}}){{/Twice}}", "(first)"},
      {"{{#Body}}{{.}}{{/Body}}", "&lt;b&gt; &amp; &apos;c&apos; &quot;d&quot;"},
      {"{{#Dest}}{{#Both}}{{.}}{{/Both}}{{.}} {{/Dest}}", "xya xyb "},
      {"{{#Dest}}{{^Empty}}{{.}}{{/Empty}}{{/Dest}}", "ab"},
      {"{{#From}}{{#Empty}}a{{/Empty}}{{^Empty}}b{{/Empty}}{{/From}}", "b"},
      {"{{#From}}{{/From}}", ""},
      // The function.
      {"{{#e164}}{{Sip}}{{/e164}}", "+15125551212"},
      {"{{#e164}}{{From}}{{/e164}}", "+14155550100"},
      {"{{ #e164 }}call {{Sip}} or {{From}}{{/e164}}", "+15125551212"},
      {"[{{#e164}}{{Body}}{{/e164}}{{#e164}}{{Unknown}}{{/e164}}{{#e164}}{{/e164}}]", "[]"},
      {"[{{#e164}}+0123456 15125551212 +1 + ++{{/e164}}]", "[]"},
      {"[{{#e164}}+123456789012345{{/e164}}]", "[+123456789012345]"},
      {"[{{#e164}}+1234567890123456 +12{{/e164}}]", "[+12]"},
      {"{{#e164}}{{#Unknown}}{{From}}{{/Unknown}}{{^Unknown}}{{Sip}}{{/Unknown}}{{/e164}}",
       "+15125551212"},
      {"{{#Sip}}{{#e164}}{{.}}{{/e164}}{{/Sip}}", "+15125551212"},
      {"{{#e164}}{{#e164}}{{Sip}}{{/e164}}{{/e164}}", "+15125551212"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Rendered(Said(c.inside), form), Said(c.said)) << c.inside;
    EXPECT_FALSE(CheckBin(Said(c.inside), Kind::kVoice).fatal.has_value()) << c.inside;
  }
}

TEST(BinTemplateTest, SectionsHaveTheirPlaces) {
  const struct {
    const char* text;
    Form form;
    const char* document;
  } kCases[] = {
      {"<Response><Dial callerId=\"{{From}}\">{{To}}</Dial></Response>",
       {{"From", "\"><Hangup/>"}},
       "<Response><Dial callerId=\"&quot;&gt;&lt;Hangup/&gt;\"></Dial></Response>"},
      // Around elements, repeated.
      {"<Response><Dial>{{#Dest}}<Number>{{.}}</Number>{{/Dest}}</Dial></Response>",
       {{"Dest[]", "1"}, {"Dest[]", "2"}},
       "<Response><Dial><Number>1</Number><Number>2</Number></Dial></Response>"},
      // In an attribute's value, repeated.
      {"<Response><Gather hints='{{#H}}{{.}}, {{/H}}end'/></Response>",
       {{"H[]", "it's"}, {"H[]", "b"}},
       "<Response><Gather hints='it&apos;s, b, end'/></Response>"},
      // Around attributes, once.
      {"<Response><Dial {{#C}}callerId=\"{{.}}\"{{/C}}>1</Dial></Response>",
       {{"C[]", "1"}, {"C[]", "2"}},
       "<Response><Dial callerId=\"1\">1</Dial></Response>"},
      {"<Response><Dial{{#C}} callerId=\"{{C}}\"{{/C}}{{^C}} timeout='5'{{/C}} />"
       "</Response>",
       {},
       "<Response><Dial timeout='5' /></Response>"},
      // Around the root, once.
      {"{{#A}}<Response>{{.}}</Response>{{/A}}{{^A}}<Response/>{{/A}}\n",
       {{"A[]", "1"}, {"A[]", "2"}},
       "<Response>1</Response>\n"},
      {"{{^A}}{{#B}}<Response>b</Response>{{/B}}{{^B}}<Response/>{{/B}}{{/A}}"
       "{{#A}}<Response>a</Response>{{/A}}",
       {{"B", "1"}},
       "<Response>b</Response>"},
      {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{{#A}}<!-- a -->{{/A}}<Response/>",
       {{"A[]", "1"}, {"A[]", "2"}},
       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a --><Response/>"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Rendered(c.text, c.form), c.document);
}

TEST(BinTemplateTest, MistakesHaveTheirPlace) {
  const std::string kIn = "<Response><Say>";  // 15 columns
  const std::string kOut = "</Say></Response>";
  const struct {
    std::string text;
    const char* finding;  // begins so
  } kCases[] = {
      // Unclosed.
      {"{{", "1:1 11320 {{ is not closed by }}"},
      {kIn + "a\n {{From" + kOut, "2:2 11320 {{ is not closed"},
      {kIn + "\xC3\xA9\r\n\r{{From} and {{To}}" + kOut, "3:1 11320 {{ is not closed"},
      {kIn + "{{#A}}x" + kOut, "1:16 11320 Section A is not closed by {{/A}}"},
      {kIn + "{{#A}}{{^B}}{{/B}}" + kOut, "1:16 11320 Section A is not closed"},
      {kIn + "{{#e164}}x" + kOut, "1:16 11320 Section e164 is not closed"},
      // Closed, but not open.
      {kIn + "{{/A}}" + kOut, "1:16 11310 Section A is not open"},
      {kIn + "{{#A}}{{/B}}{{/A}}" + kOut, "1:22 11310 Section A is open, not B"},
      {kIn + "{{#A}}{{#B}}{{/A}}{{/B}}" + kOut, "1:28 11310 Section B is open, not A"},
      {kIn + "{{#A}}{{/a}}" + kOut, "1:22 11310 Section A is open, not a"},
      // Names.
      {kIn + "{{}}" + kOut, "1:16 11310 There is no name"},
      {kIn + "{{  }}" + kOut, "1:16 11310 There is no name"},
      {kIn + "{{#}}{{/}}" + kOut, "1:16 11310 There is no name"},
      {kIn + "{{To Number}}" + kOut, "1:16 11310 {{To Number}} is none of the forms"},
      {kIn + "{{Dest[]}}" + kOut, "1:16 11310 {{Dest[]}} is none"},
      {kIn + "{{trigger.call.From}}" + kOut, "1:16 11310 {{trigger.call.From}} is none"},
      {kIn + "{{\xC3\xA9}}" + kOut, "1:16 11310 {{\xC3\xA9}} is none"},
      {kIn + "{{#.}}{{/.}}" + kOut, "1:16 11310 {{#.}} is none"},
      {kIn + "{{.}}" + kOut, "1:16 11310 {{.}} has a value in {{#Name}}"},
      {kIn + "{{^A}}{{.}}{{/A}}" + kOut, "1:22 11310 {{.}} has a value in"},
      {kIn + "{{#e164}}{{.}}{{/e164}}" + kOut, "1:25 11310 {{.}} has a value in"},
      {kIn + "{{e164}}" + kOut, "1:16 11310 e164 is a function"},
      {kIn + "{{^e164}}{{/e164}}" + kOut, "1:16 11310 e164 is a function"},
      // Forms of other templates.
      {kIn + "{{{Body}}}" + kOut, "1:16 11310 {{{Body}} is none of the forms a bin has: values"},
      {kIn + "{{&Body}}" + kOut, "1:16 11310 {{&Body}} is none of the forms a bin has: values"},
      {kIn + "{{! why }}" + kOut, "1:16 11310 {{! why}} is none of the forms a bin has: a comm"},
      {kIn + "{{#if A}}{{/if}}" + kOut, "1:16 11310 {{#if A}} is none of the forms a bin has: a c"},
      {kIn + "{{#A}}{{else}}{{/A}}" + kOut,
       "1:22 11310 {{else}} is none of the forms a bin has: t"},
      {kIn + "{{#A}}{{this}}{{/A}}" + kOut,
       "1:22 11310 {{this}} is none of the forms a bin has: t"},
      {kIn + "{{> part}}" + kOut, "1:16 11310 {{> part}} is none of the forms"},
      // Values where no value can be.
      {"{{A}}<Response/>", "1:1 12100 A value cannot stand outside of the root element"},
      {"<Response/>{{#e164}}{{/e164}}", "1:12 12100 A value cannot stand outside"},
      {"<{{A}}/>", "1:2 12100 A value cannot stand in a tag"},
      {"<Response><S{{A}}/></Response>", "1:13 12100 A value cannot stand in a tag"},
      {"<Response><Say {{A}}/></Response>", "1:16 12100 A value cannot stand in a tag"},
      {"<Response><Say /{{A}}></Response>", "1:17 12100 A value cannot stand in a tag"},
      {"<Response><Say>x</{{A}}></Response>", "1:19 12100 A value cannot stand in a tag"},
      {"<Response><Say {{A}}='x'/></Response>", "1:16 12100 A value cannot stand in a tag"},
      {"<Response><Say a{{A}}='x'/></Response>",
       "1:17 12100 A value cannot stand in the name of an attribute"},
      {"<Response><Say a={{A}} /></Response>",
       "1:18 12100 A value cannot stand between the name and the value of an attribute"},
      {"<Response><!-- {{A}} --></Response>", "1:16 12100 A value cannot stand in a comment"},
      {kIn + "<![CDATA[{{A}}]]>" + kOut, "1:25 12100 A value cannot stand in a CDATA section"},
      {"<Response><?x {{A}}?></Response>", "1:15 12100 A value cannot stand in a processing"},
      {"<!DOCTYPE {{A}}><Response/>", "1:11 12100 A value cannot stand in a declaration"},
      {kIn + "&{{A}};" + kOut, "1:17 12100 A value cannot stand in a reference"},
      {kIn + "&am{{A}}p;" + kOut, "1:19 12100 A value cannot stand in a reference"},
      {"<Response version='{{A}}'/>", "1:20 12100 A value cannot stand in the version"},
      {"<Response version='{{#A}}1.0{{/A}}'/>", "1:20 12100 A section cannot begin in the version"},
      {kIn + "{{A}}]>" + kOut, "1:22 12100 Right behind {{...}} write &gt;"},
      {kIn + "{{#A}}>{{/A}}" + kOut, "1:22 12100 Right behind {{...}} write &gt;"},
      // Sections that do not end where they begin.
      {"<Response>{{#A}}<Say>{{/A}}{{#A}}</Say>{{/A}}</Response>",
       "1:22 12100 An element that begins in the section does not end in it"},
      {"<Response><Say>{{#A}}</Say><Say>{{/A}}</Say></Response>",
       "1:22 12100 An element that begins outside of the section ends in it"},
      {"<Response><Say {{#A}}a='x'>{{/A}}</Say></Response>",
       "1:27 12100 The tag ends in a section that began in it"},
      {"<Response><Say {{#A}}/{{/A}}></Say></Response>",
       "1:22 12100 The tag ends in a section that began in it"},
      {"<Response><Say a='{{#A}}'{{/A}}/></Response>",
       "1:25 12100 The attribute's value ends in a section that began in it"},
      {"<Response><Say {{#A}}a='{{/A}}'/></Response>",
       "1:25 12100 A section cannot end in the value of an attribute that began in it"},
      {"<Response><Say>{{#A}}<!--{{/A}}--></Say></Response>",
       "1:26 12100 A section cannot end in a comment"},
      {"<{{#A}}Response{{/A}}/>", "1:2 12100 A section cannot begin in a tag"},
      {"<Response><Say>&{{#A}}amp{{/A}};</Say></Response>",
       "1:17 12100 A section cannot begin in a reference"},
      {"<Response><S{{#A}}ay{{/A}}/></Response>", "1:19 12100 White space is missing before"},
      {"<Response><Say a='1'{{#A}}b='2'{{/A}}/></Response>",
       "1:27 12100 White space is missing before"},
      {"<Response><Say {{#A}}a='1'{{/A}}b='2'/></Response>",
       "1:33 12100 White space is missing before"},
      {"<Response><Say {{#A}}a='1'{{/A}}{{^A}} a='2'{{/A}}/></Response>",
       "1:40 12100 The tag has two attributes a;"},
      // Not one root element.
      {"{{#A}}<Response/>{{/A}}", "1:7 12100 The root element is not there whichever"},
      {"{{#A}}<Response/>{{/A}}{{^B}}<Response/>{{/B}}", "1:30 12100 There can be another root"},
      {"<Response/>{{#A}}<Response/>{{/A}}", "1:18 12100 There can be another root element"},
      {"{{#A}}{{#B}}<Response/>{{/B}}{{/A}}{{^A}}<Response/>{{/A}}",
       "1:13 12100 The root element is not there whichever"},
      {"{{#A}}<?xml version='1.0'?><Response/>{{/A}}{{^A}}<Response/>{{/A}}",
       "1:7 12100 The XML declaration must be the very first thing"},
      // What is wrong with any rendering.
      {"", "1:1 12100 The document has no elements"},
      {"<Response>\n  <Say>{{From}}</Sya>\n</Response>", "2:18 12100 "},
      {"<Response>\n<Say>{{From}} & {{To}}</Say></Response>", "2:16 12100 Not well-formed"},
      {"<Response>\n<Say>{{From}} < {{To}}</Say></Response>", "2:16 12100 Not well-formed"},
      {"<Response><Say voice=\"alice>{{From}}</Say></Response>", "1:37 12100 Not well-formed"},
      {"<Response><Say>{{#A}}&nbsp;{{/A}}</Say></Response>", "1:22 12100 The entity is not"},
      {"{{#A}}<Response/>{{/A}}{{^A}}<Resp/>{{/A}}", "1:30 12102 The root element is <Resp>"},
      {"<Response>\xFF</Response>", "1:11 12100 Not UTF-8"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(Findings(c.text), ElementsAre(StartsWith(c.finding))) << c.text;
  }
}

TEST(BinTemplateTest, ParseSaysTheSameInAStatus) {
  const absl::StatusOr<BinTemplate> unclosed = BinTemplate::Parse("<Response>\n {{From</Response>");
  EXPECT_EQ(unclosed.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(unclosed.status().message(), "line 2, column 2: {{ is not closed by }}");
  EXPECT_THAT(std::string(BinTemplate::Parse("<{{A}}/>").status().message()),
              StartsWith("line 1, column 2: A value cannot stand in a tag"));
  // What is no mistake of the braces is none of Parse.
  EXPECT_TRUE(BinTemplate::Parse("<Oops>{{A}}").ok());
}

TEST(BinTemplateTest, WarningsHaveTheirPlace) {
  const struct {
    const char* text;
    std::vector<const char*> findings;  // begin so
  } kCases[] = {
      {"<Response>\n  <Foo>{{A}}</Foo>\n</Response>", {"2:3 12200 <Foo> is not allowed"}},
      {"<Response><Say>{{From}}{{To}}</Say>\n<Foo/></Response>", {"2:1 12200 <Foo>"}},
      // In what only some renderings have.
      {"<Response>\n{{#A}}{{^B}}\n{{#C}} <Foo/>{{/C}}{{/B}}{{/A}}\n{{^A}}<Bar/>{{/A}}</Response>",
       {"3:8 12200 <Foo>", "4:7 12200 <Bar>"}},
      // Whatever the value of an attribute, and whatever is said.
      {"<Response><Dial timeout=\"{{T}}\" record=\"no\">{{To}}</Dial></Response>",
       {"1:33 13217 Attribute record of <Dial> is \"no\""}},
      {"<Response><Gather>{{#A}}<Say/>{{/A}}</Gather></Response>", {"1:25 13520 <Say>"}},
      // A value where no text is allowed, and text.
      {"<Response>{{A}}</Response>", {"1:11 12200 Text is not allowed in <Response>"}},
      {"<Response>{{#A}}hello{{/A}}</Response>", {"1:17 12200 Text is not allowed"}},
  };
  for (const auto& c : kCases) {
    const std::vector<std::string> findings = Findings(c.text);
    ASSERT_EQ(findings.size(), c.findings.size()) << c.text;
    for (size_t i = 0; i < findings.size(); ++i) {
      EXPECT_THAT(findings[i], StartsWith(c.findings[i])) << c.text;
    }
  }
  EXPECT_THAT(Findings("<Response><Say>{{A}}</Say></Response>", Kind::kMessaging),
              Contains(StartsWith("1:11 12200 <Say> is not allowed in <Response> of a message")));
}

// Values that might be anything, also nothing, are no mistakes.
TEST(BinTemplateTest, NothingIsFoundInGoodBins) {
  for (const char* text : {
           "<Response><Dial>{{To}}</Dial></Response>",
           "<Response><Dial timeout=\"{{T}}\" callerId=\"{{From}}\" record=\"{{R}}\">"
           "<Number url=\"{{U}}\">{{#e164}}{{To}}{{/e164}}</Number></Dial></Response>",
           "<Response><Say voice=\"{{V}}\" loop=\"{{L}}\">{{Text}}</Say></Response>",
           "<Response><Say>{{#A}}hello{{/A}}</Say></Response>",
           "<Response><Play>{{ErrorUrl}}</Play><Redirect method=\"{{M}}\">{{U}}</Redirect>"
           "</Response>",
           "<Response><Gather numDigits=\"{{N}}\" "
           "action=\"/next?d={{Digits}}&amp;x=1\"/></Response>",
           "<Response><Say>Sorry.{{#ErrorCode}} Error {{.}}.{{/ErrorCode}}</Say></Response>",
       }) {
    EXPECT_THAT(Findings(text), IsEmpty()) << text;
  }
  EXPECT_THAT(Findings("<Response><Message to=\"+12065551212\">{{From}}: {{Body}}</Message>"
                       "</Response>",
                       Kind::kMessaging),
              IsEmpty());
}

// The promise of Render, for every combination of parameters a few names can have.
TEST(BinTemplateTest, NoParametersBreakAGoodBin) {
  for (const char* text : {
           "<Response><Say>{{A}}]{{B}}]{{#A}}]{{/A}}x></Say>{{#B}}<Hangup/>{{/B}}</Response>",
           "<Response><Dial {{#A}}callerId=\"{{A}}\" {{/A}}{{^B}}timeout='5'{{/B}}>{{C}}"
           "</Dial></Response>",
           "{{#A}}<Response><Say voice='{{#B}}{{.}}&amp;{{/B}}'/></Response>{{/A}}"
           "{{^A}}{{#B}}<Response/>{{/B}}{{^B}}<Response>{{#C}}<Pause/>{{.}}{{/C}}</Response>"
           "{{/B}}{{/A}}",
           "<?xml version='1.0'?>{{#A}}<!-- a -->{{/A}}{{#B}} {{/B}}<Response>"
           "<Say>{{#e164}}{{A}}<{{B}}{{/e164}}</Say></Response>{{#C}}\n{{/C}}",
       }) {
    ASSERT_FALSE(CheckBin(text, Kind::kVoice).fatal.has_value()) << Findings(text)[0];
    const absl::StatusOr<BinTemplate> bin = BinTemplate::Parse(text);
    ASSERT_TRUE(bin.ok());
    understudy::testing::EveryChoice choice;
    while (!choice.Done()) {
      Form form;
      for (const std::string name : {"A", "B", "C"}) {
        constexpr const char* kValues[] = {"", "]]", "--><x a='\" &", "+15125551212\x01\xFF"};
        const int pick = choice.Pick(7);
        if (pick == 0) continue;
        if (pick <= 4) {
          form.push_back({name, kValues[pick - 1]});
        } else {
          form.push_back({absl::StrCat(name, "[]"), kValues[pick - 4]});
          form.push_back({absl::StrCat(name, "[]"), kValues[pick - 3]});
        }
      }
      const absl::StatusOr<std::string> document = bin->Render(form);
      ASSERT_TRUE(document.ok());
      const TwimlReport report = CheckTwiml(*document, Kind::kVoice);
      ASSERT_FALSE(report.fatal.has_value()) << *document << "\n" << report.fatal->message;
    }
  }
}

TEST(BinTemplateTest, LimitsOfATemplate) {
  const std::string kFull =
      absl::StrCat("<Response><!--", std::string(kBinBytesMax - 28, 'x'), "--></Response>");
  EXPECT_THAT(Findings(kFull), IsEmpty());
  EXPECT_THAT(Findings(kFull + "\n"),
              ElementsAre("1:1 11750 The template has 65537 bytes, more than 65536"));

  const std::string name(kBinNameBytesMax, 'n');
  EXPECT_THAT(Findings(Said(absl::StrCat("{{", name, "}}"))), IsEmpty());
  EXPECT_THAT(Findings(Said(absl::StrCat("{{", name, "n}}"))),
              ElementsAre("1:16 11310 The name has 129 bytes, more than 128"));
  EXPECT_THAT(Findings(Said(absl::StrCat("{{/", name, "n}}"))),
              ElementsAre("1:16 11310 The name has 129 bytes, more than 128"));

  const int tags = static_cast<int>(kBinTagsMax);
  EXPECT_THAT(Findings(Said(Repeated(tags, "{{A}}"))), IsEmpty());
  EXPECT_THAT(Findings(Said(Repeated(tags + 1, "{{A}}"))),
              ElementsAre("1:5016 12100 The template has more than 1000 {{...}}"));

  const auto nested = [](int depth) {
    return Said(Repeated(depth, "{{#A}}") + "x" + Repeated(depth, "{{/A}}"));
  };
  EXPECT_THAT(Findings(nested(16)), IsEmpty());
  EXPECT_THAT(Findings(nested(17)), ElementsAre("1:112 12100 Sections are nested deeper than 16"));

  const auto hangups = [](int count) {
    return absl::StrCat("<Response>{{#A}}", Repeated(count, "<a/>"), "{{/A}}</Response>");
  };
  EXPECT_FALSE(CheckBin(hangups(kTwimlElementsMax - 1), Kind::kVoice).fatal.has_value());
  EXPECT_THAT(Findings(hangups(kTwimlElementsMax)),
              ElementsAre("1:1 12100 The document of the bin has more than 10000 elements"));
}

Form List(const std::string& name, int count, const std::string& value) {
  return Form(static_cast<size_t>(count), Parameter{.name = name + "[]", .value = value});
}

TEST(BinTemplateTest, LimitsOfARendering) {
  const int room = static_cast<int>(kTwimlBytesMax - Said("").size());
  EXPECT_EQ(Rendered(Said("{{A}}"), {{"A", std::string(static_cast<size_t>(room), 'x')}}).size(),
            kTwimlBytesMax);
  for (const auto& [inside, value] : std::vector<std::pair<std::string, std::string>>{
           {"{{A}}", std::string(static_cast<size_t>(room) + 1, 'x')},
           {"{{#A}}{{.}}{{/A}}", std::string(static_cast<size_t>(room) + 1, 'x')},
           {"{{A}}", Repeated(room / 5 + 1, "&")},
           {"{{#e164}}{{A}}{{/e164}}", std::string(static_cast<size_t>(room) + 1, 'x')}}) {
    EXPECT_EQ(Rendered(Said(inside), {{"A", value}}),
              "The document of the bin has more than 131072 bytes");
  }
  // What e164 looks through counts.
  EXPECT_EQ(Rendered(Said("{{#D}}{{#e164}}{{A}}{{/e164}}{{/D}}"),
                     [] {
                       Form form = List("D", 3, "x");
                       form.push_back({"A", std::string(60000, 'x')});
                       return form;
                     }()),
            "The document of the bin has more than 131072 bytes");

  const std::string hangups = "<Response>{{#A}}<a/>{{/A}}</Response>";
  EXPECT_THAT(Rendered(hangups, List("A", kTwimlElementsMax - 1, "x")), StartsWith("<Response><a"));
  EXPECT_EQ(Rendered(hangups, List("A", kTwimlElementsMax, "x")),
            "The document of the bin has more than 10000 elements");

  // Text, section, 49998 times the two inside, text: as many steps as there may be.
  EXPECT_EQ(Rendered(Said("{{#A}}{{B}}{{B}}{{/A}}{{B}}"), List("A", 49998, "x")), Said(""));
  EXPECT_EQ(Rendered(Said("{{#A}}{{B}}{{B}}{{/A}}{{B}}{{B}}"), List("A", 49998, "x")),
            "The bin takes more than 100000 steps to render");
  // Lists within lists.
  EXPECT_EQ(Rendered(Said(Repeated(16, "{{#A}}") + Repeated(16, "{{/A}}")), List("A", 100, "x")),
            "The bin takes more than 100000 steps to render");
  const absl::StatusOr<BinTemplate> bin = BinTemplate::Parse(Said("{{A}}"));
  ASSERT_TRUE(bin.ok());
  EXPECT_EQ(bin->Render({{"A", std::string(kTwimlBytesMax, 'x')}}).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(BinTemplateTest, OfManyWarningsTheFirstAreTold) {
  const TwimlReport report = CheckBin(
      absl::StrCat("<Response>", Repeated(100, "\n<Foo/>{{#A}}\n<Bar/>{{/A}}"), "</Response>"),
      Kind::kVoice);
  ASSERT_EQ(report.warnings.size(), kTwimlWarningsMax);
  EXPECT_EQ(report.warnings.front().line, 2);
}

TEST(BinTemplateTest, ACopyOutlivesTheOriginalAndItsText) {
  absl::StatusOr<BinTemplate> copy = absl::UnknownError("");
  {
    const std::string text = Said("{{A}}");
    const absl::StatusOr<BinTemplate> bin = BinTemplate::Parse(text);
    ASSERT_TRUE(bin.ok());
    copy = *bin;
  }
  EXPECT_EQ(*copy->Render({{"A", "x"}}), Said("x"));
}

}  // namespace
}  // namespace understudy::twilio
