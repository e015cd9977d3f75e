// What of a document is markup, for tests that nothing from outside is.
#ifndef TESTS_NOTIFIER_PAGE_MARKUP_H_
#define TESTS_NOTIFIER_PAGE_MARKUP_H_

#include <string>

#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"

namespace understudy::testing {

// The tags of a document with their attributes' names, as a browser would read them, without the
// attributes' values and the breaks between lines of a text.
inline std::string MarkupOf(absl::string_view html) {
  std::string markup;
  bool in_tag = false;
  bool in_value = false;
  for (const char c : html) {
    if (!in_tag) {
      in_tag = c == '<';
      if (in_tag) markup += c;
    } else if (in_value) {
      in_value = c != '"';
    } else {
      markup += c;
      in_value = c == '"';
      in_tag = c != '>';
    }
  }
  return absl::StrReplaceAll(markup, {{"<br>", ""}});
}

}  // namespace understudy::testing

#endif  // TESTS_NOTIFIER_PAGE_MARKUP_H_
