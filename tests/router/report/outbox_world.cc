#include "tests/router/report/outbox_world.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/testing/require.h"

namespace understudy::testing {

using router::Outbox;
using router::SendResult;

OutboxWorld::OutboxWorld(int64_t max_bytes)
    : directory_(absl::StrCat(dir_.path(), "/a/outbox")), max_bytes_(max_bytes) {
  Require(Open().ok(), "an outbox");
}

OutboxWorld::OutboxWorld(const std::string& directory, int64_t max_bytes)
    : directory_(directory), max_bytes_(max_bytes) {}

absl::Status OutboxWorld::Open() {
  Kill();
  router::OutboxOptions options = {.directory = directory_, .max_bytes = max_bytes_};
  options.random = [this] { return random; };
  options.send = [this](const Batch& records) {
    batches.push_back(records);
    sent_at.push_back(now);
    now += send_takes;
    SendResult result = answer ? answer(records) : Accepted();
    result.finished_at = now;
    return result;
  };
  absl::StatusOr<std::unique_ptr<Outbox>> opened = Outbox::Open(std::move(options), now, date);
  if (!opened.ok()) return opened.status();
  outbox_ = *std::move(opened);
  return absl::OkStatus();
}

void OutboxWorld::Run(int count) {
  for (int i = 0; i < count; ++i) {
    const absl::Time next = outbox_->Pump(now);
    if (next == absl::InfiniteFuture()) return;
    now = std::max(now, next);
  }
}

void OutboxWorld::RunFor(absl::Duration time) {
  const absl::Time end = now + time;
  while (true) {
    const absl::Time next = outbox_->Pump(now);
    if (next > end) break;
    now = std::max(now, next);
  }
  now = std::max(now, end);
}

std::vector<std::string> OutboxWorld::received() const {
  std::vector<std::string> all;
  for (const Batch& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

std::map<std::string, int64_t> OutboxWorld::segments() const {
  std::map<std::string, int64_t> sizes;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    const std::string name = entry.path().filename().string();
    if (!absl::StartsWith(name, "segment-") || !entry.is_regular_file()) continue;
    if (entry.file_size() > 0) sizes[name] = static_cast<int64_t>(entry.file_size());
  }
  return sizes;
}

std::string OutboxWorld::path(absl::string_view name) const {
  return absl::StrCat(directory_, "/", name);
}

std::string OutboxWorld::Read(absl::string_view name) const {
  std::ifstream file(path(name), std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void OutboxWorld::Write(absl::string_view name, absl::string_view bytes) const {
  std::ofstream file(path(name), std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  Require(file.good(), "a file of the outbox");
}

SendResult Accepted(int64_t rejected) {
  return {.state = SendResult::State::kAccepted, .rejected = rejected};
}
SendResult TryLater(absl::Duration retry_after) {
  return {.state = SendResult::State::kTryLater, .retry_after = retry_after, .detail = "not now"};
}
SendResult Refused() {
  return {.state = SendResult::State::kRefused, .detail = "not this"};
}

std::string Padded(absl::string_view name, size_t bytes) {
  std::string record(name);
  record.resize(bytes, '.');
  return record;
}

}  // namespace understudy::testing
