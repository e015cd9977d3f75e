// What must hold for the bytes of every mail we make, whatever went into it.
#ifndef TESTS_NOTIFIER_MAIL_MAIL_RULES_H_
#define TESTS_NOTIFIER_MAIL_MAIL_RULES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace understudy::testing {

// The first rule that `mail` breaks, or "": 7-bit without control characters, lines that end in
// CRLF and are not too long, our headers in their order and no others, two parts that the boundary
// divides and that have lines of their encoding's length, none of which begins with a dot.
std::string BrokenMailRule(absl::string_view mail);

}  // namespace understudy::testing

#endif  // TESTS_NOTIFIER_MAIL_MAIL_RULES_H_
