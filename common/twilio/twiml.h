// Judges a TwiML document: can it be executed, and which parts of it will be skipped.
#ifndef COMMON_TWILIO_TWIML_H_
#define COMMON_TWILIO_TWIML_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/twilio/error_codes.h"
#include "common/twilio/kind.h"

namespace understudy::twilio {

// Twice the 65,536 bytes of an answer, which re-encoding as UTF-8 can at most make of them.
inline constexpr size_t kTwimlBytesMax = 131072;
// Elements open at the same time.
inline constexpr int kTwimlDepthMax = 64;
// Elements in one document.
inline constexpr int kTwimlElementsMax = 10000;
// Warnings reported about one document; what comes after them is not looked at.
inline constexpr size_t kTwimlWarningsMax = 100;

struct Finding {
  int code = 0;
  Level level = Level::kError;
  std::string message = {};  // one sentence or two in UTF-8, of bounded length
  int line = 0;              // from 1; CR, LF and CRLF each end a line
  int column = 0;            // from 1, in characters
};

struct TwimlReport {
  // Set if the document cannot be executed:
  //   12100  not well-formed, empty, deeper or longer than the limits above, or with a document
  //   type
  //          declaration (of any kind: nothing is expanded, nothing is fetched)
  //   12101  the version of <Response> is neither absent nor "1.0" nor "2010-04-01"
  //   12102  the root is not <Response>
  //   11750  more than kTwimlBytesMax
  //   12400  no memory
  // Of a document that is not well-formed nothing else is said.
  std::optional<Finding> fatal = {};
  // 12200: an element, an attribute or text that has no place where it stands. The platform skips
  // it and executes the rest; so what is inside such an element is not reported. In document order;
  // none next to a fatal finding.
  std::vector<Finding> warnings = {};
};

// One pass over the document, which is in UTF-8 whatever its declaration says (ToUtf8 sees to
// both). Comments, processing instructions, CDATA sections and namespace declarations are fine
// anywhere XML has them. Only names and nesting are checked, not the values of attributes. Safe
// from any thread.
TwimlReport CheckTwiml(absl::string_view utf8_document, Kind kind);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_TWIML_H_
