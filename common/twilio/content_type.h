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

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_CONTENT_TYPE_H_
