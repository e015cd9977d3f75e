#include "common/sqlite/sqlite.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/serving/monotonic_clock.h"

namespace understudy::sqlite {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kLongAgo = std::numeric_limits<int64_t>::min();

// Steps of SQLite's machine between two looks at the clock; some ten microseconds.
constexpr int kStepsBetweenLooks = 1000;

constexpr int kMillisecondsBetweenTries = 2;

// Its mode is also that of the files that SQLite puts beside it. If this fails, SQLite says why.
// Not by open(): to close a file takes this process's locks off it, those of its other connections
// too.
void MakeFile(const std::string& path) {
  ::mknod(path.c_str(), S_IFREG | 0640, 0);
}

const char* NotNull(absl::string_view text) {
  return text.data() == nullptr ? "" : text.data();
}

}  // namespace

Trouble TroubleOf(int code, int system_error) {
  const int primary = code & 0xFF;
  const bool is_of_system = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
  if (primary == SQLITE_FULL) return Trouble::kDiskFull;
  if (is_of_system && (system_error == ENOSPC || system_error == EDQUOT)) return Trouble::kDiskFull;
  if (primary == SQLITE_READONLY) return Trouble::kReadOnly;
  if (is_of_system && system_error == EROFS) return Trouble::kReadOnly;
  if (is_of_system) return Trouble::kDiskFailed;
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) return Trouble::kBusy;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) return Trouble::kDamaged;
  if (code == SQLITE_CONSTRAINT_FOREIGNKEY) return Trouble::kNotFound;
  return Trouble::kOther;
}

absl::Status ToStatus(const Failure& failure) {
  switch (failure.trouble) {
    case Trouble::kNone:
      return absl::OkStatus();
    case Trouble::kDiskFull:
      return absl::UnavailableError(absl::StrCat("the disk is full (", failure.message, ")"));
    case Trouble::kReadOnly:
      return absl::UnavailableError(absl::StrCat("the disk is read-only (", failure.message, ")"));
    case Trouble::kDiskFailed:
      return absl::UnavailableError(absl::StrCat("the disk failed (", failure.message, ")"));
    case Trouble::kBusy:
      return absl::UnavailableError(
          absl::StrCat("another program has the database locked (", failure.message, ")"));
    case Trouble::kDamaged:
      return absl::DataLossError(
          absl::StrCat("the database file is damaged (", failure.message, ")"));
    case Trouble::kNotFound:
      return absl::NotFoundError(
          absl::StrCat("a write refers to what is not there (", failure.message, ")"));
    case Trouble::kOther:
      break;
  }
  return absl::InternalError(absl::StrCat("SQLite: ", failure.message));
}

Rows::Rows(Connection& connection, sqlite3_stmt* statement)
    : connection_(connection), statement_(statement) {}

Rows::~Rows() {
  // Its result is that of the last step, which Next() has noted.
  sqlite3_reset(statement_);
}

bool Rows::Next() {
  if (statement_ == nullptr || !connection_.ok()) return false;
  column_ = 0;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  connection_.Note(code);
  return false;
}

int64_t Rows::Int() {
  return sqlite3_column_int64(statement_, column_++);
}

std::string Rows::Text() {
  return std::string(View());
}

absl::string_view Rows::View() {
  const int column = column_++;
  const void* const bytes = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? absl::string_view()
                          : absl::string_view(static_cast<const char*>(bytes), size);
}

absl::Time Rows::Time() {
  const int64_t nanoseconds = Int();
  if (nanoseconds == kNever) return absl::InfiniteFuture();
  if (nanoseconds == kLongAgo) return absl::InfinitePast();
  return absl::FromUnixNanos(nanoseconds);
}

absl::Duration Rows::Duration() {
  const int64_t nanoseconds = Int();
  if (nanoseconds == kNever) return absl::InfiniteDuration();
  if (nanoseconds == kLongAgo) return -absl::InfiniteDuration();
  return absl::Nanoseconds(nanoseconds);
}

Connection::Connection(const std::string& path, Access access, absl::Duration busy_timeout) {
  if (access == Access::kReadWrite) MakeFile(path);
  // Without SQLite's own mutexes: one thread at a time is promised.
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (access == Access::kReadWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                                  : SQLITE_OPEN_READONLY);
  Note(sqlite3_open_v2(path.c_str(), &database_, flags, nullptr));
  if (!ok()) return;
  SetBusyTimeout(busy_timeout);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  // SQLite is content with less than was asked for.
  if (access == Access::kReadWrite && sqlite3_db_readonly(database_, "main") == 1) {
    Fail({.trouble = Trouble::kReadOnly, .message = "the file cannot be written"});
  }
  // In place of SQLite's own hook, which writes the log back at moments of its choice.
  sqlite3_wal_hook(
      database_,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Connection*>(self)->log_pages_ = pages;
        return SQLITE_OK;
      },
      this);
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

Failure Connection::TakeFailure() {
  return std::exchange(failure_, Failure{});
}

void Connection::Fail(Failure failure) {
  if (ok()) failure_ = std::move(failure);
}

void Connection::RunScript(const std::string& sql) {
  if (ok()) Note(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr));
}

