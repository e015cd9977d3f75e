#include "services/cli/output.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "services/cli/command.h"

namespace understudy::cli {
namespace {

// Of a terminal that does not say.
constexpr size_t kUsualWidth = 80;

}  // namespace

size_t TerminalWidth() {
  if (isatty(STDOUT_FILENO) == 0) return 0;
  winsize size = {};
  const bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : kUsualWidth;
}

Written WriteOut(absl::string_view command, absl::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return Written::kAll;
  }
  if (errno == EPIPE) return Written::kNobodyReads;
  Print(stderr, absl::StrCat("understudy ", command,
                             ": cannot write to standard output: ", std::strerror(errno), "\n"));
  return Written::kFailed;
}

bool NobodyReads() {
  pollfd out = {.fd = STDOUT_FILENO, .events = 0, .revents = 0};
  return poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace understudy::cli
