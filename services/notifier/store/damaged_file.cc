#include "services/notifier/store/damaged_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace understudy::notifier {
namespace {

constexpr absl::string_view kMark = ".damaged-";
constexpr absl::string_view kLog = "-wal";

std::filesystem::path FolderOf(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder;
}

// Databases that were moved aside, oldest first, as their names have it.
std::vector<std::string> DamagedFiles(const std::string& path) {
  const std::string prefix = absl::StrCat(std::filesystem::path(path).filename().string(), kMark);
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator it(FolderOf(path), error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (absl::StartsWith(name, prefix) && !absl::EndsWith(name, kLog)) {
      found.push_back(it->path().string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// So that the new names are there after a power cut; if that fails, the old ones are.
void SyncFolder(const std::string& path) {
  const int fd = ::open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

absl::StatusOr<std::string> MoveAside(const std::string& path, absl::Time now) {
  const std::string dated =
      absl::StrCat(path, kMark, absl::FormatTime("%Y%m%dT%H%M%SZ", now, absl::UTCTimeZone()));
  std::string aside = dated;
  for (int i = 2; ::access(aside.c_str(), F_OK) == 0; ++i) aside = absl::StrCat(dated, "-", i);
  if (::rename(path.c_str(), aside.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot move ", path, " aside"));
  }
  // The log must not be taken for that of the new database. There may be none.
  if (::rename(absl::StrCat(path, kLog).c_str(), absl::StrCat(aside, kLog).c_str()) != 0) {
    ::unlink(absl::StrCat(path, kLog).c_str());
  }
  ::unlink(absl::StrCat(path, "-shm").c_str());
  SyncFolder(path);

  std::vector<std::string> kept = DamagedFiles(path);
  for (; kept.size() > static_cast<size_t>(kMaxDamagedFiles); kept.erase(kept.begin())) {
    ::unlink(kept.front().c_str());
    ::unlink(absl::StrCat(kept.front(), kLog).c_str());
  }
  return aside;
}

}  // namespace understudy::notifier
