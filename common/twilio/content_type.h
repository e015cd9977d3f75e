// What a web server says its answer is, and what Twilio makes of it.
#ifndef COMMON_TWILIO_CONTENT_TYPE_H_
#define COMMON_TWILIO_CONTENT_TYPE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace understudy::twilio {

struct ContentType {
  std::string type = {};     // lower case, without parameters: "text/xml"; empty if there is none
  std::string charset = {};  // as written, unquoted; empty if there is none
};

// Reads the value of a Content-Type header. Never fails: what cannot be read is left empty. Every
// parameter but charset is ignored; of several charsets the first counts.
ContentType ParseContentType(absl::string_view header_value);

enum class ContentClass : uint8_t {
  kTwiml,  // a TwiML document
  kText,   // a document if it parses as one, else words to be said or sent
  kAudio,  // a file to be played to a call
  kOther,  // refused with 12300; so is no type at all
};

// Twilio: "TwiML for Programmable Voice", the content types it understands.
ContentClass Classify(const ContentType& content_type);

// What the first bytes of a file of sound tell about its format.
enum class AudioFormat : uint8_t {
  kUnknown,  // also the formats without a head, of which bytes tell nothing: GSM, mu-law
  kMpeg,     // begins with an ID3 tag or the head of a frame
  kWave,     // RIFF/WAVE
  kAiff,     // AIFF or AIFC
};
AudioFormat DetectAudio(absl::string_view first_bytes);

// The format that a type of class kAudio names.
AudioFormat NamedAudio(const ContentType& content_type);

// For messages: "MPEG audio".
absl::string_view AudioFormatName(AudioFormat format);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_CONTENT_TYPE_H_
