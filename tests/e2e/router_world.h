// A whole router on loopback, its web servers beside it, and a client that calls it over gRPC.
#ifndef TESTS_E2E_ROUTER_WORLD_H_
#define TESTS_E2E_ROUTER_WORLD_H_

#include <grpcpp/grpcpp.h>
#include <understudy/router/v1/router_service.grpc.pb.h>

#include <memory>
#include <string>

#include "services/router/config.h"
#include "services/router/router.h"
#include "tests/e2e/admin_page.h"
#include "tests/testing/origin.h"

namespace understudy::testing {

inline constexpr char kAccountSid[] = "AC00000000000000000000000000000001";
inline constexpr char kAuthToken[] = "12345";
inline constexpr char kNumber[] = "+14155550199";

// Documents that tell who wrote them.
inline constexpr char kPrimaryDocument[] = "<Response><Say>primary</Say></Response>";
inline constexpr char kFallbackDocument[] = "<Response><Say>fallback</Say></Response>";

struct Answer {
  grpc::Status status = {};
  router::v1::ResolveTwiMLResponse response = {};
};

// The configuration most tests want: one account with a token, loopback open, free ports.
router::RouterConfig LoopbackConfig();

class RouterWorld {
 public:
  // A router with `config`; ends the process if it does not start.
  explicit RouterWorld(const router::RouterConfig& config = LoopbackConfig());

  router::Router& router() { return *router_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  router::v1::RouterService::Stub& stub() { return *stub_; }

  // Resolves as a platform would; `deadline` zero: none.
  Answer Resolve(const router::v1::ResolveTwiMLRequest& request,
                 absl::Duration deadline = absl::ZeroDuration());

 private:
  std::unique_ptr<router::Router> router_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<router::v1::RouterService::Stub> stub_;
};

// A call to kNumber with the parameters of a real one.
router::v1::ResolveTwiMLRequest VoiceRequest();
router::v1::ResolveTwiMLRequest MessageRequest();
// The same with a handler in place of the number; an empty fallback: none.
router::v1::ResolveTwiMLRequest VoiceRequest(const std::string& url, const std::string& fallback);
router::v1::ResolveTwiMLRequest MessageRequest(const std::string& url, const std::string& fallback);

}  // namespace understudy::testing

#endif  // TESTS_E2E_ROUTER_WORLD_H_
