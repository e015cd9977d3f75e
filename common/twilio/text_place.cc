#include "common/twilio/text_place.h"

#include <algorithm>

namespace understudy::twilio {
namespace {

using absl::string_view;

// Length of the line end at `offset`, 0 if there is none.
size_t LineEndSize(string_view text, size_t offset) {
  if (text[offset] == '\n') return 1;
  if (text[offset] != '\r') return 0;
  return text.substr(offset, 2) == "\r\n" ? 2 : 1;
}

bool BeginsCharacter(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

}  // namespace

TextPlace PlaceOf(string_view text, size_t offset) {
  return TextCursor(text).PlaceOf(offset);
}

void TextCursor::Restart() {
  at_ = {};
  offset_ = 0;
}

TextPlace TextCursor::PlaceOf(size_t offset) {
  if (offset < offset_) Restart();
  while (offset_ < std::min(offset, text_.size())) {
    const size_t line_end = LineEndSize(text_, offset_);
    if (line_end > 0 && offset_ + line_end <= offset) {
      at_ = {.line = at_.line + 1, .column = 1};
      offset_ += line_end;
    } else {
      if (BeginsCharacter(text_[offset_])) ++at_.column;
      ++offset_;
    }
  }
  return at_;
}

size_t TextCursor::OffsetOf(const TextPlace& place) {
  if (place.line < at_.line || (place.line == at_.line && place.column < at_.column) ||
      offset_ == text_.size()) {
    Restart();
  }
  while (at_.line < place.line && offset_ < text_.size()) {
    const size_t line_end = LineEndSize(text_, offset_);
    offset_ += std::max<size_t>(line_end, 1);
    if (line_end > 0) at_ = {.line = at_.line + 1, .column = 1};
  }
  while (at_.column < place.column && offset_ < text_.size() && LineEndSize(text_, offset_) == 0) {
    do {
      ++offset_;
    } while (offset_ < text_.size() && !BeginsCharacter(text_[offset_]));
    ++at_.column;
  }
  return offset_;
}

}  // namespace understudy::twilio
