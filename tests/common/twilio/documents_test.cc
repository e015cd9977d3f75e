#include "common/twilio/documents.h"

#include <expat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/twilio/charset.h"
#include "common/twilio/twiml.h"

namespace understudy::twilio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "" or what CheckTwiml has to say, but for that the text is too little or too much, or no URL.
std::string Findings(const std::string& document, Kind kind) {
  const TwimlReport report = CheckTwiml(document, kind);
  std::string out = report.fatal ? report.fatal->message : "";
  for (const Finding& warning : report.warnings) {
    const bool is_about_text =
        warning.column == 11 && (warning.code != 12200 || warning.message ==
                                                              "<Play> needs a URL, or attribute "
                                                              "digits");
    if (!is_about_text) out += warning.message;
  }
  return out;
}

// All character data of a document, as a reader of XML gets it.
std::string TextOf(const std::string& document) {
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(
      XML_ParserCreate("UTF-8"), XML_ParserFree);
  std::string text;
  XML_SetUserData(parser.get(), &text);
  XML_SetCharacterDataHandler(parser.get(), [](void* out, const XML_Char* piece, int size) {
    static_cast<std::string*>(out)->append(piece, static_cast<size_t>(size));
  });
  EXPECT_EQ(XML_Parse(parser.get(), document.data(), static_cast<int>(document.size()), XML_TRUE),
            XML_STATUS_OK)
      << document;
  return text;
}

TEST(XmlEscapeTest, Characters) {
  const struct {
    std::string text;
    const char* escaped;
  } kCases[] = {
      {"", ""},
      {"plain \xC3\xA9 \xF0\x9F\x98\x80", "plain \xC3\xA9 \xF0\x9F\x98\x80"},
      {"<a href=\"x\">&'</a>", "&lt;a href=&quot;x&quot;&gt;&amp;&apos;&lt;/a&gt;"},
      {"]]>", "]]&gt;"},
      {"a\tb\nc\r\n", "a\tb\nc&#13;\n"},
      {std::string("\0", 1), "\xEF\xBF\xBD"},
      {"\x1F\x20\x7F", "\xEF\xBF\xBD \x7F"},
      {"\xFF", "\xEF\xBF\xBD"},
      {"a\xC3", "a\xEF\xBF\xBD"},
      {"\xED\xA0\x80z", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz"},
      {"\xEF\xBF\xBD", "\xEF\xBF\xBD"},
      {"\xEF\xBF\xBE", "\xEF\xBF\xBD"},
      {"\xEF\xBF\xBFx", "\xEF\xBF\xBDx"},
      {"\xEF\xBF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (const auto& c : kCases) EXPECT_EQ(XmlEscape(c.text), c.escaped);
}

TEST(DocumentsTest, AsWritten) {
  EXPECT_EQ(DefaultDocument(Kind::kVoice, "Sorry & goodbye."),
            "<Response><Say>Sorry &amp; goodbye.</Say><Hangup/></Response>");
  EXPECT_EQ(DefaultDocument(Kind::kVoice, ""), "<Response><Hangup/></Response>");
  EXPECT_EQ(DefaultDocument(Kind::kMessaging, "Sorry."), "<Response/>");
  EXPECT_EQ(SayDocument("1 < 2"), "<Response><Say>1 &lt; 2</Say><Hangup/></Response>");
  EXPECT_EQ(PlayDocument("https://a.example/a.mp3?x=1&y=2"),
            "<Response><Play>https://a.example/a.mp3?x=1&amp;y=2</Play><Hangup/></Response>");
  EXPECT_EQ(MessageDocument("Hi"), "<Response><Message>Hi</Message></Response>");
  EXPECT_EQ(MessageDocument(""), "<Response/>");
}

TEST(DocumentsTest, TheirFormIsGoodWhateverTheText) {
  std::mt19937 random(20240502);
  std::uniform_int_distribution<int> length(0, 40);
  std::uniform_int_distribution<int> byte(0, 255);
  std::uniform_int_distribution<int> choice(0, 3);
  const std::string telling = "<>&'\"\r\n\x01\xEF\xBF\xBE\xC3\xED\xA0\xF0\x9F";
  std::uniform_int_distribution<size_t> place(0, telling.size() - 1);
  for (int round = 0; round < 3000; ++round) {
    std::string text(static_cast<size_t>(length(random)), '\0');
    for (char& c : text) {
      c = choice(random) != 0 ? telling[place(random)] : static_cast<char>(byte(random));
    }
    EXPECT_EQ(ValidUtf8Prefix(XmlEscape(text)), XmlEscape(text).size());
    EXPECT_THAT(Findings(DefaultDocument(Kind::kVoice, text), Kind::kVoice), IsEmpty());
    EXPECT_THAT(Findings(DefaultDocument(Kind::kMessaging, text), Kind::kMessaging), IsEmpty());
    EXPECT_THAT(Findings(SayDocument(text), Kind::kVoice), IsEmpty());
    EXPECT_THAT(Findings(PlayDocument(text), Kind::kVoice), IsEmpty());
    EXPECT_THAT(Findings(MessageDocument(text), Kind::kMessaging), IsEmpty());
  }
}

TEST(DocumentsTest, OnlyTheTextItselfIsFound) {
  const auto codes = [](const std::string& document, Kind kind) {
    std::vector<int> found;
    for (const Finding& warning : CheckTwiml(document, kind).warnings) {
      found.push_back(warning.code);
    }
    return found;
  };
  EXPECT_THAT(codes(SayDocument(std::string(4096, '<')), Kind::kVoice), IsEmpty());
  EXPECT_THAT(codes(SayDocument(std::string(4097, '<')), Kind::kVoice), ElementsAre(13521));
  EXPECT_THAT(codes(SayDocument(" "), Kind::kVoice), ElementsAre(13520));
  EXPECT_THAT(codes(MessageDocument(std::string(1600, '&')), Kind::kMessaging), IsEmpty());
  EXPECT_THAT(codes(MessageDocument(std::string(1601, '&')), Kind::kMessaging), ElementsAre(14103));
  EXPECT_THAT(codes(MessageDocument(" "), Kind::kMessaging), ElementsAre(14103));
  EXPECT_THAT(codes(PlayDocument("https://a.example/?x=1&y=2"), Kind::kVoice), IsEmpty());
  EXPECT_THAT(codes(PlayDocument("a b"), Kind::kVoice), ElementsAre(11100));
}

TEST(DocumentsTest, AReaderGetsTheTextBack) {
  for (const std::string text : {"1 < 2 && 'x' > \"y\"", "a\r\nb\rc\td\n", "]]> \xC3\xA9 \x7F"}) {
    EXPECT_EQ(TextOf(SayDocument(text)), text);
    EXPECT_EQ(TextOf(MessageDocument(text)), text);
  }
}

}  // namespace
}  // namespace understudy::twilio
