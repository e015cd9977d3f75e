// Places in a text as people and compilers name them.
#ifndef COMMON_TWILIO_TEXT_PLACE_H_
#define COMMON_TWILIO_TEXT_PLACE_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace understudy::twilio {

struct TextPlace {
  int line = 1;    // from 1; CR, LF and CRLF each end a line
  int column = 1;  // from 1, in characters
};

TextPlace PlaceOf(absl::string_view text, size_t offset);

// PlaceOf and its inverse for several places of one text; quick if they come in the order of the
// text.
class TextCursor {
 public:
  // `text` must outlive this.
  explicit TextCursor(absl::string_view text) : text_(text) {}

  TextPlace PlaceOf(size_t offset);

  // The end of the line for a column behind it, the end of the text for a line behind it.
  size_t OffsetOf(const TextPlace& place);

 private:
  void Restart();

  const absl::string_view text_;
  TextPlace at_;
  size_t offset_ = 0;  // of at_
};

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_TEXT_PLACE_H_
