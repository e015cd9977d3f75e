// Documents arrive in the encoding of their author and leave in UTF-8.
#ifndef COMMON_TWILIO_CHARSET_H_
#define COMMON_TWILIO_CHARSET_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace understudy::twilio {

// `bytes` as UTF-8 without a byte order mark. What they are encoded in is said by the byte order
// mark, else by `header_charset` (of the Content-Type; empty if it has none), else by the encoding
// in the XML declaration; without any of them they are UTF-8. Known are UTF-8, UTF-16 (of either
// byte order, with a mark or without), ISO-8859-1 and US-ASCII.
//
// An XML declaration that names another encoding is made to name UTF-8. Lines stay what they were,
// and so do columns unless the other name was shorter.
//
// InvalidArgument for an unknown encoding, and for bytes the encoding does not have, with the
// offset of the first in `bytes`. The result has at most twice as many bytes as the input.
absl::StatusOr<std::string> ToUtf8(absl::string_view bytes, absl::string_view header_charset);

// How many bytes from the front of `text` are UTF-8; all of them if it equals text.size().
size_t ValidUtf8Prefix(absl::string_view text);

// `text` with U+FFFD in place of each byte that is not UTF-8: what a web server sent may be in our
// sentences about it, and the wire takes nothing else.
std::string Utf8Text(absl::string_view text);

// The same, of at most `max_bytes`: whole characters from its front.
std::string Utf8Text(absl::string_view text, size_t max_bytes);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_CHARSET_H_
