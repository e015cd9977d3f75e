#include <httplib.h>

#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/serving/listen_address.h"
#include "services/cli/call_options.h"
#include "services/cli/command.h"
#include "services/cli/options.h"

namespace understudy::cli {
namespace {

constexpr char kUsage[] = R"(Usage: understudy health HOST:PORT [--timeout TIME]

Asks the admin port of a router (9090) or notifier (9091) whether it is ready, and says why it is
not. Made for health checks where there is no shell and no curl, such as in our images.

  --timeout TIME   wait at most so long for a connection, and for the answer (default 2s)

Exit status: 0 it is ready, 1 it is not or does not answer, 2 wrong usage.
)";

constexpr absl::Duration kDefaultTimeout = absl::Seconds(2);

}  // namespace

int HealthCommand(Arguments arguments) {
  if (WantsHelp(arguments)) {
    Print(stdout, kUsage);
    return kExitGood;
  }
  absl::Duration timeout = kDefaultTimeout;
  const absl::StatusOr<std::vector<std::string>> words =
      ParseOptions(arguments, {TimeoutOption(timeout)});
  if (!words.ok()) return UsageError("health", words.status().message());
  if (words->size() != 1) return UsageError("health", "takes one HOST:PORT, that of an admin port");
  const std::string& place = words->front();
  const absl::StatusOr<serving::ListenAddress> address = serving::ParseListenAddress(place);
  if (!address.ok()) return UsageError("health", address.status().message());

  httplib::Client client(address->host, address->port);
  client.set_connection_timeout(absl::ToChronoMicroseconds(timeout));
  client.set_read_timeout(absl::ToChronoMicroseconds(timeout));
  const httplib::Result page = client.Get("/readyz");
  if (page && page->status == 200) {
    Print(stdout, "ready\n");
    return kExitGood;
  }
  // 503 and a sentence is what our services say; anything else is not theirs.
  const std::string reason =
      !page ? absl::StrCat("nothing answers at ", place)
      : page->status == 503
          ? absl::StrCat("not ready: ", absl::StripSuffix(page->body, "\n"))
          : absl::StrCat("what answers at ", place, " is no admin port: HTTP ", page->status);
  Print(stderr, absl::StrCat("understudy health: ", Printable(reason), "\n"));
  return kExitFailed;
}

}  // namespace understudy::cli
