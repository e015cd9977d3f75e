// Where error events wait for the notifier: a bounded queue in files. An event that was appended
// survives the end of this process, however it ends (the system has the bytes; nothing is synced,
// so a machine that loses power may lose the last seconds). Nobody who appends ever waits for the
// notifier. What was sent may be sent again after a crash: receivers tell events apart by their
// ids.
//
// Files of the directory:
//
//   lock                 held (flock) by the process that has the directory
//   cursor               how far the segments were sent
//   segment-0000000001   records, oldest first; numbers go up and are never used again; the last
//                        may be empty, made ahead of its need
//
//   segment = *record
//   record  = mark length check time payload
//   mark    = %xFF "EV1"              ; FF is in no UTF-8, so in no text of an event
//   length  = 4OCTET                  ; of payload: 1 to kMaxRecordBytes
//   check   = 4OCTET                  ; CRC-32, as zlib has it, of length, time and payload
//   time    = 8OCTET                  ; when it was appended: milliseconds since 1970 (UTC)
//   payload = 1*OCTET                 ; an event; the outbox does not look inside
//   cursor  = %xFF "CU1" check number offset
//   number  = 8OCTET                  ; of the segment
//   offset  = 8OCTET                  ; in it; records before it need not be sent any more
//
// Numbers are little-endian. What fits no record, such as one that was cut off by a crash, is
// skipped up to the next mark. A segment whose records were all sent is removed; one process never
// adds to a segment that another began.
#ifndef SERVICES_ROUTER_REPORT_OUTBOX_H_
#define SERVICES_ROUTER_REPORT_OUTBOX_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/mutex.h"
#include "services/router/report/segment.h"

namespace understudy::router {

// Of all segments together, and what a configuration may choose.
inline constexpr int64_t kDefaultOutboxBytes = int64_t{64} << 20;
inline constexpr int64_t kMinOutboxBytes = int64_t{1} << 20;
inline constexpr int64_t kMaxOutboxBytes = int64_t{1} << 30;
// Of one segment; also at most an eighth of the outbox, as a whole segment is dropped at once.
inline constexpr int64_t kMaxSegmentBytes = int64_t{1} << 20;
// Each start begins a segment, so many starts could make many small ones.
inline constexpr size_t kMaxSegments = 1024;
// Of one send: the notifier's own limit, and well under what gRPC takes.
inline constexpr size_t kMaxBatchEvents = 500;
inline constexpr size_t kMaxBatchBytes = size_t{1} << 20;
// In memory while the disk takes nothing.
inline constexpr size_t kMaxQueuedBytes = size_t{4} << 20;

// Events gather for so long before they are sent: in a storm one send carries many.
inline constexpr absl::Duration kGatherTime = absl::Milliseconds(50);
// After a send that failed: doubling from the first to the longest, each cut by up to a half at
// random. While draining the longest is shorter: there is not much time.
inline constexpr absl::Duration kFirstBackoff = absl::Milliseconds(100);
inline constexpr absl::Duration kMaxBackoff = absl::Seconds(30);
inline constexpr absl::Duration kMaxDrainBackoff = absl::Seconds(1);
// The longest that the notifier may ask us to stay away.
inline constexpr absl::Duration kMaxRetryAfter = absl::Minutes(5);
// After the disk failed it is left alone for so long.
inline constexpr absl::Duration kDiskRetry = absl::Seconds(1);
// A segment that cannot be read so many times is given up.
inline constexpr int kReadTries = 5;

// How a send ended.
struct SendResult {
  enum class State : uint8_t {
    kAccepted,  // all but `rejected` of them are the notifier's now
    kTryLater,  // perhaps none, perhaps all arrived
    kRefused,   // as a batch it will never be taken; a part of it may be
  };
  State state = State::kTryLater;
  int64_t rejected = 0;             // records of an accepted batch that will never be taken
  absl::Duration retry_after = {};  // not before that, if it is to be tried later
  std::string detail = {};          // a sentence for the log, if it was not accepted
  absl::Time finished_at = {};      // monotonic
};
// Blocks until the batch is sent or has failed.
using SendFunction = absl::AnyInvocable<SendResult(const std::vector<std::string>& records)>;

struct OutboxOptions {
  std::string directory = {};
  int64_t max_bytes = kDefaultOutboxBytes;
  SendFunction send = {};
  absl::AnyInvocable<double()> random = {};  // from [0, 1); jitters the backoff
};

struct OutboxStats {
  int64_t events = 0;          // waiting, those being sent included
  absl::Duration oldest = {};  // how long the oldest of them has waited
  int64_t bytes = 0;           // of all segments; a part of the oldest may have been sent
  int64_t max_bytes = 0;       // what they may be
  // Since the start:
  int64_t sent = 0;
  int64_t rejected = 0;  // by the notifier, for good
  int64_t dropped = 0;   // over a limit, or lost with a disk
  int64_t send_failures = 0;
  int64_t write_failures = 0;
  int64_t damaged_bytes = 0;  // found at the start and skipped
};

// The queue alone: no thread, no clock. Times are monotonic, as MonotonicNow() has them, unless
// they are called dates.
class Outbox {
 public:
  // Takes the directory, makes it if need be, and finds what earlier processes left; `date` is now
  // as a date. FailedPrecondition if another process has the directory, Unavailable if it cannot be
  // used; each with a sentence for the operator.
  static absl::StatusOr<std::unique_ptr<Outbox>> Open(OutboxOptions options, absl::Time now,
                                                      absl::Time date);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // Keeps `records`, each of 1 to kMaxRecordBytes bytes, in one write. Over max_bytes the oldest
  // segment is dropped. If the disk fails they wait in memory, up to kMaxQueuedBytes. True: Pump is
  // to be called again now, whatever it said. From any thread.
  bool Append(absl::Span<const std::string> records, absl::Time now);

