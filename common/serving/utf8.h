// UTF-8, one character at a time.
#ifndef COMMON_SERVING_UTF8_H_
#define COMMON_SERVING_UTF8_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace understudy::serving {

// Bytes of the well-formed character that `text` starts with; 0 if there is none. Overlong forms,
// surrogates and what lies beyond U+10FFFF are not well-formed.
size_t Utf8CharacterBytes(absl::string_view text);

// True for the second and later bytes of a character.
constexpr bool IsUtf8Continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0u) == 0x80u;
}

}  // namespace understudy::serving

#endif  // COMMON_SERVING_UTF8_H_