void Connection::UseWriteAheadLog() {
  const absl::Time give_up_at = serving::MonotonicNow() + busy_timeout_;
  for (;;) {
    RunScript("PRAGMA journal_mode = WAL");
    if (failure_.trouble != Trouble::kBusy || serving::MonotonicNow() >= give_up_at) return;
    TakeFailure();
    sqlite3_sleep(kMillisecondsBetweenTries);
  }
}

int64_t Connection::last_row() const {
  return ok() ? sqlite3_last_insert_rowid(database_) : 0;
}

bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(database_) == 0;
}

int Connection::page_bytes() {
  Rows rows = Query("PRAGMA page_size");
  return rows.Next() ? static_cast<int>(rows.Int()) : 0;
}

bool Connection::Checkpoint(int mode) {
  if (!ok()) return false;
  int pages = 0;
  int written = 0;
  const int code = sqlite3_wal_checkpoint_v2(database_, nullptr, mode, &pages, &written);
  if (code == SQLITE_BUSY) return false;
  Note(code);
  return ok() && pages == written;
}

void Connection::SetBusyTimeout(absl::Duration timeout) {
  busy_timeout_ = timeout;
  sqlite3_busy_timeout(database_, static_cast<int>(absl::ToInt64Milliseconds(timeout)));
}

void Connection::ForgetPages() {
  sqlite3_db_release_memory(database_);
}

bool Connection::QuickCheck(absl::Duration budget) {
  if (!ok()) return false;
  absl::Time give_up_at = serving::MonotonicNow() + budget;
  sqlite3_progress_handler(
      database_, kStepsBetweenLooks,
      [](void* at) { return serving::MonotonicNow() >= *static_cast<absl::Time*>(at) ? 1 : 0; },
      &give_up_at);
  bool gave_up = false;
  {
    Rows rows = Query("PRAGMA quick_check(1)");
    if (rows.Next()) {
      const std::string verdict = rows.Text();
      if (verdict != "ok") Fail({.trouble = Trouble::kDamaged, .message = verdict});
    } else {
      gave_up = serving::MonotonicNow() >= give_up_at;
    }
  }
  sqlite3_progress_handler(database_, 0, nullptr, nullptr);
  if (gave_up && failure_.trouble == Trouble::kOther) failure_ = {};
  return !gave_up;
}

sqlite3_stmt* Connection::Prepare(absl::string_view sql) {
  if (!ok()) return nullptr;
  const auto known = statements_.find(sql);
  if (known != statements_.end()) return known->second;
  sqlite3_stmt* statement = nullptr;
  Note(sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()),
                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
  if (statement != nullptr) statements_.emplace(sql, statement);
  return statement;
}

int Connection::Execute(sqlite3_stmt* statement) {
  if (statement == nullptr || !ok()) return 0;
  int code = sqlite3_step(statement);
  while (code == SQLITE_ROW) code = sqlite3_step(statement);  // pragmas answer
  Note(code);
  sqlite3_reset(statement);
  return ok() ? sqlite3_changes(database_) : 0;
}

void Connection::Bind(sqlite3_stmt* statement, int index, int64_t value) {
  if (statement != nullptr) Note(sqlite3_bind_int64(statement, index, value));
}

void Connection::Bind(sqlite3_stmt* statement, int index, absl::string_view value) {
  if (statement == nullptr) return;
  Note(sqlite3_bind_text64(statement, index, NotNull(value), value.size(), SQLITE_STATIC,
                           SQLITE_UTF8));
}

void Connection::Bind(sqlite3_stmt* statement, int index, Blob value) {
  if (statement == nullptr) return;
  Note(sqlite3_bind_blob64(statement, index, NotNull(value.bytes), value.bytes.size(),
                           SQLITE_STATIC));
}

void Connection::Bind(sqlite3_stmt* statement, int index, OptionalText value) {
  if (!value.text.empty()) return Bind(statement, index, value.text);
  if (statement != nullptr) Note(sqlite3_bind_null(statement, index));
}

void Connection::Bind(sqlite3_stmt* statement, int index, absl::Time value) {
  if (value == absl::InfiniteFuture()) return Bind(statement, index, kNever);
  if (value == absl::InfinitePast()) return Bind(statement, index, kLongAgo);
  Bind(statement, index, absl::ToUnixNanos(value));
}

void Connection::Bind(sqlite3_stmt* statement, int index, absl::Duration value) {
  Bind(statement, index, absl::ToInt64Nanoseconds(value));
}

void Connection::Note(int code) {
  if (code == SQLITE_OK || code == SQLITE_DONE || !ok()) return;
  const int primary = code & 0xFF;
  const bool is_of_system = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
  const int system_error = is_of_system ? SystemError() : 0;
  failure_.trouble = TroubleOf(code, system_error);
  failure_.message = database_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database_);
  if (system_error != 0) absl::StrAppend(&failure_.message, ": ", std::strerror(system_error));
}

int Connection::SystemError() const {
  if (database_ == nullptr) return 0;
  // SQLite keeps it for a statement that failed, but not for a commit; the files do.
  if (const int error = sqlite3_system_errno(database_); error != 0) return error;
  for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(database_, "main", which, &file);
    if (file == nullptr || file->pMethods == nullptr) continue;
    int error = 0;
    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
    if (error != 0) return error;
  }
  return 0;
}

}  // namespace understudy::sqlite
