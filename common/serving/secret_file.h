// Secrets come as files, so that they can change while the process runs.
#ifndef COMMON_SERVING_SECRET_FILE_H_
#define COMMON_SERVING_SECRET_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "common/secret.h"
#include "common/serving/strict_yaml.h"

namespace understudy::serving {

// What `path` holds, without line ends after it. FailedPrecondition, with a sentence that names the
// file, if it cannot be read, is no regular file, is empty (as it may be while it is being
// replaced) or has more than `max_bytes`.
absl::StatusOr<Secret> ReadSecretFile(const std::string& path,
                                      size_t max_bytes = kMaxSecretFileBytes);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_SECRET_FILE_H_
