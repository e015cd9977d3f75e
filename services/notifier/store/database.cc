#include "services/notifier/store/database.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/log.h"
#include "services/notifier/store/damaged_file.h"
#include "services/notifier/store/schema.h"

namespace understudy::notifier {
namespace {

using serving::Log;
using serving::LogLevel;

constexpr int64_t kFrameHeaderBytes = 24;

// WAL and FULL are what durability rests on. The log is written back by us alone, at moments of our
// choice. Sorting needs no files: there may be no other place to write to.
constexpr char kSetUp[] =
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA cache_size = -32768;"  // KiB
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA trusted_schema = OFF;";

int64_t FileBytes(const std::string& path) {
  struct stat file = {};
  return ::stat(path.c_str(), &file) == 0 ? static_cast<int64_t>(file.st_size) : 0;
}

bool IsOnReadOnlyDisk(const std::string& path) {
  struct statvfs disk = {};
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return ::statvfs(folder.empty() ? "." : folder.c_str(), &disk) == 0 &&
         (disk.f_flag & ST_RDONLY) != 0;
}

}  // namespace

Database::Database(DatabaseOptions options)
    : options_(std::move(options)),
      ballast_(FileBeside(".ballast"), options_.ballast_bytes),
      checkpointer_(options_.path) {}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(DatabaseOptions options) {
  std::unique_ptr<Database> database(new Database(std::move(options)));
  absl::Status status = database->Connect();
  if (!status.ok() && !absl::IsUnavailable(status)) return status;
  database->Remember(status.ok() ? database->MakeReady(Room::kOrdinary) : status).IgnoreError();
  return database;
}

Database::~Database() {
  // So that the next process sees that nothing was left.
  if (connection_ != nullptr) WriteLogBack(SQLITE_CHECKPOINT_TRUNCATE);
  Disconnect();
}

absl::Status Database::Transact(Room room, absl::FunctionRef<absl::Status(Connection&)> work) {
  HearCheckpointer();
  if (absl::Status ready = MakeReady(room); !ready.ok()) return Remember(ready);
  Connection& connection = *connection_;
  connection.Run("BEGIN IMMEDIATE");
  absl::Status worked = connection.ok() ? work(connection) : absl::OkStatus();
  if (worked.ok()) connection.Run("COMMIT");
  if (worked.ok() && connection.ok()) {
    OnCommitted(room);
    return absl::OkStatus();
  }
  Failure failure = connection.TakeFailure();
  if (connection.in_transaction()) connection.Run("ROLLBACK");
  if (failure.ok()) failure = connection.TakeFailure();
  if (failure.ok()) return worked;
  absl::Status status = OnFailure(failure);
  // The log may be what has filled it.
  if (failure.trouble == Trouble::kDiskFull) WriteLogBack(SQLITE_CHECKPOINT_TRUNCATE);
  return status;
}

absl::Status Database::Probe() {
  // What it has met may be over: that is not to be heard after this attempt.
  checkpointer_.Wait();
  return Transact(Room::kOrdinary, [](Connection& connection) {
    // Writes the file's first page, though nothing in it changes.
    connection.RunScript(absl::StrCat("PRAGMA user_version = ", Migrations().size()));
    return absl::OkStatus();
  });
}

absl::Status Database::MakeReady(Room room) {
  if (connection_ == nullptr) {
    if (absl::Status status = Connect(); !status.ok()) return status;
    ++reopened_;
  }
  if (room == Room::kReserve) return absl::OkStatus();
  if (!HasRoom()) {
    return absl::UnavailableError("the disk is full, and what room is left is kept for mails");
  }
  if (log_bytes_ < options_.max_log_bytes) return absl::OkStatus();
  WriteLogBack(SQLITE_CHECKPOINT_RESTART, kReaderWait);
  if (connection_ == nullptr) return health_;
  if (!is_log_written_back_ && log_bytes_ > 0) {
    return absl::UnavailableError(
        "the store's log is full, and a program that reads the database holds it back");
  }
  log_bytes_ = 0;
  return absl::OkStatus();
}

absl::Status Database::Connect() {
  if (!lock_.held()) {
    if (absl::Status status = lock_.Take(FileBeside(".lock")); !status.ok()) return status;
  }
  absl::Status status = TryConnect();
  if (absl::IsDataLoss(status)) return Replace(std::string(status.message()));
  // SQLite tells only that there is no log, not why it could not be made.
  if (absl::IsUnavailable(status) && IsOnReadOnlyDisk(options_.path)) {
    status = absl::UnavailableError("the disk is read-only");
  }
  return status;
}

absl::Status Database::TryConnect() {
  const bool was_stopped_uncleanly = FileBytes(FileBeside("-wal")) > 0;
  connection_ = std::make_unique<Connection>(options_.path, Connection::Access::kReadWrite,
                                             options_.busy_timeout);
  Connection& connection = *connection_;
  const auto give_up = [this](absl::Status status) {
    connection_.reset();
    return status;
  };
  connection.UseWriteAheadLog();
  connection.RunScript(kSetUp);
  if (absl::Status status = CheckSchema(connection, StoreSchema()); !status.ok()) {
    return give_up(std::move(status));
  }
  if (was_stopped_uncleanly) {
    if (!connection.QuickCheck(kCheckBudget) && connection.ok()) {
      Log(LogLevel::kWarning, "the store was stopped uncleanly and is too large to be checked now",
          {{"path", options_.path}});
    }
    // What is found in the log may be in the system's memory alone, after a flush that failed; what
    // is appended to it would be lost with it. So it is written back, and begun anew.
    if (!connection.Checkpoint(SQLITE_CHECKPOINT_TRUNCATE)) {
      connection.Fail({.trouble = Trouble::kBusy, .message = "its log cannot be written back"});
    }
  }
  Migrate(connection, StoreSchema());
  page_bytes_ = connection.page_bytes();
  log_bytes_ = 0;
  checkpoint_at_ = options_.checkpoint_bytes;
  is_log_written_back_ = false;
  is_rest_left_ = false;
  if (!connection.ok()) return give_up(ToStatus(connection.failure()));
  if (options_.on_opened) options_.on_opened();
  return absl::OkStatus();
}

void Database::Disconnect() {
  if (connection_ == nullptr) return;
  checkpointer_.Close();
  if (options_.on_closing) options_.on_closing();
  connection_.reset();
}

absl::Status Database::Replace(const std::string& reason) {
  Disconnect();
  absl::StatusOr<std::string> aside = MoveAside(options_.path, absl::Now());
  if (!aside.ok()) return absl::UnavailableError(aside.status().message());
  ++moved_aside_;
  moved_aside_to_ = *std::move(aside);
  Log(LogLevel::kError, "the store was damaged: it was moved aside, and an empty one begun",
      {{"path", options_.path}, {"moved_to", moved_aside_to_}, {"reason", reason}});
  return TryConnect();
}

absl::Status Database::OnFailure(const Failure& failure) {
  absl::Status status = ToStatus(failure);
  switch (failure.trouble) {
    case Trouble::kDiskFull:
      ballast_.Release();
      break;
    case Trouble::kReadOnly:
    case Trouble::kDiskFailed:
      Disconnect();
      break;
    case Trouble::kDamaged:
      // The file that takes its place is in order.
      Remember(Replace(failure.message)).IgnoreError();
      return status;
    case Trouble::kNotFound:
      return status;
    case Trouble::kNone:
    case Trouble::kBusy:
    case Trouble::kOther:
      break;
  }
  return Remember(std::move(status));
}

void Database::OnLogFailure(const Failure& failure) {
  OnFailure(failure).IgnoreError();
  if (absl::Status status = MakeReady(Room::kReserve); !status.ok()) {
    Remember(std::move(status)).IgnoreError();
  }
}

bool Database::HasRoom() {
  if (ballast_.Make()) return true;
  // The file does not shrink: where it is what fills the disk, room comes from its free pages.
  Rows rows = connection_->Query("PRAGMA freelist_count");
  const int64_t free_pages = rows.Next() ? rows.Int() : 0;
  return free_pages * page_bytes_ >= 2 * options_.ballast_bytes;
}

void Database::OnCommitted(Room room) {
  // That mails can be settled without a ballast does not say that events can be stored.
  if (room == Room::kOrdinary || ballast_.held()) Remember(absl::OkStatus()).IgnoreError();
  const int64_t before = log_bytes_;
  log_bytes_ = connection_->log_pages() * (page_bytes_ + kFrameHeaderBytes);
  is_log_written_back_ = false;
  // It begins anew once it is written back and nobody reads it.
  if (log_bytes_ < before) checkpoint_at_ = options_.checkpoint_bytes;
  if (log_bytes_ > FreeBytesBeside(options_.path) / 2) {
    // Or the log would fill the disk, and writing it back would want room that it has taken.
    WriteLogBack(SQLITE_CHECKPOINT_TRUNCATE);
  } else if (is_rest_left_) {
    WriteLogBack(SQLITE_CHECKPOINT_PASSIVE);
  } else if (log_bytes_ >= checkpoint_at_) {
    checkpointer_.Begin();
    checkpoint_at_ = log_bytes_ + options_.checkpoint_bytes;
  }
}

void Database::HearCheckpointer() {
  const std::optional<Failure> end = checkpointer_.TakeEnd();
  if (!end.has_value()) return;
  if (end->ok()) {
    is_rest_left_ = true;
  } else {
    OnLogFailure(*end);
  }
}

bool Database::TidyLog() {
  if (connection_ == nullptr || is_log_written_back_) return false;
  const bool is_large = FileBytes(FileBeside("-wal")) > options_.checkpoint_bytes;
  WriteLogBack(is_large ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE);
  return connection_ != nullptr && !is_log_written_back_;
}

void Database::WriteLogBack(int mode, absl::Duration wait) {
  // Not before it is known how the other one went: SQLite notes pages as written back before they
  // are flushed, and would not write those again whose flush failed.
  checkpointer_.Wait();
  HearCheckpointer();
  if (connection_ == nullptr) return;
  connection_->SetBusyTimeout(wait);
  is_log_written_back_ = connection_->Checkpoint(mode);
  connection_->SetBusyTimeout(options_.busy_timeout);
  is_rest_left_ = false;
  checkpoint_at_ = log_bytes_ + options_.checkpoint_bytes;
  if (const Failure failure = connection_->TakeFailure(); !failure.ok()) {
    OnLogFailure(failure);
    return;
  }
  if (!is_log_written_back_ && !is_log_held_back_ && log_bytes_ > options_.max_log_bytes / 2) {
    Log(LogLevel::kWarning, "a program that reads the store keeps its log from being written back",
        {{"path", options_.path}, {"log_bytes", log_bytes_}});
    is_log_held_back_ = true;
  }
  if (is_log_written_back_) is_log_held_back_ = false;
}

void Database::Suspect() {
  if (connection_ == nullptr) return;
  // What this connection has in memory is from before the damage.
  connection_->ForgetPages();
  if (!connection_->QuickCheck(kCheckBudget) && connection_->ok()) {
    Log(LogLevel::kWarning, "the store seems to be damaged, and is too large to be checked now",
        {{"path", options_.path}});
  }
  if (const Failure failure = connection_->TakeFailure(); !failure.ok()) {
    OnFailure(failure).IgnoreError();
  }
}

DatabaseFacts Database::facts() const {
  return {.holds_ballast = ballast_.held(),
          .log_bytes = log_bytes_,
          .reopened = reopened_,
          .moved_aside = moved_aside_,
          .moved_aside_to = moved_aside_to_};
}

absl::Status Database::Remember(absl::Status status) {
  if (status.ok() && !health_.ok()) {
    Log(LogLevel::kInfo, "the store takes writes again", {{"path", options_.path}});
  } else if (!status.ok() && status != health_) {
    Log(LogLevel::kError, "the store does not take writes",
        {{"path", options_.path}, {"reason", status.message()}});
  }
  health_ = std::move(status);
  return health_;
}

std::string Database::FileBeside(absl::string_view suffix) const {
  return absl::StrCat(options_.path, suffix);
}

}  // namespace understudy::notifier
