// How often a call was sent back to try again, so that it is not sent in circles. Pure; one thread
// at a time.
#ifndef SERVICES_NOTIFIER_INGEST_RECOVERIES_H_
#define SERVICES_NOTIFIER_INGEST_RECOVERIES_H_

#include <cstddef>
#include <list>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace understudy::notifier {

// Calls remembered; the one heard of longest ago makes room.
inline constexpr size_t kMaxRecoveringCalls = 10000;
// Longer no call is remembered: the longest a call may take.
inline constexpr absl::Duration kRecoveryMemory = absl::Hours(4);
// Of a token; what goes beyond it is not compared.
inline constexpr size_t kMaxTokenBytes = 128;

class Recoveries {
 public:
  // Whether the call may be sent back once more, at most `max_per_call` times in all; then counted.
  // Of a call without a sid it is not known, so never. The same request sent again within
  // kSameRequestTime gets the same answer, and is not counted; it is known by its token, which may
  // be empty: then none is the same.
  bool MayRecover(absl::string_view resource_sid, absl::string_view idempotency_token,
                  int max_per_call, absl::Time now);

 private:
  struct Call {
    std::string resource_sid = {};
    int recoveries = 0;
    absl::Time last_at = absl::InfinitePast();
    std::string last_token = {};
    absl::Time last_token_at = absl::InfinitePast();
    bool last_answer = false;
  };

  // The call, made if it is not known, and now the one heard of last.
  Call& Hear(absl::string_view resource_sid);

  std::list<Call> calls_;  // the one heard of last is first
  absl::flat_hash_map<std::string, std::list<Call>::iterator> by_sid_;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_INGEST_RECOVERIES_H_
