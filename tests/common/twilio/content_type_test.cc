#include "common/twilio/content_type.h"

#include <gtest/gtest.h>

namespace understudy::twilio {
namespace {

TEST(ContentTypeTest, TypeAndCharset) {
  const struct {
    const char* header;
    const char* type;
    const char* charset;
  } kCases[] = {
      {"", "", ""},
      {"   ", "", ""},
      {";", "", ""},
      {"text/xml", "text/xml", ""},
      {" Text/XML ", "text/xml", ""},
      {"application/xml;", "application/xml", ""},
      {"TEXT/XML; Charset=\"utf-8\"", "text/xml", "utf-8"},
      {"text/xml;charset=UTF-8", "text/xml", "UTF-8"},
      {"text/xml ; charset = utf-8 ; x=y", "text/xml", "utf-8"},
      {"text/xml; boundary=\"a;charset=no\"; charset=yes", "text/xml", "yes"},
      {"text/xml; boundary=\"a\\\";charset=no\"; charset=yes", "text/xml", "yes"},
      {"text/xml; charset=\"ut\\f-8\"", "text/xml", "utf-8"},
      {"text/xml; charset=a; charset=b", "text/xml", "a"},
      {"text/xml; charset=; charset=b", "text/xml", "b"},
      {"text/xml; charset", "text/xml", ""},
      {"text/xml; charset=\"", "text/xml", "\""},
      {"text/xml; charset=\"\\", "text/xml", "\"\\"},
      {"text/xml; xcharset=a", "text/xml", ""},
      {"; charset=a", "", "a"},
      {"text/xml, text/html", "text/xml, text/html", ""},
  };
  for (const auto& c : kCases) {
    const ContentType parsed = ParseContentType(c.header);
    EXPECT_EQ(parsed.type, c.type) << c.header;
    EXPECT_EQ(parsed.charset, c.charset) << c.header;
  }
}

TEST(ClassifyTest, EveryType) {
  const struct {
    const char* type;
    ContentClass wanted;
  } kCases[] = {
      {"text/xml", ContentClass::kTwiml},
      {"application/xml", ContentClass::kTwiml},
      {"text/html", ContentClass::kTwiml},
      {"text/plain", ContentClass::kText},
      {"audio/mpeg", ContentClass::kAudio},
      {"audio/wav", ContentClass::kAudio},
      {"audio/wave", ContentClass::kAudio},
      {"audio/x-wav", ContentClass::kAudio},
      {"audio/aiff", ContentClass::kAudio},
      {"audio/x-aifc", ContentClass::kAudio},
      {"audio/x-aiff", ContentClass::kAudio},
      {"audio/x-gsm", ContentClass::kAudio},
      {"audio/gsm", ContentClass::kAudio},
      {"audio/ulaw", ContentClass::kAudio},
      {"", ContentClass::kOther},
      {"audio/ogg", ContentClass::kOther},
      {"application/json", ContentClass::kOther},
      {"image/png", ContentClass::kOther},
      {"text/xmlx", ContentClass::kOther},
      {"text", ContentClass::kOther},
      {"application/twiml+xml", ContentClass::kOther},
      {"text/xml, text/html", ContentClass::kOther},
  };
  for (const auto& c : kCases) EXPECT_EQ(Classify({.type = c.type}), c.wanted) << c.type;
}

TEST(ClassifyTest, AsParsed) {
  EXPECT_EQ(Classify(ParseContentType("Application/XML;charset=x")), ContentClass::kTwiml);
}

}  // namespace
}  // namespace understudy::twilio
