#include "services/router/report/outbox.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/serving/log.h"
#include "common/serving/monotonic_clock.h"

namespace understudy::router {
namespace {

using serving::Log;
using serving::LogLevel;
using serving::MonotonicNow;

constexpr char kLockName[] = "lock";
constexpr char kCursorName[] = "cursor";
constexpr absl::string_view kSegmentPrefix = "segment-";
constexpr size_t kSegmentDigits = 10;
// What is read of a segment. Ours have no more; the rest of another's is damage like any other.
constexpr int64_t kMaxSegmentFileBytes = 4 * kMaxSegmentBytes;
// From memory to the disk at once: a call that appends meanwhile waits that long.
constexpr size_t kMoveBytes = size_t{64} * 1024;
// A condition variable cannot wait forever and a day.
constexpr absl::Duration kLongestWait = absl::Hours(1);

std::string SegmentName(int64_t number) {
  return absl::StrFormat("%s%0*d", kSegmentPrefix, static_cast<int>(kSegmentDigits), number);
}

// nullopt if no segment is called so.
std::optional<int64_t> SegmentNumber(absl::string_view name) {
  int64_t number = 0;
  if (!absl::ConsumePrefix(&name, kSegmentPrefix) || name.size() < kSegmentDigits ||
      !absl::SimpleAtoi(name, &number) || number < 1) {
    return std::nullopt;
  }
  return SegmentName(number) == absl::StrCat(kSegmentPrefix, name) ? std::make_optional(number)
                                                                   : std::nullopt;
}

int64_t Size(absl::string_view bytes) {
  return static_cast<int64_t>(bytes.size());
}

// All of `bytes`, at `offset`; errno says why not.
bool WriteAt(int fd, absl::string_view bytes, int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(fd, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += written;
  }
  return true;
}

// Up to `count` bytes from `offset`; fewer at the end of the file.
absl::StatusOr<std::string> ReadAt(int fd, int64_t offset, int64_t count) {
  struct stat file = {};
  if (fstat(fd, &file) != 0) return absl::ErrnoToStatus(errno, "cannot look at it");
  count = std::clamp<int64_t>(file.st_size - offset, 0, count);
  std::string bytes(static_cast<size_t>(count), '\0');
  size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t now =
        pread(fd, &bytes[got], bytes.size() - got, offset + static_cast<int64_t>(got));
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) return absl::ErrnoToStatus(errno, "cannot read");
    if (now == 0) break;
    got += static_cast<size_t>(now);
  }
  bytes.resize(got);
  return bytes;
}

}  // namespace

