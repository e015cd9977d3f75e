// An outbox in virtual time, and a notifier at its far end that does as it is told.
#ifndef TESTS_ROUTER_REPORT_OUTBOX_WORLD_H_
#define TESTS_ROUTER_REPORT_OUTBOX_WORLD_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/router/report/outbox.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {

class OutboxWorld {
 public:
  using Batch = std::vector<std::string>;

  // In a new directory, or in one that a test made.
  explicit OutboxWorld(int64_t max_bytes = router::kDefaultOutboxBytes);
  OutboxWorld(const std::string& directory, int64_t max_bytes);

  // Opens the outbox, after the one there was, if any, ended without a word as by SIGKILL.
  absl::Status Open();
  router::Outbox& outbox() { return *outbox_; }
  void Kill() { outbox_.reset(); }

  void Append(const Batch& records) { outbox_->Append(records, now); }
  // Pumps whenever the outbox says so, up to `count` times and until it has nothing more to do.
  void Run(int count = 100000);
  // The same, for as long as that.
  void RunFor(absl::Duration time);
  router::OutboxStats stats() const { return outbox_->stats(now); }

  // What came to the far end, in order.
  std::vector<std::string> received() const;

  // Of the directory: the segments' names and sizes, without empty ones.
  std::map<std::string, int64_t> segments() const;
  std::string path(absl::string_view name) const;
  std::string Read(absl::string_view name) const;
  void Write(absl::string_view name, absl::string_view bytes) const;

  absl::Time now = absl::UnixEpoch() + absl::Hours(1);
  absl::Time date = absl::FromUnixSeconds(1700000000);  // at `now` of the last Open
  absl::Duration send_takes = absl::ZeroDuration();
  double random = 0;
  // What the far end answers; unless set it takes everything.
  std::function<router::SendResult(const Batch&)> answer = {};
  std::vector<Batch> batches = {};       // as they came, whatever was answered
  std::vector<absl::Time> sent_at = {};  // when

 private:
  TempDir dir_;
  std::string directory_;
  int64_t max_bytes_;
  std::unique_ptr<router::Outbox> outbox_;
};

// Answers.
router::SendResult Accepted(int64_t rejected = 0);
router::SendResult TryLater(absl::Duration retry_after = absl::ZeroDuration());
router::SendResult Refused();

// A record of that many bytes that begins with `name`.
std::string Padded(absl::string_view name, size_t bytes);

}  // namespace understudy::testing

#endif  // TESTS_ROUTER_REPORT_OUTBOX_WORLD_H_
