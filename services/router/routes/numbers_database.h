// The file that numbers are kept in, and what can happen to it: other processes that write, a disk
// that is full, read-only or broken, damage. Unlike the notifier's (services/notifier/store) it is
// shared, so it is neither locked nor replaced.
#ifndef SERVICES_ROUTER_ROUTES_NUMBERS_DATABASE_H_
#define SERVICES_ROUTER_ROUTES_NUMBERS_DATABASE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/sqlite/read_pool.h"
#include "common/sqlite/sqlite.h"

namespace understudy::router {

// The log is written back into the database when it has grown by so many pages of 4 KiB.
inline constexpr int kNumbersLogPages = 4096;
// Deletions are kept for so many transactions. A reader that is further behind reads everything.
inline constexpr int64_t kKeptDeletions = 10000;

struct NumbersDatabaseOptions {
  std::string path = {};
  absl::Duration busy_timeout = {};
  // Told how long each attempt to write took, and how it ended. From any thread; may be empty.
  std::function<void(absl::Duration took, bool good)> on_write = {};
};

// From any thread.
class NumbersDatabase {
 public:
  // As NumbersStore::Open().
  static absl::StatusOr<std::unique_ptr<NumbersDatabase>> Open(NumbersDatabaseOptions options);
  // What is left of the log is written back, if that works at once.
  ~NumbersDatabase();
  NumbersDatabase(const NumbersDatabase&) = delete;
  NumbersDatabase& operator=(const NumbersDatabase&) = delete;

  // Reads on a connection of its own. Unavailable, DataLoss or Internal.
  absl::Status Read(absl::FunctionRef<void(sqlite::Connection&)> work);

  // A transaction that writes: there is one at a time, of all processes; others wait. Used by one
  // thread; goes before the database. What was not committed is undone.
  class Transaction {
   public:
    Transaction(NumbersDatabase& database, absl::Time now);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    // OK if it has begun, and nothing failed since.
    absl::Status status() const;
    // REQUIRES: it has begun.
    sqlite::Connection& connection() { return *database_.writer_; }
    // The number that rows get which it changes.
    int64_t number() const { return number_; }

    // On the disk when it returns OK. Unavailable after an input or output error says that it is
    // not known whether it is. Once.
    absl::Status Commit();

   private:
    absl::Status End();

    NumbersDatabase& database_;
    const absl::Time begun_at_;
    bool has_writer_ = false;
    absl::Status begun_;  // OK: there is a connection
    bool is_committing_ = false;
    bool is_over_ = false;
    int64_t number_ = 0;
  };

 private:
  explicit NumbersDatabase(NumbersDatabaseOptions options);

  absl::Status Connect();
  // Whether the file can be read and is up to date, though it cannot be written.
  bool IsReadable();
  // Waits for the writer to be free; false after busy_timeout.
  bool TakeWriter();
  void GiveWriterBack();
  // Does what follows from how a transaction ended.
  void OnEnd(const sqlite::Failure& failure);
  void WriteLogBack();
  // Says in the log when writes begin to fail and when they work again.
  void Remember(const absl::Status& status);

  const NumbersDatabaseOptions options_;
  sqlite::ReadPool readers_;
  Mutex mutex_;
  CondVar freed_;
  bool is_writing_ GUARDED_BY(mutex_) = false;
  // Of whoever set `is_writing_`.
  std::unique_ptr<sqlite::Connection> writer_;  // null: to be opened
  bool is_log_in_doubt_ = false;                // after input or output failed
  absl::Status health_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_NUMBERS_DATABASE_H_
