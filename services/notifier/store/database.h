// The database file and all that can happen to it: its lock, its log, a full disk, a broken one, a
// damaged file. Everything above writes through Transact() and hears how that went.
//
// SQLite in WAL mode with synchronous=FULL: a commit that went well is on the disk. What did not is
// told from what may have by when it failed; see Transact().
#ifndef SERVICES_NOTIFIER_STORE_DATABASE_H_
#define SERVICES_NOTIFIER_STORE_DATABASE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/sqlite/sqlite.h"
#include "services/notifier/store/ballast.h"
#include "services/notifier/store/checkpointer.h"
#include "services/notifier/store/file_lock.h"

namespace understudy::notifier {

using sqlite::Connection;
using sqlite::Failure;
using sqlite::Rows;
using sqlite::Trouble;

// Held back on the disk for when it is full.
inline constexpr int64_t kBallastBytes = int64_t{8} << 20;
// The log is written back into the database when it has grown by so much, or when there is nothing
// else to do; a file larger than that is cut when idle.
inline constexpr int64_t kCheckpointBytes = int64_t{32} << 20;
// Longer it does not get while a reader keeps it from being written back: events are refused.
inline constexpr int64_t kMaxLogBytes = int64_t{256} << 20;
// How long another program's lock is waited for.
inline constexpr absl::Duration kBusyTimeout = absl::Seconds(5);
// How long a reader is waited for when the log is at its limit.
inline constexpr absl::Duration kReaderWait = absl::Milliseconds(100);
// How long a file is looked through after a stop that was none of ours, before it is used.
inline constexpr absl::Duration kCheckBudget = absl::Seconds(5);

struct DatabaseOptions {
  std::string path = {};  // in a folder that is there; PATH-wal, -shm, .lock, .ballast beside it
  int64_t ballast_bytes = kBallastBytes;
  int64_t checkpoint_bytes = kCheckpointBytes;
  int64_t max_log_bytes = kMaxLogBytes;
  absl::Duration busy_timeout = kBusyTimeout;
  // Called before the file is closed, which waits until no other connection of this process has it
  // open, and once it is there to be opened.
  std::function<void()> on_closing = {};
  std::function<void()> on_opened = {};
};

// For metrics.
struct DatabaseFacts {
  bool holds_ballast = false;  // false: the disk was full, and has not had room for it since
  int64_t log_bytes = 0;
  int64_t reopened = 0;             // after input or output failed
  int64_t moved_aside = 0;          // files that were damaged
  std::string moved_aside_to = {};  // the last of these
};

// What a transaction may use of a disk that is full.
enum class Room : uint8_t {
  kOrdinary,  // nothing: it is refused until there is room again
  kReserve,   // what the ballast held
};

// Used by one thread at a time.
class Database {
 public:
  // FailedPrecondition if another process holds it, a newer program wrote it, or it is of another
  // program; what is wrong with the path if something is. A disk that does not take writes now is
  // no reason not to start: then the first Transact that can, opens the file.
  static absl::StatusOr<std::unique_ptr<Database>> Open(DatabaseOptions options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs `work` in a transaction and commits it, if `work` and its statements went well. Otherwise
  // nothing of it is done, with one exception: after a commit that failed on input or output, it is
  // not known. The connection is then closed and opened anew, the log written back before anything
  // else: pages whose flush failed once may seem clean to the system, and would be lost.
  //
  // kUnavailable: the disk, another program's lock, or a reader of the log; may pass by itself.
  // kDataLoss: the file is damaged and was moved aside; the next transaction finds an empty one.
  // kNotFound: `work` wrote about what is not there.
  absl::Status Transact(Room room, absl::FunctionRef<absl::Status(Connection&)> work);

  // How the last transaction went, as far as that says something about the store.
  const absl::Status& health() const { return health_; }
  // Writes something small, to see whether that works.
  absl::Status Probe();

  // Writes the log back; for when there is nothing else to do. Whether there is more of that.
  bool TidyLog();

  // Looks the file through after a reader found it damaged.
  void Suspect();

  DatabaseFacts facts() const;

 private:
  explicit Database(DatabaseOptions options);

  absl::Status MakeReady(Room room);
  // Opens the file; one that is damaged is replaced.
  absl::Status Connect();
  absl::Status TryConnect();
  void Disconnect();
  // Moves the file aside and opens an empty one.
  absl::Status Replace(const std::string& reason);
  // Does what follows from a failure; its status.
  absl::Status OnFailure(const Failure& failure);
  // The same for a failure to write the log back. Opens the database anew at once if that closed
  // it, for its readers; `health_` stays as it is until the next transaction.
  void OnLogFailure(const Failure& failure);
  // Whether what is ordinary may be written: the ballast is held, or there is as much room as if.
  bool HasRoom();
  void OnCommitted(Room room);
  // Does what follows from what the checkpointer came to, if it has come to an end.
  void HearCheckpointer();
  // Here and now: for what is little, or when there is nothing else to do. Waits so long for
  // readers that are in the way. May end without a connection.
  void WriteLogBack(int mode, absl::Duration wait = absl::ZeroDuration());
  absl::Status Remember(absl::Status status);
  std::string FileBeside(absl::string_view suffix) const;

  const DatabaseOptions options_;
  FileLock lock_;
  Ballast ballast_;
  std::unique_ptr<Connection> connection_;  // null: to be opened
  Checkpointer checkpointer_;
  int64_t page_bytes_ = 0;
  int64_t log_bytes_ = 0;
  int64_t checkpoint_at_ = 0;        // of log_bytes_
  bool is_log_written_back_ = true;  // since the last commit
  bool is_rest_left_ = false;        // by the checkpointer
  bool is_log_held_back_ = false;    // told in the log
  absl::Status health_;
  int64_t reopened_ = 0;
  int64_t moved_aside_ = 0;
  std::string moved_aside_to_;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_DATABASE_H_
