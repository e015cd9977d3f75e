// Whether files have changed, without reading them.
#ifndef COMMON_SERVING_FILE_STAMP_H_
#define COMMON_SERVING_FILE_STAMP_H_

#include <sys/types.h>

#include <ctime>
#include <string>
#include <tuple>
#include <vector>

namespace understudy::serving {

// Changes when the content of a file may have: inode, size and time of change.
using FileStamp = std::tuple<ino_t, off_t, time_t, long>;

// Of each of `paths`, what links lead to; all zero for a file that is not there.
std::vector<FileStamp> StampsOf(const std::vector<std::string>& paths);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_FILE_STAMP_H_
