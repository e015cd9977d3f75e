// gRPC errors a machine can read: a google.rpc.ErrorInfo or RetryInfo beside the sentence.
#ifndef COMMON_SERVING_GRPC_ERROR_H_
#define COMMON_SERVING_GRPC_ERROR_H_

#include <grpcpp/support/status.h>

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace understudy::serving {

// What a caller got wrong.
struct CallerError {
  grpc::StatusCode code = grpc::StatusCode::INVALID_ARGUMENT;
  std::string reason = {};   // stable, UPPER_SNAKE_CASE
  std::string field = {};    // as in the proto, such as "handler.url"; empty if it is no field's
  std::string message = {};  // a sentence a stranger can act on
};

// With an ErrorInfo of the domain "understudy" and `field` in its metadata.
grpc::Status ToStatus(const CallerError& error);

// RESOURCE_EXHAUSTED with a RetryInfo.
grpc::Status TryLater(absl::string_view message, absl::Duration delay);

// The ErrorInfo that came with `status`: its reason, empty if there is none, and its field.
CallerError FromStatus(const grpc::Status& status);

// The delay of the RetryInfo that came with `status`; zero if there is none.
absl::Duration RetryDelay(const grpc::Status& status);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_GRPC_ERROR_H_
