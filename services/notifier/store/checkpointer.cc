#include "services/notifier/store/checkpointer.h"

#include <utility>

#include "common/serving/monotonic_clock.h"

namespace understudy::notifier {
namespace {

// A pass leaves what was written while it went on, so passes get shorter; one this short leaves
// next to nothing. Where they do not get shorter, the disk has no time to spare.
constexpr absl::Duration kShortPass = absl::Milliseconds(10);
constexpr int kMaxPasses = 4;

}  // namespace

Checkpointer::Checkpointer(std::string path) : path_(std::move(path)), thread_([this] { Run(); }) {}

Checkpointer::~Checkpointer() {
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void Checkpointer::Begin() {
  MutexLock lock(mutex_);
  if (is_at_it_ || (end_.has_value() && !end_->ok())) return;
  is_at_it_ = true;
  end_.reset();
  changed_.NotifyAll();
}

std::optional<Failure> Checkpointer::TakeEnd() {
  MutexLock lock(mutex_);
  return std::exchange(end_, std::nullopt);
}

void Checkpointer::Wait() {
  MutexLock lock(mutex_);
  changed_.Wait(mutex_, [&]() REQUIRES(mutex_) { return !is_at_it_; });
}

void Checkpointer::Close() {
  Wait();
  connection_.reset();
}

void Checkpointer::Run() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      changed_.Wait(mutex_, [&]() REQUIRES(mutex_) { return is_at_it_ || is_stopping_; });
      if (!is_at_it_) return;
    }
    Failure failure = WriteBack();
    MutexLock lock(mutex_);
    is_at_it_ = false;
    end_ = std::move(failure);
    changed_.NotifyAll();
  }
}

Failure Checkpointer::WriteBack() {
  if (connection_ == nullptr) {
    // It takes no locks that anybody waits for.
    connection_ =
        std::make_unique<Connection>(path_, Connection::Access::kReadWrite, absl::ZeroDuration());
    connection_->RunScript("PRAGMA synchronous = FULL");
  }
  for (int pass = 0; pass < kMaxPasses && connection_->ok(); ++pass) {
    const absl::Time begun_at = serving::MonotonicNow();
    connection_->Checkpoint(SQLITE_CHECKPOINT_PASSIVE);
    if (serving::MonotonicNow() - begun_at < kShortPass) break;
  }
  return connection_->TakeFailure();
}

}  // namespace understudy::notifier
