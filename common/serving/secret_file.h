// Secrets come as files, so that they can change while the process runs.
#ifndef COMMON_SERVING_SECRET_FILE_H_
#define COMMON_SERVING_SECRET_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/secret.h"

namespace understudy::serving {

// What `path` holds, without line ends after it. FailedPrecondition, with a sentence that names the
// file, if it cannot be read, is no regular file, is empty (as it may be while it is being
// replaced) or has more than kMaxSecretFileBytes (strict_yaml.h).
absl::StatusOr<Secret> ReadSecretFile(const std::string& path);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_SECRET_FILE_H_
