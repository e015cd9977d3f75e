#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/serving/log.h"
#include "common/serving/process.h"
#include "common/version.h"
#include "services/router/config.h"
#include "services/router/router.h"

namespace understudy::router {
namespace {

constexpr char kUsage[] = R"(Usage: understudy-router --config FILE [--check-config]

Answers gRPC calls to understudy.router.v1.RouterService/ResolveTwiML with TwiML from a number's
primary URL or, when that fails, from its fallback URL.

  --config FILE    the configuration (YAML); read again on SIGHUP and when it changes
  --check-config   only read the configuration and say every mistake in it: status 0 or 2
  --version        print the version
  --help           print this

SIGTERM stops it: no new calls, those under way are answered, events that wait for the notifier are
sent, status 0. A second one stops it now.
)";

using serving::Log;
using serving::LogLevel;

int Main(int argc, char** argv) {
  RouterConfig config;
  std::unique_ptr<Router> router;
  return serving::RunService(
      argc, argv,
      {.name = "understudy-router",
       .usage = kUsage,
       .load =
           [&](const std::string& path) {
             absl::StatusOr<RouterConfig> loaded = LoadRouterConfig(path);
             if (!loaded.ok()) return loaded.status();
             config = *std::move(loaded);
             return absl::OkStatus();
           },
       .summary =
           [&] {
             return absl::StrCat(config.numbers.size(), " numbers, ", config.accounts.size(),
                                 " accounts, ", config.bins.size(), " bins");
           },
       .warnings = [&] { return config.warnings; },
       .files = [&] { return config.files; },
       .start =
           [&] {
             serving::SetLogLevel(config.log_level);
             absl::StatusOr<std::unique_ptr<Router>> started = Router::Start(config);
             if (!started.ok()) return started.status();
             router = *std::move(started);
             const std::string grpc = serving::ListenAddressText(config.grpc_listen);
             const std::string admin = serving::ListenAddressText(config.admin_listen);
             const std::string http =
                 config.http.has_value() ? serving::ListenAddressText(config.http->listen) : "";
             Log(LogLevel::kInfo, "serving",
                 {{"service", "understudy-router"},
                  {"version", kVersion},
                  {"grpc", grpc},
                  {"grpc_port", router->grpc_port()},
                  {"http", http},
                  {"http_port", router->http_port()},
                  {"admin", admin},
                  {"admin_port", router->admin_port()},
                  {"numbers", static_cast<int64_t>(config.numbers.size())},
                  {"bins", static_cast<int64_t>(config.bins.size())}});
             if (config.session_key.empty()) {
               Log(LogLevel::kWarning,
                   "session_key_file is not set: only this process, until it ends, can read the "
                   "sessions it gives to calls");
             }
             return absl::OkStatus();
           },
       .reload =
           [&] {
             router->Reload(config);
             serving::SetLogLevel(config.log_level);
           },
       .on_refused_reload = [&] { router->CountRefusedReload(); },
       .refresh = [&] { router->RefreshCertificates(); },
       .stop = [&] { router->Stop(kStopTime); }});
}

}  // namespace
}  // namespace understudy::router

int main(int argc, char** argv) {
  return understudy::router::Main(argc, argv);
}
