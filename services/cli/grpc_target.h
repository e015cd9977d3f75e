// The service that a command asks over gRPC: what the command line says of it, and what to tell
// its user where it cannot be reached.
#ifndef SERVICES_CLI_GRPC_TARGET_H_
#define SERVICES_CLI_GRPC_TARGET_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "common/serving/tls_material.h"

namespace understudy::cli {

// What is wrong with the TLS options taken together; empty if nothing is.
std::string TlsUsageMistake(const serving::TlsFiles& tls);

// A channel to `address` ("host:port") that tries again within a second where nobody answers.
// `tls` is what to trust and show; null: plaintext.
std::shared_ptr<grpc::Channel> Connect(const std::string& address, const serving::TlsMaterial* tls);

// What to do where the connection was there and TLS was not; empty: that is not it, or nobody
// knows. `service` is "router" or "notifier", which is also the option that names its address.
std::string TlsAdvice(absl::string_view message, const serving::TlsFiles& tls,
                      absl::string_view service);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_GRPC_TARGET_H_
