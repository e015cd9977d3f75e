// Telephone numbers, shown so that they can be told apart but not called. Pure.
#ifndef SERVICES_NOTIFIER_PAGE_MASK_H_
#define SERVICES_NOTIFIER_PAGE_MASK_H_

#include <string>

#include "absl/strings/string_view.h"

namespace understudy::notifier {

// Of a text that may be a number, or an address with one in it: every word of 7 to 15 digits is
// masked, with a + before it or without. "+14155550199" becomes "+14••••••0199".
std::string MaskNumbers(absl::string_view text);

// Of any other text: only what is written as a number, with a + or its %2B before it. Other
// numbers, such as those in a URL's path, are what operators look for.
std::string MaskMarkedNumbers(absl::string_view text);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_PAGE_MASK_H_
