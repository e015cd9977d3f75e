// The process log: one JSON object a line on standard error. A line is queued and written by a
// thread of its own, so that a slow or blocked reader of the log never holds up a call: when the
// queue is full the oldest line is dropped and counted.
//
// Every function may be called from any thread. Credentials, tokens and bodies are not to be
// passed in: nothing here would know them.
#ifndef COMMON_SERVING_LOG_H_
#define COMMON_SERVING_LOG_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace understudy::serving {

// Longer texts keep their first whole characters within this many bytes, then an ellipsis.
inline constexpr size_t kMaxLogFieldBytes = 1024;
// Lines waiting for the reader of standard error.
inline constexpr size_t kMaxQueuedLogLines = 8192;

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

// "debug", "info", "warning" or "error".
absl::string_view LogLevelName(LogLevel level);

struct LogField {
  absl::string_view name = {};  // a constant of the code; "time", "level" and "message" are taken
  // Bytes that are not UTF-8 become U+FFFD; a number that is not finite becomes null.
  std::variant<absl::string_view, int64_t, double, bool> value = {};
};

// Queues a line with `message` and `fields` in their order: Log(LogLevel::kInfo, "resolution",
// {{"source", "fallback"}, {"attempts", 2}}). Does nothing below the level set. Never blocks on the
// reader, keeps nothing of its arguments.
void Log(LogLevel level, absl::string_view message, absl::Span<const LogField> fields = {});

// Lines below `level` are not written; kInfo at the start.
void SetLogLevel(LogLevel level);

// Lines lost since the start: pushed out of the full queue, or refused by standard error.
int64_t DroppedLogLines();

// Waits until what was logged before is written, for `timeout` at most; false if it was not. For
// the end of a process, which does not write what is still queued by itself.
bool FlushLog(absl::Duration timeout);

// The line that Log() writes at `time`, with its newline.
std::string FormatLogLine(absl::Time time, LogLevel level, absl::string_view message,
                          absl::Span<const LogField> fields);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_LOG_H_
