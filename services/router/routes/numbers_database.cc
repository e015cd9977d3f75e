#include "services/router/routes/numbers_database.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/serving/log.h"
#include "common/serving/monotonic_clock.h"
#include "common/sqlite/schema.h"
#include "services/router/routes/numbers_schema.h"

namespace understudy::router {
namespace {

using serving::Log;
using serving::LogLevel;
using sqlite::Connection;
using sqlite::Failure;
using sqlite::Rows;
using sqlite::Trouble;

// WAL and FULL are what durability rests on. Sorting needs no files: there may be no other place to
// write to. After an import the log is cut again.
constexpr char kSetUp[] =
    "PRAGMA synchronous = FULL;"
    "PRAGMA cache_size = -32768;"  // KiB
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA trusted_schema = OFF;";

}  // namespace

NumbersDatabase::NumbersDatabase(NumbersDatabaseOptions options)
    : options_(std::move(options)),
      readers_(options_.path, options_.busy_timeout),
      table_readers_(options_.path, options_.busy_timeout) {
  readers_.Open();
  table_readers_.Open();
}

absl::StatusOr<std::unique_ptr<NumbersDatabase>> NumbersDatabase::Open(
    NumbersDatabaseOptions options) {
  std::unique_ptr<NumbersDatabase> database(new NumbersDatabase(std::move(options)));
  absl::Status status = database->Connect();
  if (absl::IsUnavailable(status) && database->IsReadable()) {
    database->Remember(status);
    return database;
  }
  if (!status.ok()) return status;
  return database;
}

NumbersDatabase::~NumbersDatabase() {
  readers_.Close();
  table_readers_.Close();
  if (writer_ == nullptr) return;
  writer_->SetBusyTimeout(absl::ZeroDuration());
  writer_->Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
}

absl::Status NumbersDatabase::Read(absl::FunctionRef<void(Connection&)> work) {
  return ToStatus(readers_.Read(work));
}

absl::Status NumbersDatabase::ReadForTable(absl::FunctionRef<void(Connection&)> work) {
  return ToStatus(table_readers_.Read(work));
}

absl::Status NumbersDatabase::Connect() {
  writer_ = std::make_unique<Connection>(options_.path, Connection::Access::kReadWrite,
                                         options_.busy_timeout);
  Connection& connection = *writer_;
  connection.UseWriteAheadLog();
  connection.RunScript(kSetUp);
  absl::Status status = sqlite::CheckSchema(connection, NumbersSchema());
  if (status.ok()) {
    sqlite::Migrate(connection, NumbersSchema());
    // What is found in the log may be in the system's memory alone, after a flush that failed: what
    // is appended to it would be lost with it.
    if (is_log_in_doubt_ && !connection.Checkpoint(SQLITE_CHECKPOINT_TRUNCATE)) {
      connection.Fail({.trouble = Trouble::kBusy, .message = "its log cannot be written back"});
    }
    status = ToStatus(connection.failure());
  }
  if (!status.ok()) {
    writer_ = nullptr;
    return status;
  }
  is_log_in_doubt_ = false;
  return absl::OkStatus();
}

bool NumbersDatabase::IsReadable() {
  bool is_up_to_date = false;
  const absl::Status status = Read([&](Connection& connection) {
    Rows rows = connection.Query("PRAGMA user_version");
    is_up_to_date =
        rows.Next() && rows.Int() == static_cast<int64_t>(NumbersSchema().migrations.size());
  });
  return status.ok() && is_up_to_date;
}

bool NumbersDatabase::TakeWriter() {
  MutexLock lock(mutex_);
  const bool is_free = freed_.WaitFor(mutex_, absl::ToChronoMilliseconds(options_.busy_timeout),
                                      [this]() REQUIRES(mutex_) { return !is_writing_; });
  if (is_free) is_writing_ = true;
  return is_free;
}

void NumbersDatabase::GiveWriterBack() {
  MutexLock lock(mutex_);
  is_writing_ = false;
  freed_.NotifyOne();
}

void NumbersDatabase::OnEnd(const Failure& failure) {
  switch (failure.trouble) {
    case Trouble::kNone:
      if (writer_->log_pages() >= kNumbersLogPages) WriteLogBack();
      return;
    case Trouble::kDiskFull:
      // The log may be what has filled it.
      WriteLogBack();
      return;
    case Trouble::kDiskFailed:
      is_log_in_doubt_ = true;
      writer_ = nullptr;
      return;
    case Trouble::kReadOnly:
    case Trouble::kDamaged:
      writer_ = nullptr;
      return;
    case Trouble::kBusy:
    case Trouble::kNotFound:
    case Trouble::kOther:
      return;
  }
}

void NumbersDatabase::WriteLogBack() {
  // That readers are in the way is no failure: the next one finds the rest.
  writer_->SetBusyTimeout(absl::ZeroDuration());
  writer_->Checkpoint(SQLITE_CHECKPOINT_PASSIVE);
  writer_->SetBusyTimeout(options_.busy_timeout);
  if (writer_->ok()) return;
  Log(LogLevel::kError, "the log of the numbers' database cannot be written back",
      {{"path", options_.path}, {"reason", writer_->failure().message}});
  is_log_in_doubt_ = true;
  writer_ = nullptr;
}

void NumbersDatabase::Remember(const absl::Status& status) {
  if (status.ok() && !health_.ok()) {
    Log(LogLevel::kInfo, "the numbers can be changed again", {{"path", options_.path}});
  } else if (!status.ok() && status != health_) {
    Log(LogLevel::kError, "the numbers cannot be changed",
        {{"path", options_.path}, {"reason", status.message()}});
  }
  health_ = status;
}

NumbersDatabase::Transaction::Transaction(NumbersDatabase& database, absl::Time now)
    : database_(database), begun_at_(serving::MonotonicNow()) {
  has_writer_ = database.TakeWriter();
  if (!has_writer_) {
    begun_ = absl::UnavailableError("others are writing, an import for instance");
    return;
  }
  if (database.writer_ == nullptr) begun_ = database.Connect();
  if (!begun_.ok()) return;
  Connection& connection = *database.writer_;
  connection.Run("BEGIN IMMEDIATE");
  Rows rows = connection.Query("UPDATE commits SET last = last + 1, at = ? RETURNING last", now);
  number_ = rows.Next() ? rows.Int() : 0;
}

NumbersDatabase::Transaction::~Transaction() {
  if (!is_over_) End().IgnoreError();
  if (has_writer_) database_.GiveWriterBack();
}

absl::Status NumbersDatabase::Transaction::status() const {
  if (!begun_.ok()) return begun_;
  return ToStatus(database_.writer_->failure());
}

absl::Status NumbersDatabase::Transaction::Commit() {
  if (begun_.ok()) {
    Connection& connection = *database_.writer_;
    connection.Run("DELETE FROM deletions WHERE commit_number <= ?", number_ - kKeptDeletions);
    connection.Run("UPDATE commits SET kept_from = max(kept_from, ?)",
                   number_ - kKeptDeletions + 1);
    is_committing_ = connection.ok();
    connection.Run("COMMIT");
  }
  return End();
}

absl::Status NumbersDatabase::Transaction::End() {
  is_over_ = true;
  absl::Status status = begun_;
  if (begun_.ok()) {
    const Failure failure = database_.writer_->TakeFailure();
    status = ToStatus(failure);
    if (is_committing_ && failure.trouble == Trouble::kDiskFailed) {
      status = absl::UnavailableError(
          absl::StrCat(status.message(), "; it is not known whether the change is kept"));
    }
    if (database_.writer_->in_transaction()) database_.writer_->Run("ROLLBACK");
    database_.writer_->TakeFailure();
    database_.OnEnd(failure);
  }
  // One that was given up for reasons of its own says nothing about the disk.
  if (!is_committing_ && status.ok()) return status;
  if (has_writer_) database_.Remember(status);
  if (database_.options_.on_write) {
    database_.options_.on_write(serving::MonotonicNow() - begun_at_, status.ok());
  }
  return status;
}

}  // namespace understudy::router
