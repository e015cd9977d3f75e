// Connections that only read, shared by all threads. They never wait for the writer, nor it for
// them.
#ifndef COMMON_SQLITE_READ_POOL_H_
#define COMMON_SQLITE_READ_POOL_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/sqlite/sqlite.h"

namespace understudy::sqlite {

// At the same time; further readers wait for one of them.
inline constexpr int kMaxReaders = 4;

// From any thread.
class ReadPool {
 public:
  // Closed at first.
  ReadPool(std::string path, absl::Duration busy_timeout);

  // Runs `work` on a connection of its own; what failed there.
  Failure Read(absl::FunctionRef<void(Connection&)> work);

  // Waits until nobody reads, then closes all connections; readers that come then are refused.
  void Close();
  void Open();

 private:
  const std::string path_;
  const absl::Duration busy_timeout_;
  Mutex mutex_;
  CondVar returned_;
  bool is_open_ GUARDED_BY(mutex_) = false;
  int in_use_ GUARDED_BY(mutex_) = 0;
  std::vector<std::unique_ptr<Connection>> idle_ GUARDED_BY(mutex_);
};

}  // namespace understudy::sqlite

#endif  // COMMON_SQLITE_READ_POOL_H_
