// A folder of its own for one test.
#ifndef TESTS_TESTING_TEMP_DIR_H_
#define TESTS_TESTING_TEMP_DIR_H_

#include <string>

#include "absl/strings/string_view.h"

namespace understudy::testing {

enum class TempMedium {
  kDisk,    // under $TMPDIR or /tmp
  kMemory,  // under /dev/shm, if there is one: for what is not about the disk and flushes much
};

// Made empty; removed with all its contents when it goes out of scope.
class TempDir {
 public:
  explicit TempDir(TempMedium medium = TempMedium::kDisk);
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

  // Writes a file, replacing one of that name; returns its path. Ends the process on failure.
  std::string Write(absl::string_view name, absl::string_view contents) const;

 private:
  std::string path_;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_TEMP_DIR_H_