class Outbox::File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() { close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::StatusOr<std::unique_ptr<Outbox>> Outbox::Open(OutboxOptions options, absl::Time now,
                                                     absl::Time date) {
  std::unique_ptr<Outbox> outbox(new Outbox(std::move(options)));
  absl::Status status = outbox->TakeDirectory();
  if (!status.ok()) return status;
  status = outbox->FindSegments(now, date);
  if (!status.ok()) return status;
  return outbox;
}

Outbox::~Outbox() = default;

absl::Status Outbox::Unusable(const char* what, int error) const {
  return absl::UnavailableError(absl::StrCat("the outbox ", options_.directory, ": cannot ", what,
                                             ": ", std::strerror(error)));
}

absl::Status Outbox::TakeDirectory() {
  std::error_code error;
  std::filesystem::create_directories(options_.directory, error);
  if (error) return Unusable("make it", error.value());
  const int directory = open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return Unusable("open it", errno);
  directory_ = std::make_shared<const File>(directory);
  lock_ = OpenFile(kLockName, O_RDWR | O_CREAT);
  if (lock_ == nullptr) return Unusable("write to it", errno);
  if (flock(lock_->fd(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Unusable("lock it", errno);
    return absl::FailedPreconditionError(
        absl::StrCat("the outbox ", options_.directory,
                     " belongs to a process that is running; each router needs its own"));
  }
  cursor_ = OpenFile(kCursorName, O_RDWR | O_CREAT);
  if (cursor_ == nullptr) return Unusable("write to it", errno);
  return absl::OkStatus();
}

absl::Status Outbox::FindSegments(absl::Time now, absl::Time date) {
  MutexLock lock(mutex_);
  date_offset_ = date - now;
  std::vector<int64_t> numbers;
  std::error_code error;
  std::filesystem::directory_iterator entry(options_.directory, error);
  while (!error && entry != std::filesystem::directory_iterator()) {
    const std::optional<int64_t> number = SegmentNumber(entry->path().filename().string());
    if (number.has_value()) numbers.push_back(*number);
    entry.increment(error);
  }
  if (error) return Unusable("list it", error.value());
  std::sort(numbers.begin(), numbers.end());

  const absl::StatusOr<std::string> place = ReadAt(cursor_->fd(), 0, 1024);
  const std::optional<Cursor> cursor = place.ok() ? DecodeCursor(*place) : std::nullopt;
  if (cursor.has_value()) {
    next_number_ = std::max(next_number_, cursor->segment + 1);
  } else {  // written now, so that it has its place on the disk should that fill up
    [[maybe_unused]] const int ignored = ftruncate(cursor_->fd(), 0);
    WriteAt(cursor_->fd(), EncodeCursor({}), 0);
  }
  for (const int64_t number : numbers) {
    next_number_ = std::max(next_number_, number + 1);
    Segment segment = {.number = number};
    ScanSegment(segment, cursor, now);
    if (segment.events == 0) continue;
    stats_.events += segment.events;
    stats_.bytes += segment.bytes;
    segments_.push_back(segment);
  }
  while (stats_.bytes > options_.max_bytes || segments_.size() > kMaxSegments) DropOldest();
  if (stats_.events > 0) {
    Log(LogLevel::kInfo, "events of an earlier run are still to be sent",
        {{"events", stats_.events}, {"bytes", stats_.bytes}});
  }
  return absl::OkStatus();
}

// Fills in what is still to be sent of a segment, and removes it if that is nothing.
void Outbox::ScanSegment(Segment& segment, const std::optional<Cursor>& cursor, absl::Time now) {
  const absl::StatusOr<std::string> bytes = ReadSegment(segment.number, 0, kMaxSegmentFileBytes);
  if (!bytes.ok()) {  // perhaps it can be another time
    Log(LogLevel::kError, "a segment of the outbox cannot be read and is left alone",
        {{"segment", SegmentName(segment.number)}, {"detail", bytes.status().message()}});
    return;
  }
  segment.bytes = Size(*bytes);
  if (cursor.has_value() && cursor->segment == segment.number) {
    segment.sent_bytes = std::clamp<int64_t>(cursor->offset, 0, segment.bytes);
  }
  auto at = static_cast<size_t>(segment.sent_bytes);
  int64_t damaged = 0;
  while (const std::optional<Record> record = FindRecord(*bytes, at)) {
    if (segment.events++ == 0) {
      segment.oldest_at = std::min(record->appended_at - date_offset_, now);
    }
    damaged += static_cast<int64_t>(record->begin - at);
    at = record->end;
  }
  damaged += static_cast<int64_t>(bytes->size() - at);
  if (damaged > 0) {
    stats_.damaged_bytes += damaged;
    Log(LogLevel::kWarning, "damaged parts of the outbox are skipped",
        {{"segment", SegmentName(segment.number)}, {"bytes", damaged}});
  }
  if (segment.events == 0) Remove(segment.number);
}

Outbox::FileRef Outbox::OpenFile(const std::string& name, int flags) const {
  const int fd = openat(directory_->fd(), name.c_str(), flags | O_CLOEXEC, 0600);
  return fd < 0 ? nullptr : std::make_shared<const File>(fd);
}

absl::StatusOr<std::string> Outbox::ReadSegment(int64_t number, int64_t begin, int64_t end) const {
  const FileRef file = OpenFile(SegmentName(number), O_RDONLY);
  if (file == nullptr) return absl::ErrnoToStatus(errno, "cannot open");
  return ReadAt(file->fd(), begin, end - begin);
}

void Outbox::Remove(int64_t number) const {
  if (unlinkat(directory_->fd(), SegmentName(number).c_str(), 0) == 0 || errno == ENOENT) return;
  Log(LogLevel::kError, "a segment of the outbox cannot be removed",
      {{"segment", SegmentName(number)}, {"detail", std::strerror(errno)}});
}

bool Outbox::Append(absl::Span<const std::string> records, absl::Time now) {
  MutexLock lock(mutex_);
  buffer_.clear();
  int64_t events = 0;
  for (const std::string& record : records) {
    if (record.empty() || record.size() > kMaxRecordBytes) {
      ++stats_.dropped;
      Log(LogLevel::kError, "an event that no record can hold is dropped",
          {{"bytes", static_cast<int64_t>(record.size())}});
      continue;
    }
    AppendRecord(record, now + date_offset_, buffer_);
    ++events;
  }
  if (events == 0) return false;
  const bool was_idle = idle_;
  stats_.events += events;
  if (!WriteRecords(buffer_, events, now, now)) {
    for (const std::string& record : records) {
      if (record.empty() || record.size() > kMaxRecordBytes) continue;
      queued_bytes_ += record.size();
      queue_.push_back({.payload = record, .appended_at = now});
    }
    TrimQueue();
  }
  idle_ = false;
  return std::exchange(wake_, false) || was_idle;
}

// Adds `bytes`, whole records, to the active segment. False: nothing of them is there.
bool Outbox::WriteRecords(absl::string_view bytes, int64_t events, absl::Time oldest_at,
                          absl::Time now) {
  if (now < disk_retry_at_ || !MakeRoom(Size(bytes), now)) return false;
  Segment& segment = segments_.back();
  if (!WriteAt(active_->fd(), bytes, segment.bytes)) {
    const bool failed = DiskFailed("write", now);
    // What was written of it; should it stay, the next write goes over it.
    [[maybe_unused]] const int ignored = ftruncate(active_->fd(), segment.bytes);
    return failed;
  }
  segment.oldest_at = segment.events == 0 ? oldest_at : std::min(segment.oldest_at, oldest_at);
  segment.bytes += Size(bytes);
  segment.events += events;
  stats_.bytes += Size(bytes);
  if (disk_failing_) {
    disk_failing_ = false;
    Log(LogLevel::kInfo, "the outbox can be written again");
  }
  return true;
}

// Sees to it that the last segment is open and has room for `bytes`, and so has the outbox.
bool Outbox::MakeRoom(int64_t bytes, absl::Time now) {
  while (!segments_.empty() && stats_.bytes + bytes > options_.max_bytes) DropOldest();
  const int64_t max_segment = std::min(kMaxSegmentBytes, options_.max_bytes / 8);
  if (active_ != nullptr) {
    const Segment& last = segments_.back();
    if (last.bytes == 0 || last.bytes + bytes <= max_segment) return true;
    active_ = nullptr;
  }
  if (spare_ != nullptr) {
    active_ = std::exchange(spare_, nullptr);
    wake_ = true;  // to make another
    segments_.push_back({.number = spare_number_});
  } else {
    const int64_t number = next_number_++;
    active_ = MakeSegment(number);
    if (active_ == nullptr) return DiskFailed("make a segment", now);
    segments_.push_back({.number = number});
  }
  if (segments_.size() > kMaxSegments) DropOldest();
  return true;
}

// Makes the next segment. Making a file may take the disk many times as long as writing to one,
// and calls wait for Append.
void Outbox::MakeSpare() {
  int64_t number = 0;
  {
    MutexLock lock(mutex_);
    if (spare_ != nullptr) return;
    number = next_number_++;
  }
  FileRef file = MakeSegment(number);
  if (file == nullptr) return;  // Append will try, and say so if it cannot
  MutexLock lock(mutex_);
  if (next_number_ == number + 1) {
    spare_ = std::move(file);
    spare_number_ = number;
  } else {  // Append could not wait, and the order of segments is that of their numbers
    Remove(number);
  }
}

Outbox::FileRef Outbox::MakeSegment(int64_t number) const {
  return OpenFile(SegmentName(number), O_RDWR | O_CREAT | O_EXCL);
}

// Returns false, for its callers to do the same.
bool Outbox::DiskFailed(const char* what, absl::Time now) {
  ++stats_.write_failures;
  disk_retry_at_ = now + kDiskRetry;
  if (!disk_failing_) {
    disk_failing_ = true;
    Log(LogLevel::kError, "the outbox cannot be written; events wait in memory",
        {{"detail", absl::StrCat("cannot ", what, ": ", std::strerror(errno))}});
  }
  return false;
}

void Outbox::DropOldest() {
  const Segment oldest = segments_.front();
  // What is being sent is lost only if that fails: then it is counted.
  const int64_t lost =
      oldest.events - (oldest.number == sending_segment_ ? sending_events_ : int64_t{0});
  if (segments_.size() == 1) active_ = nullptr;
  segments_.pop_front();
  stats_.bytes -= oldest.bytes;
  stats_.events -= lost;
  stats_.dropped += lost;
  Remove(oldest.number);
  if (lost == 0) return;
  Log(LogLevel::kError, "the outbox is full: its oldest events are dropped",
      {{"segment", SegmentName(oldest.number)}, {"events", lost}, {"bytes", oldest.bytes}});
}

void Outbox::TrimQueue() {
  int64_t lost = 0;
  for (; queued_bytes_ > kMaxQueuedBytes; ++lost) {
    queued_bytes_ -= queue_.front().payload.size();
    queue_.pop_front();
  }
  stats_.events -= lost;
  stats_.dropped += lost;
}

void Outbox::MoveQueueToDisk(absl::Time now) {
  while (true) {
    MutexLock lock(mutex_);
    if (queue_.empty() || now < disk_retry_at_) return;
    std::string bytes;
    int64_t events = 0;
    absl::Time oldest_at = absl::InfiniteFuture();
    for (const Waiting& waiting : queue_) {
      if (events > 0 && bytes.size() + waiting.payload.size() > kMoveBytes) break;
      AppendRecord(waiting.payload, waiting.appended_at + date_offset_, bytes);
      oldest_at = std::min(oldest_at, waiting.appended_at);
      ++events;
    }
    if (!WriteRecords(bytes, events, oldest_at, now)) return;
    for (; events > 0; --events) {
      queued_bytes_ -= queue_.front().payload.size();
      queue_.pop_front();
    }
  }
}

absl::Time Outbox::OldestAt() const {
  absl::Time oldest = sending_queued_at_;
  for (const Segment& segment : segments_) {
    if (segment.events > 0) oldest = std::min(oldest, segment.oldest_at);
  }
  return queue_.empty() ? oldest : std::min(oldest, queue_.front().appended_at);
}

absl::Time Outbox::DueAt(absl::Time now) {
  idle_ = stats_.events == 0;
  if (idle_) return absl::InfiniteFuture();
  const absl::Time due = draining_ ? retry_at_ : std::max(retry_at_, OldestAt() + kGatherTime);
  return due > now && !queue_.empty() ? std::min(due, std::max(now, disk_retry_at_)) : due;
}

absl::Time Outbox::Pump(absl::Time now) {
  MakeSpare();
  RemoveSent();
  MoveQueueToDisk(now);
  Batch batch;
  {
    MutexLock lock(mutex_);
    const absl::Time due = DueAt(now);
    if (due > now) return due;
    batch = PickBatch(now);
  }
  SendResult result = {.state = SendResult::State::kAccepted, .finished_at = now};
  if (FillBatch(batch)) {
    if (!batch.records.empty()) result = options_.send(batch.records);
    Settle(std::move(batch), result);
  }
  RemoveSent();
  MutexLock lock(mutex_);
  return DueAt(result.finished_at);
}

// REQUIRES: something waits.
Outbox::Batch Outbox::PickBatch(absl::Time now) {
  Batch batch = {.picked_at = now, .max_events = batch_events_};
  for (const Segment& segment : segments_) {
    if (segment.events == 0) continue;
    batch.segment = segment.number;
    if (&segment == &segments_.back()) batch.file = active_;
    batch.begin = segment.sent_bytes;
    batch.end = segment.bytes;
    batch.events = segment.events;
    return batch;
  }
  sending_queued_at_ = queue_.front().appended_at;
  for (size_t bytes = 0; !queue_.empty() && batch.records.size() < batch.max_events;) {
    Waiting& next = queue_.front();
    bytes += next.payload.size();
    if (!batch.records.empty() && bytes > kMaxBatchBytes) break;
    queued_bytes_ -= next.payload.size();
    batch.records.push_back(next.payload);
    batch.queued.push_back(std::move(next));
    queue_.pop_front();
  }
  return batch;
}

// Reads the batch, if it is one from a segment. False: it cannot be, or its segment was dropped.
bool Outbox::FillBatch(Batch& batch) {
  if (batch.segment == 0) return true;
  const absl::StatusOr<std::string> bytes =
      batch.file != nullptr ? ReadAt(batch.file->fd(), batch.begin, batch.end - batch.begin)
                            : ReadSegment(batch.segment, batch.begin, batch.end);
  if (!bytes.ok()) {
    MutexLock lock(mutex_);
    OnUnreadable(batch, bytes.status());
    return false;
  }
  read_failures_ = 0;
  size_t at = 0;
  size_t batch_bytes = 0;
  std::optional<Record> record;
  while ((record = FindRecord(*bytes, at)) && batch.records.size() < batch.max_events) {
    batch_bytes += record->payload.size();
    if (!batch.records.empty() && batch_bytes > kMaxBatchBytes) break;
    batch.records.emplace_back(record->payload);
    batch.last_at = record->appended_at - date_offset_;
    at = record->end;
  }
  batch.is_rest = !record.has_value();
  if (!batch.is_rest) batch.end = batch.begin + static_cast<int64_t>(at);
  MutexLock lock(mutex_);
  if (FindSegment(batch.segment) == segments_.end()) return false;
  sending_segment_ = batch.segment;
  sending_events_ = static_cast<int64_t>(batch.records.size());
  return true;
}

void Outbox::OnUnreadable(const Batch& batch, const absl::Status& status) {
  retry_at_ = batch.picked_at + kDiskRetry;
  // Without descriptors or memory it is the process, and not the segment, that is at fault.
  if (absl::IsResourceExhausted(status) || ++read_failures_ < kReadTries) return;
  read_failures_ = 0;
  const auto unreadable = FindSegment(batch.segment);
  if (unreadable == segments_.end()) return;
  Log(LogLevel::kError, "a segment of the outbox cannot be read and is left alone",
      {{"segment", SegmentName(batch.segment)},
       {"events", unreadable->events},
       {"detail", status.message()}});
  stats_.events -= unreadable->events;
  stats_.dropped += unreadable->events;
  stats_.bytes -= unreadable->bytes;
  if (std::next(unreadable) == segments_.end()) active_ = nullptr;
  segments_.erase(unreadable);
}

void Outbox::Settle(Batch batch, const SendResult& result) {
  std::optional<Cursor> cursor;
  {
    MutexLock lock(mutex_);
    const auto events = static_cast<int64_t>(batch.records.size());
    sending_segment_ = 0;
    sending_events_ = 0;
    sending_queued_at_ = absl::InfiniteFuture();
    if (events > 0 && !Decide(result, events)) {
      PutBack(std::move(batch));
      return;
    }
    const int64_t rejected = result.state == SendResult::State::kRefused
                                 ? events
                                 : std::clamp<int64_t>(result.rejected, 0, events);
    stats_.events -= events;
    stats_.sent += events - rejected;
    stats_.rejected += rejected;
    const auto segment = FindSegment(batch.segment);
    if (segment != segments_.end()) {
      segment->sent_bytes = batch.end;
      segment->events -= events;
      segment->oldest_at = batch.is_rest ? batch.picked_at : batch.last_at;
      if (batch.is_rest && batch.events > events) {  // damaged since they were written
        const int64_t lost = batch.events - events;
        segment->events -= lost;
        stats_.events -= lost;
        stats_.dropped += lost;
        Log(LogLevel::kError, "a segment of the outbox was damaged",
            {{"segment", SegmentName(batch.segment)}, {"events", lost}});
      }
      cursor = Cursor{.segment = segment->number, .offset = segment->sent_bytes};
    }
  }
  if (cursor.has_value()) WriteCursor(*cursor);
}

// What the end of a send means for the next. True: the batch is done with.
bool Outbox::Decide(const SendResult& result, int64_t events) {
  using State = SendResult::State;
  if (result.state == State::kAccepted || (result.state == State::kRefused && events == 1)) {
    if (failures_ > 0) {
      Log(LogLevel::kInfo, "events reach the notifier again",
          {{"failures", failures_}, {"events", stats_.events}});
    }
    failures_ = 0;
    batch_events_ = std::min(kMaxBatchEvents, 2 * batch_events_);
    return true;
  }
  // Half of it may be done in time, or be without the event that spoils it.
  batch_events_ = static_cast<size_t>(std::max<int64_t>(1, events / 2));
  if (result.state == State::kRefused) return false;
  ++stats_.send_failures;
  retry_at_ =
      result.finished_at + std::max(NextBackoff(), std::min(result.retry_after, kMaxRetryAfter));
  if (++failures_ == 1) {
    Log(LogLevel::kWarning, "events do not reach the notifier; they wait in the outbox",
        {{"events", stats_.events}, {"detail", result.detail}});
  }
  return false;
}

absl::Duration Outbox::NextBackoff() {
  absl::Duration backoff = kFirstBackoff;
  const absl::Duration longest = draining_ ? kMaxDrainBackoff : kMaxBackoff;
  for (int i = 0; i < failures_ && backoff < longest; ++i) backoff *= 2;
  return std::min(backoff, longest) * (1 - options_.random() / 2);
}

// A batch that is to be sent again.
void Outbox::PutBack(Batch batch) {
  for (; !batch.queued.empty(); batch.queued.pop_back()) {
    queued_bytes_ += batch.queued.back().payload.size();
    queue_.push_front(std::move(batch.queued.back()));
  }
  TrimQueue();
  if (batch.segment == 0 || FindSegment(batch.segment) != segments_.end()) return;
  const auto events = static_cast<int64_t>(batch.records.size());  // dropped meanwhile
  stats_.events -= events;
  stats_.dropped += events;
}

std::deque<Outbox::Segment>::iterator Outbox::FindSegment(int64_t number) {
  return std::find_if(segments_.begin(), segments_.end(),
                      [&](const Segment& segment) { return segment.number == number; });
}

void Outbox::WriteCursor(const Cursor& cursor) {
  if (WriteAt(cursor_->fd(), EncodeCursor(cursor), 0)) {
    cursor_failed_ = false;
    return;
  }
  // Without it a restart sends again what was sent.
  MutexLock lock(mutex_);
  ++stats_.write_failures;
  if (std::exchange(cursor_failed_, true)) return;
  Log(LogLevel::kError, "the outbox cannot note what was sent", {{"detail", std::strerror(errno)}});
}

// Removes the segments whose records were all sent. Not for Append to do: that may take the disk
// many times as long as writing a record.
void Outbox::RemoveSent() {
  std::vector<int64_t> sent;
  {
    MutexLock lock(mutex_);
    for (auto segment = segments_.begin(); segment != segments_.end();) {
      const bool is_active = active_ != nullptr && std::next(segment) == segments_.end();
      if (segment->events > 0 || is_active) {
        ++segment;
        continue;
      }
      stats_.bytes -= segment->bytes;
      sent.push_back(segment->number);
      segment = segments_.erase(segment);
    }
  }
  for (const int64_t number : sent) Remove(number);
}

void Outbox::BeginDrain(absl::Time now) {
  MutexLock lock(mutex_);
  draining_ = true;
  retry_at_ = std::min(retry_at_, now);
}

void Outbox::Close(absl::Time now) {
  {
    MutexLock lock(mutex_);
    disk_retry_at_ = now;
  }
  MoveQueueToDisk(now);
  MutexLock lock(mutex_);
  if (!queue_.empty()) {
    const auto lost = static_cast<int64_t>(queue_.size());
    queue_.clear();
    queued_bytes_ = 0;
    stats_.events -= lost;
    stats_.dropped += lost;
    Log(LogLevel::kError, "events that could not be written are lost", {{"events", lost}});
  }
  if (stats_.events > 0) {
    Log(LogLevel::kWarning, "events stay in the outbox for the next start",
        {{"events", stats_.events}});
  }
}

OutboxStats Outbox::stats(absl::Time now) const {
  MutexLock lock(mutex_);
  OutboxStats stats = stats_;
  stats.max_bytes = options_.max_bytes;
  if (stats.events > 0) stats.oldest = std::max(now - OldestAt(), absl::ZeroDuration());
  return stats;
}

OutboxSender::OutboxSender(std::unique_ptr<Outbox> outbox, std::function<void()> cancel_send)
    : outbox_(std::move(outbox)), cancel_send_(std::move(cancel_send)) {
  thread_ = std::thread([this] { Run(); });
}

OutboxSender::~OutboxSender() {
  Stop(absl::ZeroDuration());
}

void OutboxSender::Append(absl::Span<const std::string> records) {
  if (outbox_->Append(records, MonotonicNow())) Wake();
}

void OutboxSender::Wake() {
  {
    MutexLock lock(mutex_);
    is_woken_ = true;
  }
  changed_.NotifyAll();
}

void OutboxSender::Run() {
  while (true) {
    const absl::Time next = outbox_->Pump(MonotonicNow());
    MutexLock lock(mutex_);
    changed_.NotifyAll();  // for Stop to look again
    const absl::Duration wait =
        std::clamp(next - MonotonicNow(), absl::ZeroDuration(), kLongestWait);
    changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(wait),
                     [this]() REQUIRES(mutex_) { return is_woken_ || is_stopping_; });
    is_woken_ = false;
    if (is_stopping_) return;
  }
}

void OutboxSender::Stop(absl::Duration grace) {
  if (!thread_.joinable()) return;
  outbox_->BeginDrain(MonotonicNow());
  Wake();
  {
    MutexLock lock(mutex_);
    changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(std::min(grace, kLongestWait)),
                     [this]() REQUIRES(mutex_) { return stats().events == 0; });
    is_stopping_ = true;
  }
  cancel_send_();
  changed_.NotifyAll();
  thread_.join();
  outbox_->Close(MonotonicNow());
}

OutboxStats OutboxSender::stats() const {
  return outbox_->stats(MonotonicNow());
}

}  // namespace understudy::router
