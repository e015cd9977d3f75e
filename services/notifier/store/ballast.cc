#include "services/notifier/store/ballast.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

namespace understudy::notifier {
namespace {

// That it really has, holes not counted.
int64_t BytesOf(const std::string& path) {
  struct stat file = {};
  if (::stat(path.c_str(), &file) != 0) return 0;
  constexpr int64_t kBlockBytes = 512;  // whatever the disk's own are
  return static_cast<int64_t>(file.st_blocks) * kBlockBytes;
}

}  // namespace

int64_t FreeBytesBeside(const std::string& path) {
  struct statvfs disk = {};
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (::statvfs(folder.empty() ? "." : folder.c_str(), &disk) != 0) return 0;
  return static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
}

Ballast::Ballast(std::string path, int64_t bytes)
    : path_(std::move(path)), bytes_(bytes), held_(BytesOf(path_) >= bytes_) {}

bool Ballast::Make() {
  if (held_) return true;
  if (FreeBytesBeside(path_) < 2 * bytes_) return false;
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return false;
  held_ = ::posix_fallocate(fd, 0, bytes_) == 0;
  ::close(fd);
  if (!held_) ::unlink(path_.c_str());
  return held_;
}

void Ballast::Release() {
  ::unlink(path_.c_str());
  held_ = false;
}

}  // namespace understudy::notifier
