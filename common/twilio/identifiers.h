// The form of the names that Twilio-like platforms give to things.
#ifndef COMMON_TWILIO_IDENTIFIERS_H_
#define COMMON_TWILIO_IDENTIFIERS_H_

#include "absl/strings/string_view.h"

namespace understudy::twilio {

// `prefix`, two letters such as "PN", and 32 lower-case hexadecimal digits.
bool IsSid(absl::string_view text, absl::string_view prefix);

// "AC" and 32 lower-case hexadecimal digits.
bool IsAccountSid(absl::string_view text);

// E.164: "+" and 2 to 15 digits, the first not 0.
bool IsPhoneNumber(absl::string_view text);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_IDENTIFIERS_H_
