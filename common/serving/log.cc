#include "common/serving/log.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cmath>
#include <deque>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/twilio/json_writer.h"

namespace understudy::serving {
namespace {

constexpr absl::string_view kEllipsis = "\xE2\x80\xA6";  // U+2026
constexpr size_t kUsualLineBytes = 384;

// The second or a later byte of a character.
bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u;
}

void AppendText(absl::string_view text, std::string& line) {
  const bool is_cut = text.size() > kMaxLogFieldBytes;
  if (is_cut) {
    size_t end = kMaxLogFieldBytes;
    // A character has at most three continuation bytes: more of them are no character to keep.
    for (int i = 0; i < 3 && IsContinuation(text[end]); ++i) --end;
    if (IsContinuation(text[end])) end = kMaxLogFieldBytes;
    text = text.substr(0, end);
  }
  line += '"';
  twilio::AppendJsonText(text, line);
  if (is_cut) absl::StrAppend(&line, kEllipsis);
  line += '"';
}

struct ValueAppender {
  std::string& line;

  void operator()(absl::string_view text) const { AppendText(text, line); }
  void operator()(int64_t number) const { absl::StrAppend(&line, number); }
  void operator()(double number) const {
    if (std::isfinite(number)) {
      absl::StrAppend(&line, number);
    } else {
      line += "null";
    }
  }
  void operator()(bool flag) const { line += flag ? "true" : "false"; }
};

// The queue of lines and the thread that writes them. The thread is woken for the first line of a
// burst alone and then lets more come: a wake-up for each line would cost the calls more than the
// line (docs/decisions).
class LogWriter {
 public:
  LogWriter() : thread_([this] { Run(); }) {}

  void Add(std::string line) {
    bool was_idle;
    {
      MutexLock lock(mutex_);
      if (lines_.size() == kMaxQueuedLogLines) {
        lines_.pop_front();
        ++dropped_;
      }
      lines_.push_back(std::move(line));
      was_idle = std::exchange(is_idle_, false);
    }
    if (was_idle) work_.NotifyOne();
  }

  int64_t dropped() const {
    MutexLock lock(mutex_);
    return dropped_;
  }

  bool Flush(absl::Duration timeout) {
    MutexLock lock(mutex_);
    const int64_t flush = ++flushes_begun_;
    is_idle_ = false;
    work_.NotifyOne();
    return flushed_.WaitFor(mutex_, absl::ToChronoMilliseconds(timeout),
                            [&]() REQUIRES(mutex_) { return flushes_done_ >= flush; });
  }

 private:
  // How long the first line of a burst waits for others.
  static constexpr std::chrono::milliseconds kGatherTime{2};
  // Within it what a pipe takes is not mixed with what other processes write to it.
  static constexpr size_t kMaxWriteBytes = PIPE_BUF;

  [[noreturn]] void Run() {
    std::deque<std::string> lines;
    while (true) {
      int64_t flush;
      {
        MutexLock lock(mutex_);
        const auto must_flush = [this]()
                                    REQUIRES(mutex_) { return flushes_begun_ > flushes_done_; };
        is_idle_ = lines_.empty() && !must_flush();
        work_.Wait(mutex_, [this]() REQUIRES(mutex_) { return !is_idle_; });
        work_.WaitFor(mutex_, kGatherTime, must_flush);
        lines.swap(lines_);
        flush = flushes_begun_;
      }
      const int64_t refused = WriteLines(lines);
      lines.clear();
      MutexLock lock(mutex_);
      dropped_ += refused;
      flushes_done_ = flush;
      flushed_.NotifyAll();
    }
  }

  // Returns how many lines standard error did not take.
  static int64_t WriteLines(const std::deque<std::string>& lines) {
    int64_t refused = 0;
    int64_t count = 0;
    std::string text;
    const auto write = [&] {
      if (!Write(text)) refused += count;
      text.clear();
      count = 0;
    };
    for (const std::string& line : lines) {
      if (text.size() + line.size() > kMaxWriteBytes) write();
      text += line;
      ++count;
    }
    write();
    return refused;
  }

  static bool Write(absl::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
      if (written >= 0) {
        text.remove_prefix(static_cast<size_t>(written));
      } else if (errno == EAGAIN) {
        pollfd ready{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
        ::poll(&ready, 1, -1);
      } else if (errno != EINTR) {
        return false;
      }
    }
    return true;
  }

  mutable Mutex mutex_;
  CondVar work_;
  CondVar flushed_;
  std::deque<std::string> lines_ GUARDED_BY(mutex_);
  bool is_idle_ GUARDED_BY(mutex_) = false;  // the thread waits for a line
  int64_t dropped_ GUARDED_BY(mutex_) = 0;
  int64_t flushes_begun_ GUARDED_BY(mutex_) = 0;
  int64_t flushes_done_ GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

struct ProcessLog {
  std::atomic<LogLevel> level = LogLevel::kInfo;
  LogWriter writer;
};

// Never destroyed: joining a thread that is stuck in a blocked pipe would keep the process from
// ending, and other threads may log until the very end.
ProcessLog& TheLog() {
  static ProcessLog& log = *new ProcessLog;
  return log;
}

// "2026-11-24T13:48:00", made anew once a second.
absl::string_view TextOfSecond(int64_t unix_second) {
  thread_local int64_t second = -1;
  thread_local std::string text;
  if (second != unix_second) {
    second = unix_second;
    text =
        absl::FormatTime("%Y-%m-%dT%H:%M:%S", absl::FromUnixSeconds(second), absl::UTCTimeZone());
  }
  return text;
}

}  // namespace

absl::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "";
}

std::string FormatLogLine(absl::Time time, LogLevel level, absl::string_view message,
                          absl::Span<const LogField> fields) {
  const int64_t ms = absl::ToUnixMillis(time);
  const int64_t second = absl::ToUnixSeconds(time);
  std::string line;
  line.reserve(kUsualLineBytes);
  absl::StrAppend(&line, "{\"time\":\"", TextOfSecond(second), ".",
                  absl::Dec(ms - second * 1000, absl::kZeroPad3), "Z\",\"level\":\"",
                  LogLevelName(level), "\",\"message\":");
  AppendText(message, line);
  for (const LogField& field : fields) {
    line += ',';
    AppendText(field.name, line);
    line += ':';
    std::visit(ValueAppender{line}, field.value);
  }
  line += "}\n";
  return line;
}

void Log(LogLevel level, absl::string_view message, absl::Span<const LogField> fields) {
  ProcessLog& log = TheLog();
  if (level < log.level.load(std::memory_order_relaxed)) return;
  log.writer.Add(FormatLogLine(absl::Now(), level, message, fields));
}

void SetLogLevel(LogLevel level) {
  TheLog().level.store(level, std::memory_order_relaxed);
}

int64_t DroppedLogLines() {
  return TheLog().writer.dropped();
}

bool FlushLog(absl::Duration timeout) {
  return TheLog().writer.Flush(timeout);
}

}  // namespace understudy::serving
