#include "services/notifier/ingest/recoveries.h"

namespace understudy::notifier {

bool Recoveries::MayRecover(absl::string_view resource_sid, int max_per_call, absl::Time now) {
  if (resource_sid.empty() || max_per_call <= 0) return false;
  const auto known = by_sid_.find(resource_sid);
  if (known != by_sid_.end()) {
    calls_.splice(calls_.begin(), calls_, known->second);
    Call& call = calls_.front();
    if (now - call.last_at > kRecoveryMemory) call.recoveries = 0;
    call.last_at = now;
    if (call.recoveries >= max_per_call) return false;
    ++call.recoveries;
    return true;
  }
  if (calls_.size() == kMaxRecoveringCalls) {
    by_sid_.erase(calls_.back().resource_sid);
    calls_.pop_back();
  }
  calls_.push_front({.resource_sid = std::string(resource_sid), .recoveries = 1, .last_at = now});
  by_sid_[calls_.front().resource_sid] = calls_.begin();
  return true;
}

}  // namespace understudy::notifier
