// Standard output, as commands that write much, or for long, have it.
#ifndef SERVICES_CLI_OUTPUT_H_
#define SERVICES_CLI_OUTPUT_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace understudy::cli {

// Characters in a line of the terminal that standard output is; 0: it is none.
size_t TerminalWidth();

enum class Written : uint8_t {
  kAll,
  kNobodyReads,  // the other end of the pipe is closed: no failure, but no reason to go on
  kFailed,       // and said on standard error: the disk is full, for instance
};

// Writes `text` to standard output at once.
Written WriteOut(absl::string_view command, absl::string_view text);

// Whether standard output is a pipe, socket or terminal whose other end is gone.
bool NobodyReads();

}  // namespace understudy::cli

#endif  // SERVICES_CLI_OUTPUT_H_
