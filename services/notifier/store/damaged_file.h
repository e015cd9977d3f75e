// What becomes of a database file that is damaged: it is kept, out of the way.
#ifndef SERVICES_NOTIFIER_STORE_DAMAGED_FILE_H_
#define SERVICES_NOTIFIER_STORE_DAMAGED_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace understudy::notifier {

// Kept at most; of more, the oldest are deleted.
inline constexpr int kMaxDamagedFiles = 3;

// Renames the database `path` and its log to "PATH.damaged-20260131T235959Z" by `now`, with a
// number behind it if that is taken; returns the new name. REQUIRES: no connection to it is open.
absl::StatusOr<std::string> MoveAside(const std::string& path, absl::Time now);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_DAMAGED_FILE_H_
