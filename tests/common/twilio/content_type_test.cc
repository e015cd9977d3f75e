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

TEST(AudioTest, FirstBytes) {
  const struct {
    std::string bytes;
    AudioFormat format;
  } kCases[] = {
      {"", AudioFormat::kUnknown},
      {"RIFF\x24\x08..WAVEfmt ", AudioFormat::kWave},
      {"RIFF....WAVE", AudioFormat::kWave},
      {"RIFF....WAV", AudioFormat::kUnknown},
      {"RIFF....AVI ", AudioFormat::kUnknown},
      {"riff....wave", AudioFormat::kUnknown},
      {"FORM....AIFFCOMM", AudioFormat::kAiff},
      {"FORM....AIFC", AudioFormat::kAiff},
      {"FORM....ILBM", AudioFormat::kUnknown},
      {"ID3", AudioFormat::kMpeg},
      {"ID", AudioFormat::kUnknown},
      {"\xFF\xFB\x90\x64", AudioFormat::kMpeg},  // MPEG 1, layer III, 128 kbit/s, 44.1 kHz
      {"\xFF\xF3\x40\xC0", AudioFormat::kMpeg},  // MPEG 2, layer III
      {"\xFF\xE3\x18\xC4", AudioFormat::kMpeg},  // MPEG 2.5, layer III
      {"\xFF\xFB\x90", AudioFormat::kUnknown},   // cut
      {"\xFE\xFB\x90\x64", AudioFormat::kUnknown},
      {"\xFF\xDB\x90\x64", AudioFormat::kUnknown},  // ten bits set
      {"\xFF\xEB\x90\x64", AudioFormat::kUnknown},  // no such version
      {"\xFF\xF9\x90\x64", AudioFormat::kUnknown},  // no such layer
      {"\xFF\xFB\xF0\x64", AudioFormat::kUnknown},  // no such bit rate
      {"\xFF\xFB\x9C\x64", AudioFormat::kUnknown},  // no such sample rate
      {"\xFF\xFF\xFF\xFF", AudioFormat::kUnknown},  // silence in mu-law
      {"<Response/>", AudioFormat::kUnknown},
  };
  for (const auto& c : kCases) EXPECT_EQ(DetectAudio(c.bytes), c.format) << c.bytes;
}

TEST(AudioTest, NamedByTheType) {
  const struct {
    const char* type;
    AudioFormat format;
  } kCases[] = {
      {"audio/mpeg", AudioFormat::kMpeg},   {"audio/wav", AudioFormat::kWave},
      {"audio/wave", AudioFormat::kWave},   {"audio/x-wav", AudioFormat::kWave},
      {"audio/aiff", AudioFormat::kAiff},   {"audio/x-aiff", AudioFormat::kAiff},
      {"audio/x-aifc", AudioFormat::kAiff}, {"audio/x-gsm", AudioFormat::kUnknown},
      {"audio/gsm", AudioFormat::kUnknown}, {"audio/ulaw", AudioFormat::kUnknown},
      {"audio/ogg", AudioFormat::kUnknown},
  };
  for (const auto& c : kCases) EXPECT_EQ(NamedAudio({.type = c.type}), c.format) << c.type;
}

TEST(ClassifyTest, AsParsed) {
  EXPECT_EQ(Classify(ParseContentType("Application/XML;charset=x")), ContentClass::kTwiml);
}

}  // namespace
}  // namespace understudy::twilio
