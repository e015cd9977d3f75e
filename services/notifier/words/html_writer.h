// HTML in which nothing from outside can be markup: only literals of our own source are written as
// they are, and everything else is made fit to be shown and escaped. Pure.
#ifndef SERVICES_NOTIFIER_WORDS_HTML_WRITER_H_
#define SERVICES_NOTIFIER_WORDS_HTML_WRITER_H_

#include <string>

#include "absl/strings/string_view.h"

namespace understudy::notifier {

// A literal, and known to the compiler as one: a text that is put together at run time cannot
// become markup.
class Markup {
 public:
  template <size_t size>
  consteval Markup(const char (&literal)[size])  // NOLINT: to be given as a plain literal
      : literal_(literal) {}

  const char* literal() const { return literal_; }

 private:
  const char* literal_ = nullptr;
};

class HtmlWriter {
 public:
  HtmlWriter& Put(Markup markup);
  // Escaped, as content or as an attribute's value in double quotes.
  HtmlWriter& Text(absl::string_view text);
  // Escaped, with its lines.
  HtmlWriter& Lines(absl::string_view text);
  // An element <a> whose attributes begin with `attributes`. Its text alone if `url` is not http or
  // https, so that no other scheme is ever followed.
  HtmlWriter& Link(Markup attributes, absl::string_view url, absl::string_view text);

  // What was written; the writer is empty then.
  std::string Take();

 private:
  std::string html_;
};

// Whether a link may lead there: http or https, and no character that a URL does not have.
bool IsWebUrl(absl::string_view url);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_WORDS_HTML_WRITER_H_
