// Judges a TwiML document: can it be executed, which parts of it will be skipped, and which values
// are not as they should be.
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
// Warnings reported about one document; once they are found nothing more is looked for.
inline constexpr size_t kTwimlWarningsMax = 100;

struct Finding {
  int code = 0;
  Level level = Level::kError;  // as the code has it
  std::string message = {};     // one sentence or two in UTF-8, of bounded length
  int line = 0;                 // from 1; CR, LF and CRLF each end a line
  int column = 0;               // from 1, in characters; a byte order mark is none
};

struct TwimlReport {
  // Set if the document cannot be executed:
  //   12100  not well-formed, empty, deeper or longer than the limits above, or with a document
  //          type declaration (of any kind: nothing is expanded, nothing is fetched)
  //   12101  the version of <Response> is neither absent nor "1.0" nor "2010-04-01"
  //   12102  the root is not <Response>
  //   11750  more than kTwimlBytesMax
  //   12400  no memory
  // Of a document that is not well-formed nothing else is said.
  std::optional<Finding> fatal = {};
  // What the platform skips or replaces by a default, executing the rest; no reason to leave the
  // document, also where the level is an error, which the platform meets only at that verb.
  //   12200          an element, an attribute or text that has no place where it stands; a value
  //                  or a missing part that has no code of its own
  //   11100          the URL of a Play, a Redirect or an action is malformed
  //   13xxx, 14xxx   whatever else the dictionary has a code for
  // Of attributes the place is that of the attribute. What is inside a skipped element is not
  // reported. In document order; none next to a fatal finding.
  std::vector<Finding> warnings = {};
};

// One pass over the document, which is in UTF-8, with or without a byte order mark, whatever its
// declaration says (ToUtf8 sees to that). Comments, processing instructions, CDATA sections and
// namespace declarations are fine anywhere XML has them. Safe from any thread; each that calls it
// keeps a parser and some memory (less than a megabyte) until it ends.
TwimlReport CheckTwiml(absl::string_view utf8_document, Kind kind);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_TWIML_H_
