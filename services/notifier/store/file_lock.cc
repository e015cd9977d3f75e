#include "services/notifier/store/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace understudy::notifier {
namespace {

// Owner and group: what lies beside a database is nobody else's business.
constexpr mode_t kMode = 0640;

// Whether the disk is at fault, rather than the path.
bool MayPass(int error) {
  return error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO;
}

}  // namespace

FileLock::~FileLock() {
  if (held()) ::close(fd_);
}

absl::Status FileLock::Take(const std::string& path) {
  // For reading only, which a disk that has become read-only still allows.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, kMode);
  if (fd < 0) {
    const int error = errno;
    const std::string what = absl::StrCat("cannot open ", path);
    return MayPass(error) ? absl::UnavailableError(absl::ErrnoToStatus(error, what).message())
                          : absl::ErrnoToStatus(error, what);
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(fd);
    if (error == EWOULDBLOCK) {
      return absl::FailedPreconditionError(absl::StrCat("another process holds ", path));
    }
    return absl::ErrnoToStatus(error, absl::StrCat("cannot lock ", path));
  }
  fd_ = fd;
  return absl::OkStatus();
}

}  // namespace understudy::notifier
