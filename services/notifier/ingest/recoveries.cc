#include "services/notifier/ingest/recoveries.h"

#include "services/notifier/ingest/twilio_events.h"

namespace understudy::notifier {

Recoveries::Call& Recoveries::Hear(absl::string_view resource_sid) {
  const auto known = by_sid_.find(resource_sid);
  if (known != by_sid_.end()) {
    calls_.splice(calls_.begin(), calls_, known->second);
    return calls_.front();
  }
  if (calls_.size() == kMaxRecoveringCalls) {
    by_sid_.erase(calls_.back().resource_sid);
    calls_.pop_back();
  }
  calls_.push_front({.resource_sid = std::string(resource_sid)});
  by_sid_[calls_.front().resource_sid] = calls_.begin();
  return calls_.front();
}

bool Recoveries::MayRecover(absl::string_view resource_sid, absl::string_view idempotency_token,
                            int max_per_call, absl::Time now) {
  if (resource_sid.empty() || max_per_call <= 0) return false;
  const absl::string_view token = idempotency_token.substr(0, kMaxTokenBytes);
  Call& call = Hear(resource_sid.substr(0, kMaxWordBytes));
  if (!token.empty() && token == call.last_token && now - call.last_token_at <= kSameRequestTime) {
    return call.last_answer;
  }
  if (now - call.last_at > kRecoveryMemory) call.recoveries = 0;
  call.last_at = now;
  call.last_token = std::string(token);
  call.last_token_at = now;
  call.last_answer = call.recoveries < max_per_call;
  if (call.last_answer) ++call.recoveries;
  return call.last_answer;
}

}  // namespace understudy::notifier
