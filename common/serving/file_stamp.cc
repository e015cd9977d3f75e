#include "common/serving/file_stamp.h"

#include <sys/stat.h>

namespace understudy::serving {

std::vector<FileStamp> StampsOf(const std::vector<std::string>& paths) {
  std::vector<FileStamp> stamps;
  for (const std::string& path : paths) {
    struct stat file = {};
    FileStamp& stamp = stamps.emplace_back();
    if (stat(path.c_str(), &file) != 0) continue;
    stamp = {file.st_ino, file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec};
  }
  return stamps;
}

}  // namespace understudy::serving
