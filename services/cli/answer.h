// Two ways to have a call answered: by a router, and in this process.
#ifndef SERVICES_CLI_ANSWER_H_
#define SERVICES_CLI_ANSWER_H_

#include <grpcpp/support/status.h>
#include <understudy/router/v1/router_service.pb.h>

#include <string>

#include "absl/time/time.h"
#include "common/serving/tls_material.h"
#include "services/router/config.h"
#include "services/router/resolve/call.h"

namespace understudy::cli {

struct Answer {
  grpc::Status status = {};  // as the router's service says it
  router::v1::ResolveTwiMLResponse response = {};
};

// Asks the router at `address` ("host:port") and waits for `timeout` at most. UNAVAILABLE at once
// if nothing listens there. `tls` is what to trust and show; null: plaintext.
Answer AskRouter(const std::string& address, const serving::TlsMaterial* tls,
                 const router::v1::ResolveTwiMLRequest& request, absl::Duration timeout);

struct LocalAnswer {
  grpc::Status status = {};  // the caller's mistakes; FAILED_PRECONDITION without CA certificates
  router::Outcome outcome = {};
  router::Reply last_reply = {};  // to the last request that was made
  router::v1::ResolveTwiMLResponse response = {};
};

// Does what a router with `config` would do.
LocalAnswer ResolveLocally(const router::RouterConfig& config,
                           const router::v1::ResolveTwiMLRequest& request, absl::Duration timeout);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_ANSWER_H_
