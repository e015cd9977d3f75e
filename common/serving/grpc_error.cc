#include "common/serving/grpc_error.h"

#include <google/rpc/status.pb.h>

#include <utility>

namespace understudy::serving {
namespace {

constexpr char kDomain[] = "understudy";

grpc::Status WithDetail(grpc::StatusCode code, const std::string& message,
                        const google::protobuf::Message& detail) {
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(message);
  status.add_details()->PackFrom(detail);
  return {code, message, status.SerializeAsString()};
}

template <typename Detail>
bool Unpack(const grpc::Status& status, Detail& detail) {
  google::rpc::Status rich;
  if (!rich.ParseFromString(status.error_details())) return false;
  for (const google::protobuf::Any& any : rich.details()) {
    if (any.UnpackTo(&detail)) return true;
  }
  return false;
}

}  // namespace

grpc::Status ToStatus(const CallerError& error) {
  google::rpc::ErrorInfo info;
  info.set_reason(error.reason);
  info.set_domain(kDomain);
  if (!error.field.empty()) (*info.mutable_metadata())["field"] = error.field;
  return WithDetail(error.code, error.message, info);
}

grpc::Status TryLater(absl::string_view message, absl::Duration delay) {
  google::rpc::RetryInfo info;
  const timespec wait = absl::ToTimespec(delay);
  info.mutable_retry_delay()->set_seconds(wait.tv_sec);
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(wait.tv_nsec));
  return WithDetail(grpc::StatusCode::RESOURCE_EXHAUSTED, std::string(message), info);
}

CallerError FromStatus(const grpc::Status& status) {
  CallerError error{.code = status.error_code(), .message = status.error_message()};
  google::rpc::ErrorInfo info;
  if (Unpack(status, info) && info.domain() == kDomain) {
    error.reason = info.reason();
    const auto field = info.metadata().find("field");
    if (field != info.metadata().end()) error.field = field->second;
  }
  return error;
}

absl::Duration RetryDelay(const grpc::Status& status) {
  google::rpc::RetryInfo info;
  if (!Unpack(status, info)) return absl::ZeroDuration();
  return absl::Seconds(info.retry_delay().seconds()) +
         absl::Nanoseconds(info.retry_delay().nanos());
}

}  // namespace understudy::serving
