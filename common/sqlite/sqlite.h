// SQLite's C interface as values: a connection, its prepared statements, and what went wrong.
//
// Failures stick: after the first, a connection's Run and Query do nothing until TakeFailure(), so
// that a transaction is written as a list of statements and looked at once, at its end.
#ifndef COMMON_SQLITE_SQLITE_H_
#define COMMON_SQLITE_SQLITE_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace understudy::sqlite {

// What kind of thing went wrong, by what there is to be done about it.
enum class Trouble : uint8_t {
  kNone,
  kDiskFull,
  kReadOnly,
  kDiskFailed,  // input or output: the connection is not to be used again
  kBusy,        // another program has the database locked
  kDamaged,     // the file is not, or not wholly, a database
  kNotFound,    // a write refers to a row that is not there
  kOther,
};

struct Failure {
  Trouble trouble = Trouble::kNone;
  std::string message = {};  // SQLite's and the system's own words

  bool ok() const { return trouble == Trouble::kNone; }
};

// kUnavailable for what may pass by itself, with a sentence of its own for each trouble; kDataLoss
// for a damaged file; kNotFound; kInternal for the rest.
absl::Status ToStatus(const Failure& failure);

// By result code (extended) and the system's error number, which may be 0.
Trouble TroubleOf(int code, int system_error);

// Text that may hold any bytes.
struct Blob {
  absl::string_view bytes = {};
};
// Text that is NULL when it is empty, for columns whose index leaves such rows out.
struct OptionalText {
  absl::string_view text = {};
};

class Connection;

// The rows of a query, one at a time:
//   while (rows.Next()) { const int64_t id = rows.Int(); const std::string host = rows.Text(); }
// Columns are read from the first on, each once. One for each statement text at a time; ends before
// its connection does.
class Rows {
 public:
  Rows(Connection& connection, sqlite3_stmt* statement);
  ~Rows();
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  // False at the end, and after a failure, which is the connection's.
  bool Next();

  int64_t Int();
  bool Bool() { return Int() != 0; }
  std::string Text();  // or blob; "" for NULL
  // The same, as long as Next() is not called.
  absl::string_view View();
  absl::Time Time();
  absl::Duration Duration();
  // An enum's number; one that is out of range reads as the first.
  template <typename Enum>
  Enum Word(Enum last) {
    const int64_t number = Int();
    return static_cast<Enum>(number >= 0 && number <= static_cast<int64_t>(last) ? number : 0);
  }

 private:
  Connection& connection_;
  sqlite3_stmt* statement_;  // null after a failure to prepare
  int column_ = 0;
};

// Used by one thread at a time.
class Connection {
 public:
  enum class Access : uint8_t { kReadWrite, kReadOnly };

  // Opens `path`, which kReadWrite creates, for the owner and the group alone: SQLite would let
  // everybody read. A failure is the connection's first.
  Connection(const std::string& path, Access access, absl::Duration busy_timeout);
  // Ends the transaction that is open, if any. Does not write the log back: after a failure that
  // would do harm (Database), and at other times there is Checkpoint().
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool ok() const { return failure_.ok(); }
  const Failure& failure() const { return failure_; }
  Failure TakeFailure();
  // As if a statement had failed so.
  void Fail(Failure failure);

  // Executes a statement; returns how many rows it changed. Statements are prepared once and kept.
  // Values: integers, bool, absl::string_view, Blob, OptionalText, absl::Time, absl::Duration, and
  // enums by their number.
  template <typename... Values>
  int Run(absl::string_view sql, const Values&... values) {
    sqlite3_stmt* const statement = Prepare(sql);
    int index = 0;
    (Bind(statement, ++index, values), ...);
    return Execute(statement);
  }

  // Asks. Texts among `values` must outlive the rows.
  template <typename... Values>
  Rows Query(absl::string_view sql, const Values&... values) {
    sqlite3_stmt* const statement = Prepare(sql);
    int index = 0;
    (Bind(statement, ++index, values), ...);
    return Rows(*this, statement);
  }

  // Executes all statements of a script, which is not kept.
  void RunScript(const std::string& sql);

  // Has the database keep a write-ahead log, and waits for as long as the busy timeout says while
  // others have it locked, which the pragma does not do.
  void UseWriteAheadLog();

  // Of the last INSERT; 0 after a failure.
  int64_t last_row() const;
  bool in_transaction() const;
  // Pages in the log after this connection's last commit.
  int log_pages() const { return log_pages_; }
  int page_bytes();

  // Writes the log back as far as readers let it; whether all of it. SQLITE_CHECKPOINT_PASSIVE,
  // _RESTART or _TRUNCATE. That readers are in the way, or another checkpoint, is no failure.
  bool Checkpoint(int mode);
  void SetBusyTimeout(absl::Duration timeout);

  // Pages that are read from here on come from the disk. Within no transaction.
  void ForgetPages();

  // Reads the file through, for `budget` at most. What is wrong is the connection's failure
  // (kDamaged); returns whether it came to the end.
  bool QuickCheck(absl::Duration budget);

 private:
  friend class Rows;

  sqlite3_stmt* Prepare(absl::string_view sql);
  int Execute(sqlite3_stmt* statement);
  void Bind(sqlite3_stmt* statement, int index, int64_t value);
  void Bind(sqlite3_stmt* statement, int index, int value) {
    Bind(statement, index, static_cast<int64_t>(value));
  }
  void Bind(sqlite3_stmt* statement, int index, bool value) {
    Bind(statement, index, static_cast<int64_t>(value));
  }
  void Bind(sqlite3_stmt* statement, int index, absl::string_view value);
  void Bind(sqlite3_stmt* statement, int index, const std::string& value) {
    Bind(statement, index, absl::string_view(value));
  }
  void Bind(sqlite3_stmt* statement, int index, Blob value);
  void Bind(sqlite3_stmt* statement, int index, OptionalText value);
  void Bind(sqlite3_stmt* statement, int index, absl::Time value);
  void Bind(sqlite3_stmt* statement, int index, absl::Duration value);
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void Bind(sqlite3_stmt* statement, int index, Enum value) {
    Bind(statement, index, static_cast<int64_t>(value));
  }
  void Note(int code);
  int SystemError() const;

  sqlite3* database_ = nullptr;
  absl::flat_hash_map<std::string, sqlite3_stmt*> statements_;
  Failure failure_;
  absl::Duration busy_timeout_;
  int log_pages_ = 0;
};

}  // namespace understudy::sqlite

#endif  // COMMON_SQLITE_SQLITE_H_
