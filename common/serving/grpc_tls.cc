#include "common/serving/grpc_tls.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <string>
#include <utility>

namespace understudy::serving {
namespace {

// grpc::SslServerCredentials reads its files once; the library underneath asks for them at each
// handshake, if it is told whom to ask.
class RotatingCredentials final : public grpc::ServerCredentials {
 public:
  explicit RotatingCredentials(const TlsIdentity& identity) : identity_(identity) {
    const bool wants_clients = !identity.material()->ca.empty();
    credentials_ = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            wants_clients ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                          : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            &RotatingCredentials::Fetch, this));
  }
  ~RotatingCredentials() override { grpc_server_credentials_release(credentials_); }

  // We have none.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  // gRPC calls this under a lock of the port's.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    RotatingCredentials& credentials = *static_cast<RotatingCredentials*>(self);
    std::shared_ptr<const TlsMaterial> material = credentials.identity_.material();
    // A client that resumes a session shows no certificate, and gRPC cannot be told to refuse it.
    // But sessions end with the set they began with: where certificates count, each handshake has
    // its own. (gRPC lets go of the one before without a lock; handshakes at a listening address
    // begin one after the other.)
    if (material == credentials.given_ && material->ca.empty()) {
      return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    }
    const grpc_ssl_pem_key_cert_pair pair = {.private_key = material->key.Reveal().c_str(),
                                             .cert_chain = material->certificate.c_str()};
    // gRPC ends the process if there are no roots, also where it does not ask clients for anything.
    const std::string& roots = material->ca.empty() ? material->certificate : material->ca;
    *config = grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
    credentials.given_ = std::move(material);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const TlsIdentity& identity_;
  std::shared_ptr<const TlsMaterial> given_;
  grpc_server_credentials* credentials_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> GrpcServerCredentials(const TlsIdentity& identity) {
  return std::make_shared<RotatingCredentials>(identity);
}

std::shared_ptr<grpc::ChannelCredentials> GrpcClientCredentials(const TlsMaterial& material) {
  return grpc::SslCredentials({.pem_root_certs = material.ca,
                               .pem_private_key = material.key.Reveal(),
                               .pem_cert_chain = material.certificate});
}

}  // namespace understudy::serving
