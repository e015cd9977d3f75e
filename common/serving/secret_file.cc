#include "common/serving/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace understudy::serving {
namespace {

absl::Status CannotRead(const std::string& path, absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat(path, " cannot be read: ", why));
}

absl::StatusOr<std::string> ReadRegularFile(const std::string& path, int fd, size_t max_bytes) {
  struct stat facts = {};
  if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    return CannotRead(path, "not a regular file");
  }
  std::string content(max_bytes + 1, '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = read(fd, content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return CannotRead(path, std::generic_category().message(errno));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > max_bytes) {
    return CannotRead(path, absl::StrCat("longer than ", max_bytes, " bytes"));
  }
  content.resize(size);
  return content;
}

}  // namespace

absl::StatusOr<Secret> ReadSecretFile(const std::string& path, size_t max_bytes) {
  // Not blocking: a pipe would wait for somebody to write.
  const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return CannotRead(path, std::generic_category().message(errno));
  absl::StatusOr<std::string> content = ReadRegularFile(path, fd, max_bytes);
  close(fd);
  if (!content.ok()) return content.status();
  while (absl::EndsWith(*content, "\n") || absl::EndsWith(*content, "\r")) content->pop_back();
  if (content->empty()) return CannotRead(path, "it is empty");
  return Secret(*std::move(content));
}

}  // namespace understudy::serving
