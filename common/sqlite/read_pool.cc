#include "common/sqlite/read_pool.h"

#include <utility>

namespace understudy::sqlite {

ReadPool::ReadPool(std::string path, absl::Duration busy_timeout)
    : path_(std::move(path)), busy_timeout_(busy_timeout) {}

Failure ReadPool::Read(absl::FunctionRef<void(Connection&)> work) {
  std::unique_ptr<Connection> connection;
  {
    MutexLock lock(mutex_);
    returned_.Wait(mutex_, [&]() REQUIRES(mutex_) { return !is_open_ || in_use_ < kMaxReaders; });
    if (!is_open_) return {.trouble = Trouble::kDiskFailed, .message = "the database is closed"};
    ++in_use_;
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (connection == nullptr) {
    connection = std::make_unique<Connection>(path_, Connection::Access::kReadOnly, busy_timeout_);
    connection->Run("PRAGMA temp_store = MEMORY");
  }
  work(*connection);
  Failure failure = connection->TakeFailure();
  // One that failed may go on failing: the next reader opens another.
  if (!failure.ok()) connection.reset();
  MutexLock lock(mutex_);
  --in_use_;
  if (connection != nullptr) idle_.push_back(std::move(connection));
  returned_.NotifyAll();
  return failure;
}

void ReadPool::Close() {
  MutexLock lock(mutex_);
  is_open_ = false;
  returned_.NotifyAll();
  returned_.Wait(mutex_, [&]() REQUIRES(mutex_) { return in_use_ == 0; });
  idle_.clear();
}

void ReadPool::Open() {
  MutexLock lock(mutex_);
  is_open_ = true;
}

}  // namespace understudy::sqlite
