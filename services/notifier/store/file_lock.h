// A file that one process at a time may hold: two notifiers must not keep one database.
#ifndef SERVICES_NOTIFIER_STORE_FILE_LOCK_H_
#define SERVICES_NOTIFIER_STORE_FILE_LOCK_H_

#include <string>

#include "absl/status/status.h"

namespace understudy::notifier {

// Held from Take() until it goes, or its process does, however that ends. The file stays.
class FileLock {
 public:
  FileLock() = default;
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  bool held() const { return fd_ >= 0; }

  // Makes the file if need be. FailedPrecondition if it is held elsewhere, in this process too;
  // kUnavailable if the disk does not take it now; else what is wrong with the path.
  absl::Status Take(const std::string& path);

 private:
  int fd_ = -1;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_FILE_LOCK_H_