  // Sends a batch if one is due, without holding up Append. Returns when to call it again,
  // InfiniteFuture if not before Append says so. From one thread.
  absl::Time Pump(absl::Time now);

  // From now on nothing gathers and backoffs are short. Pump is to be called again now.
  void BeginDrain(absl::Time now);

  // The last call: writes down what waits in memory, if the disk takes it now.
  void Close(absl::Time now);

  // From any thread.
  OutboxStats stats(absl::Time now) const;

 private:
  // An open file, closed with its last holder; null if it could not be opened, and errno says why.
  class File;
  using FileRef = std::shared_ptr<const File>;

  struct Segment {
    int64_t number = 0;
    int64_t bytes = 0;                              // written
    int64_t sent_bytes = 0;                         // from its beginning
    int64_t events = 0;                             // behind these
    absl::Time oldest_at = absl::InfiniteFuture();  // of these events, or a little earlier
  };
  struct Waiting {
    std::string payload = {};
    absl::Time appended_at = {};
  };
  // What is sent at once. Of one source: a segment or the memory.
  struct Batch {
    absl::Time picked_at = {};
    int64_t segment = 0;  // its number; 0: from memory
    FileRef file = {};    // the segment's, if it is open
    int64_t begin = 0;    // in the segment
    int64_t end = 0;
    int64_t events = 0;  // in the segment when it was picked
    size_t max_events = 0;
    bool is_rest = false;  // nothing more was in the segment
    absl::Time last_at = {};
    std::vector<Waiting> queued = {};  // from memory
    std::vector<std::string> records = {};
  };

  explicit Outbox(OutboxOptions options) : options_(std::move(options)) {}

  absl::Status Unusable(const char* what, int error) const;
  absl::Status TakeDirectory();
  absl::Status FindSegments(absl::Time now, absl::Time date);
  void ScanSegment(Segment& segment, const std::optional<Cursor>& cursor, absl::Time now)
      REQUIRES(mutex_);
  FileRef OpenFile(const std::string& name, int flags) const;
  absl::StatusOr<std::string> ReadSegment(int64_t number, int64_t begin, int64_t end) const;

  bool WriteRecords(absl::string_view bytes, int64_t events, absl::Time oldest_at, absl::Time now)
      REQUIRES(mutex_);
  bool MakeRoom(int64_t bytes, absl::Time now) REQUIRES(mutex_);
  bool DiskFailed(const char* what, absl::Time now) REQUIRES(mutex_);
  void DropOldest() REQUIRES(mutex_);
  void TrimQueue() REQUIRES(mutex_);
  void MoveQueueToDisk(absl::Time now);
  void MakeSpare();
  void RemoveSent();

