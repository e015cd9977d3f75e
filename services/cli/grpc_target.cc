#include "services/cli/grpc_target.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/serving/grpc_tls.h"

namespace understudy::cli {
namespace {

constexpr int kMinReconnectMs = 100;
constexpr int kMaxReconnectMs = 1000;

}  // namespace

std::string TlsUsageMistake(const serving::TlsFiles& tls) {
  if (tls.certificate.empty() != tls.key.empty()) {
    return "--tls-certificate and --tls-key go together";
  }
  if (tls.ca.empty() && !tls.certificate.empty()) {
    return "--tls-certificate goes with --tls-ca, which says whom to show it to";
  }
  return "";
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address,
                                       const serving::TlsMaterial* tls) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kMinReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMs);
  return grpc::CreateCustomChannel(
      address,
      tls == nullptr ? grpc::InsecureChannelCredentials() : serving::GrpcClientCredentials(*tls),
      arguments);
}

std::string TlsAdvice(absl::string_view message, const serving::TlsFiles& tls,
                      absl::string_view service) {
  if (tls.ca.empty()) {
    return absl::StrContains(message, "Socket closed")
               ? absl::StrCat("If it is a ", service,
                              " that wants TLS, --tls-ca FILE says whom to believe.")
               : "";
  }
  if (absl::StrContains(message, "certificate verify failed")) {
    return absl::StrCat("Its certificate is not of an authority in ", tls.ca,
                        ", or it has expired.");
  }
  if (absl::StrContains(message, "is not in peer certificate")) {
    return absl::StrCat("Its certificate is for another host than --", service, " names.");
  }
  if (absl::StrContains(message, "wrong version number")) {
    return "What answers there speaks no TLS: leave out --tls-ca.";
  }
  if (absl::StrContains(message, "Socket closed")) {
    return tls.certificate.empty()
               ? "It may want a certificate: --tls-certificate FILE --tls-key FILE."
               : absl::StrCat("It may not believe the certificate in ", tls.certificate, ".");
  }
  return "";
}

}  // namespace understudy::cli
