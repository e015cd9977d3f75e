#include "common/serving/log.h"

#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/twilio/json_writer.h"

namespace understudy::serving {
namespace {

constexpr absl::string_view kEllipsis = "\xE2\x80\xA6";  // U+2026

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

// Standard error as a place for whole lines. Used by the log's thread, but for Flushes().
class StandardErrorSink final : public spdlog::sinks::sink {
 public:
  void log(const spdlog::details::log_msg& message) override {
    if (!Write({message.payload.data(), message.payload.size()})) {
      refused_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  void flush() override {
    MutexLock lock(mutex_);
    ++flushes_done_;
    flushed_.NotifyAll();
  }

  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  int64_t BeginFlush() {
    MutexLock lock(mutex_);
    return ++flushes_begun_;
  }

  bool AwaitFlush(int64_t flush, absl::Duration timeout) {
    MutexLock lock(mutex_);
    return flushed_.WaitFor(mutex_, absl::ToChronoMilliseconds(timeout),
                            [&]() REQUIRES(mutex_) { return flushes_done_ >= flush; });
  }

  int64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
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

  std::atomic<int64_t> refused_ = 0;
  Mutex mutex_;
  CondVar flushed_;
  int64_t flushes_begun_ GUARDED_BY(mutex_) = 0;
  int64_t flushes_done_ GUARDED_BY(mutex_) = 0;
};

struct ProcessLog {
  std::atomic<LogLevel> level = LogLevel::kInfo;
  std::shared_ptr<StandardErrorSink> sink = std::make_shared<StandardErrorSink>();
  std::shared_ptr<spdlog::details::thread_pool> thread =
      std::make_shared<spdlog::details::thread_pool>(kMaxQueuedLogLines, 1);
  std::shared_ptr<spdlog::async_logger> queue = std::make_shared<spdlog::async_logger>(
      "", sink, thread, spdlog::async_overflow_policy::overrun_oldest);
};

// Never destroyed: joining a thread that is stuck in a blocked pipe would keep the process from
// ending, and other threads may log until the very end.
ProcessLog& TheLog() {
  static ProcessLog& log = *new ProcessLog;
  return log;
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
  std::string line = absl::StrCat(
      "{\"time\":\"", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone()),
      "\",\"level\":\"", LogLevelName(level), "\",\"message\":");
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
  const std::string line = FormatLogLine(absl::Now(), level, message, fields);
  log.queue->log(spdlog::level::critical, spdlog::string_view_t(line.data(), line.size()));
}

void SetLogLevel(LogLevel level) {
  TheLog().level.store(level, std::memory_order_relaxed);
}

int64_t DroppedLogLines() {
  ProcessLog& log = TheLog();
  return static_cast<int64_t>(log.thread->overrun_counter()) + log.sink->refused();
}

bool FlushLog(absl::Duration timeout) {
  ProcessLog& log = TheLog();
  const int64_t flush = log.sink->BeginFlush();
  log.queue->flush();
  return log.sink->AwaitFlush(flush, timeout);
}

}  // namespace understudy::serving
