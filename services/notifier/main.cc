#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/serving/log.h"
#include "common/serving/process.h"
#include "common/version.h"
#include "services/notifier/config.h"
#include "services/notifier/notifier.h"
#include "services/notifier/test_mail.h"

namespace understudy::notifier {
namespace {

constexpr char kUsage[] = R"(Usage: understudy-notifier --config FILE [--check-config]
       understudy-notifier --config FILE --send-test-mail ADDRESS

Takes error events from routers (gRPC), from Twilio (a Fallback URL, the debugger webhook) and as
JSON, keeps them, and sends operators one good mail about each problem.

  --config FILE              the configuration (YAML); read again on SIGHUP and when it changes
  --check-config             only read the configuration and say every mistake in it: status 0 or 2
  --send-test-mail ADDRESS   only send a mail to ADDRESS with the settings of the configuration, and
                             say what became of it: status 0 or 1
  --version                  print the version
  --help                     print this

SIGTERM stops it: what is under way is finished, status 0. A second one stops it now. Mails that
wait are sent by the next process.
)";

constexpr absl::Duration kFlushTime = absl::Seconds(1);

using serving::Log;
using serving::LogLevel;

int Main(int argc, char** argv) {
  if (const std::optional<int> status = SendTestMailIfAsked(argc, argv)) return *status;
  NotifierConfig config;
  std::unique_ptr<Notifier> notifier;
  return serving::RunService(
      argc, argv,
      {.name = "understudy-notifier",
       .usage = kUsage,
       .load =
           [&](const std::string& path) {
             absl::StatusOr<NotifierConfig> loaded = LoadNotifierConfig(path);
             if (!loaded.ok()) return loaded.status();
             config = *std::move(loaded);
             return absl::OkStatus();
           },
       .summary =
           [&] {
             return absl::StrCat(config.http.accounts.size(), " accounts, ",
                                 config.alerts.routes.size(), " routes");
           },
       .warnings = [&] { return config.warnings; },
       .files = [&] { return config.files; },
       .start =
           [&] {
             serving::SetLogLevel(config.log_level);
             absl::StatusOr<std::unique_ptr<Notifier>> started = Notifier::Start(config);
             if (!started.ok()) return started.status();
             notifier = *std::move(started);
             Log(LogLevel::kInfo, "serving",
                 {{"service", "understudy-notifier"},
                  {"version", kVersion},
                  {"grpc", serving::ListenAddressText(config.grpc_listen)},
                  {"grpc_port", notifier->grpc_port()},
                  {"http", serving::ListenAddressText(config.http_listen)},
                  {"http_port", notifier->http_port()},
                  {"admin", serving::ListenAddressText(config.admin_listen)},
                  {"admin_port", notifier->admin_port()}});
             if (config.http.accounts.empty()) {
               Log(LogLevel::kWarning,
                   "no accounts are configured: whoever reaches the HTTP port can report errors");
             }
             return absl::OkStatus();
           },
       .reload =
           [&] {
             notifier->Reload(config);
             serving::SetLogLevel(config.log_level);
           },
       .on_refused_reload = [&] { notifier->CountRefusedReload(); },
       .refresh = [&] { notifier->RefreshCertificates(); },
       .stop =
           [&] {
             if (notifier->Stop(kDrainTime)) return;
             Log(LogLevel::kWarning,
                 "stopped while a mail was being sent: the next process sends it again");
             serving::FlushLog(kFlushTime);
             // Nothing that was acknowledged is in memory alone.
             std::_Exit(0);
           }});
}

}  // namespace
}  // namespace understudy::notifier

int main(int argc, char** argv) {
  return understudy::notifier::Main(argc, argv);
}
