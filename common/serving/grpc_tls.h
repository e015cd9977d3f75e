// TLS for gRPC, on either side.
#ifndef COMMON_SERVING_GRPC_TLS_H_
#define COMMON_SERVING_GRPC_TLS_H_

#include <memory>

#include "common/serving/tls_identity.h"

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace understudy::serving {

// Each handshake is done with what `identity` has at that time; connections that are there stay as
// they are. With a CA, a client that shows no certificate of it gets nowhere. Both `identity` and
// the credentials must outlive the server. For one port.
std::shared_ptr<grpc::ServerCredentials> GrpcServerCredentials(const TlsIdentity& identity);

// Shows and trusts what is in `material`; without a CA nobody, without a certificate none is shown.
std::shared_ptr<grpc::ChannelCredentials> GrpcClientCredentials(const TlsMaterial& material);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_GRPC_TLS_H_
