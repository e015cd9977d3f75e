// Twilio's error and warning codes that concern fetching and executing documents, as one table.
#ifndef COMMON_TWILIO_ERROR_CODES_H_
#define COMMON_TWILIO_ERROR_CODES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace understudy::twilio {

// An error: what was asked for could not be done. A warning: it was done, but not as written.
enum class Level : uint8_t { kError, kWarning };

struct ErrorCode {
  int code = 0;
  Level level = Level::kError;
  absl::string_view name = {};  // title in Twilio's "Error and Warning Dictionary"
  // Whether the platform leaves the document for it and asks the fallback URL. Twilio says so of
  // failed retrieval and of documents it cannot read; of verbs that cannot run we conclude it from
  // the level, except where only the verb fails and the document goes on.
  bool fatal = false;
  int http_status = 0;  // of a REST answer that carries the code; 0 where it is no REST code
};

// Every code, ascending. Lives as long as the program, as do the entries FindErrorCode points to.
absl::Span<const ErrorCode> AllErrorCodes();

// Null if the table has no such code.
const ErrorCode* FindErrorCode(int code);

// A value for a metric label, from a bounded set: the number if the table has it, "0" for 0 (no
// error), else "unknown".
std::string ErrorCodeLabel(int code);

// Address of Twilio's page on a code, also on one newer than the table; empty unless positive.
std::string ErrorCodePage(int code);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_ERROR_CODES_H_