  absl::Time OldestAt() const REQUIRES(mutex_);
  absl::Time DueAt(absl::Time now) REQUIRES(mutex_);
  Batch PickBatch(absl::Time now) REQUIRES(mutex_);
  bool FillBatch(Batch& batch);
  void OnUnreadable(const Batch& batch, const absl::Status& status) REQUIRES(mutex_);
  void Settle(Batch batch, const SendResult& result);
  bool Decide(const SendResult& result, int64_t events) REQUIRES(mutex_);
  void PutBack(Batch batch) REQUIRES(mutex_);
  absl::Duration NextBackoff() REQUIRES(mutex_);
  std::deque<Segment>::iterator FindSegment(int64_t number) REQUIRES(mutex_);
  void WriteCursor(const Cursor& cursor);
  FileRef MakeSegment(int64_t number) const;
  void Remove(int64_t number) const;

  OutboxOptions options_;
  FileRef directory_;
  FileRef lock_;
  FileRef cursor_;
  absl::Duration date_offset_ = {};  // date = monotonic time + this
  int read_failures_ = 0;            // in a row; Pump's thread alone
  bool cursor_failed_ = false;       // likewise

  mutable Mutex mutex_;
  std::deque<Segment> segments_ GUARDED_BY(mutex_);  // by number
  FileRef active_ GUARDED_BY(mutex_);                // the last segment, if it is open
  FileRef spare_ GUARDED_BY(mutex_);                 // the next one, empty
  int64_t spare_number_ GUARDED_BY(mutex_) = 0;
  int64_t next_number_ GUARDED_BY(mutex_) = 1;
  std::string buffer_ GUARDED_BY(mutex_);  // of Append
  bool disk_failing_ GUARDED_BY(mutex_) = false;
  absl::Time disk_retry_at_ GUARDED_BY(mutex_) = absl::InfinitePast();

  std::deque<Waiting> queue_ GUARDED_BY(mutex_);
  size_t queued_bytes_ GUARDED_BY(mutex_) = 0;

  int64_t sending_segment_ GUARDED_BY(mutex_) = 0;
  int64_t sending_events_ GUARDED_BY(mutex_) = 0;  // of that segment
  absl::Time sending_queued_at_ GUARDED_BY(mutex_) = absl::InfiniteFuture();

  bool idle_ GUARDED_BY(mutex_) = false;  // Pump said InfiniteFuture
  bool wake_ GUARDED_BY(mutex_) = false;  // it has more to do
  bool draining_ GUARDED_BY(mutex_) = false;
  int failures_ GUARDED_BY(mutex_) = 0;  // sends, in a row
  absl::Time retry_at_ GUARDED_BY(mutex_) = absl::InfinitePast();
  size_t batch_events_ GUARDED_BY(mutex_) = kMaxBatchEvents;  // halved by failure
  OutboxStats stats_ GUARDED_BY(mutex_);
};

// An outbox with the one thread that sends from it.
class OutboxSender {
 public:
  // `cancel_send` makes the send under way, and those to come, end soon; called once, from Stop.
  OutboxSender(std::unique_ptr<Outbox> outbox, std::function<void()> cancel_send);
  ~OutboxSender();  // Stop(zero)
  OutboxSender(const OutboxSender&) = delete;
  OutboxSender& operator=(const OutboxSender&) = delete;

  // As Outbox::Append. From any thread, until Stop.
  void Append(absl::Span<const std::string> records);

  // Sends what waits, for `grace` at most. What is left is for the next start. Twice is harmless.
  void Stop(absl::Duration grace);

  OutboxStats stats() const;

 private:
  void Run();
  void Wake();

  const std::unique_ptr<Outbox> outbox_;
  const std::function<void()> cancel_send_;
  Mutex mutex_;
  CondVar changed_;
  bool is_woken_ GUARDED_BY(mutex_) = false;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_REPORT_OUTBOX_H_
