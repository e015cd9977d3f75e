// What the demo shows, and what has to come of it. Pure.
#ifndef SERVICES_CLI_DEMO_SCENES_H_
#define SERVICES_CLI_DEMO_SCENES_H_

#include <understudy/router/v1/router_service.pb.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/twilio/kind.h"
#include "services/cli/demo_servers.h"
#include "services/cli/metrics_change.h"

namespace understudy::cli {

inline constexpr int kNoError = 0;

// In place of a path: nothing listens.
inline constexpr absl::string_view kGone;

// A request to a web server, or an event about one.
struct ExpectedAttempt {
  router::v1::Target target = router::v1::TARGET_PRIMARY;
  int error_code = kNoError;
};

// A call or message to a number whose web servers behave so.
struct Scene {
  const char* title = "";
  const char* number = "";
  twilio::Kind kind = twilio::Kind::kVoice;
  absl::string_view primary = kVoicePath;
  absl::string_view fallback = kVoicePath;

  router::v1::Source source = router::v1::SOURCE_PRIMARY;
  int error_code = kNoError;
  std::vector<ExpectedAttempt> attempts = {};  // a refused connection is tried once more
  std::vector<ExpectedAttempt> events = {};
};

std::vector<Scene> Scenes();

// "primary 11205, fallback 0"; "none".
std::string CodesText(const std::vector<ExpectedAttempt>& attempts);

// Of all scenes together.
int EventCount(const std::vector<Scene>& scenes);
// Groups the events fall into: of one kind, code and web server.
int GroupCount(const std::vector<Scene>& scenes);

// What all scenes together add to the counters of the router, and of the notifier once it has sent
// a mail about each group.
Metrics ExpectedRouterChange(const std::vector<Scene>& scenes);
Metrics ExpectedNotifierChange(const std::vector<Scene>& scenes);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_DEMO_SCENES_H_
