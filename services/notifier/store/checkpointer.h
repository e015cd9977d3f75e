// Writes the log back into the database beside whoever writes: a large log takes long, and appends
// would wait for it. What has come in the meantime is left to the writer, which is little by then.
#ifndef SERVICES_NOTIFIER_STORE_CHECKPOINTER_H_
#define SERVICES_NOTIFIER_STORE_CHECKPOINTER_H_

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/sqlite/sqlite.h"

namespace understudy::notifier {

using sqlite::Connection;
using sqlite::Failure;

// A thread and a connection of its own. Its functions are called from one thread.
class Checkpointer {
 public:
  explicit Checkpointer(std::string path);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  // Begins, unless it is at it, or has failed and nobody was told.
  void Begin();
  // What has failed, or nothing has, if it came to an end since this was asked last.
  std::optional<Failure> TakeEnd();
  // Waits until it is at an end.
  void Wait();
  // The same, then closes its connection and forgets how it ended.
  void Close();

 private:
  void Run();
  Failure WriteBack();

  const std::string path_;
  std::unique_ptr<Connection> connection_;  // the thread's while it is at it, else the caller's
  Mutex mutex_;
  CondVar changed_;
  bool is_at_it_ GUARDED_BY(mutex_) = false;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  std::optional<Failure> end_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_CHECKPOINTER_H_
