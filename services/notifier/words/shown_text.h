// Texts from outside, made fit to be shown: whatever they hold, they cannot break a line, reorder
// what stands beside them or hide a part of themselves. Pure.
#ifndef SERVICES_NOTIFIER_WORDS_SHOWN_TEXT_H_
#define SERVICES_NOTIFIER_WORDS_SHOWN_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace understudy::notifier {

// `text` as part of a line, in UTF-8: control characters become \x0D or \u0085, and so do marks of
// writing direction, invisible characters and separators of lines; bytes that are not UTF-8 become
// U+FFFD.
std::string OneLine(absl::string_view text);

// The same but for its lines: they end in LF, whether by CR, LF or CRLF; tabs become spaces.
std::string KeepLines(absl::string_view text);

// In characters; REQUIRES: UTF-8.
size_t Characters(absl::string_view text);

// The beginning of `text`, at most `max` characters with the "…" at its end if it was cut; between
// words if that costs little. REQUIRES: UTF-8, max > 0.
std::string CutEnd(absl::string_view text, size_t max);

// The same with the "…" in its middle.
std::string CutMiddle(absl::string_view text, size_t max);

// "1,234,567".
std::string NumberText(int64_t number);

// "2026-11-24 06:15:02 UTC"; "unknown" for times at infinity.
std::string TimeText(absl::Time time);

// "0.3 s", "42 s", "2 min 5 s", "47 h", "2 d 4 h": the two largest units.
std::string DurationText(absl::Duration duration);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_WORDS_SHOWN_TEXT_H_
