// Whether the values in a document are as its schema says: attribute values, and text that is a
// URL, a number or a name. As far as bytes alone can tell; nothing is looked up.
#ifndef COMMON_TWILIO_TWIML_CHECKS_H_
#define COMMON_TWILIO_TWIML_CHECKS_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "common/twilio/twiml_schema.h"

namespace understudy::twilio {

// The code of what is wrong with the value, 0 if nothing is.
int CheckValue(const AttributeRule& rule, absl::string_view value);

// Of a kSomeOf value, the first word that is not in its set, which is empty between two spaces.
std::optional<absl::string_view> FirstUnknownWord(const AttributeRule& rule,
                                                  absl::string_view value);

// The number that decimal digits alone write; -1 if `text` is none, or none an int can hold.
int ReadInteger(absl::string_view text);

// An absolute URL of one of the schemes with a host and a port that may be, or a relative one;
// without blanks and control characters. Empty is relative.
bool IsUrl(absl::string_view text, bool or_socket);

// E.164, or a number as written in its country: digits, at most 15 of them, with the usual
// punctuation between.
bool IsDialable(absl::string_view text);

// sip: or sips: and something to reach.
bool IsSipUri(absl::string_view text);

// Characters of UTF-8.
size_t CountCharacters(absl::string_view text);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_TWIML_CHECKS_H_
