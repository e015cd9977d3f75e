// The product in a few screens: a real router and notifier on loopback, web servers that fail in
// turn, and the mail about it.
#ifndef SERVICES_CLI_DEMO_H_
#define SERVICES_CLI_DEMO_H_

#include <cstdio>
#include <functional>
#include <string>

#include "services/cli/render.h"

namespace understudy::cli {

struct DemoOptions {
  std::string router_binary = {};
  std::string notifier_binary = {};
  // Where the mails go, made if it is missing. Empty: a new folder among the temporary files.
  std::string mail_directory = {};
  // The services stay up behind it, for the operators' page to be looked at, until interrupted.
  bool stays = false;
  // False: the fallback server answers 500 to everything, and the demo is to notice.
  bool fallback_works = true;
  // Asked between two steps; true ends the demo early. May be null.
  std::function<bool()> is_interrupted = {};
};

// Makes the calls, prints what became of each to `out`, and checks it. True if all of it was as it
// should be; being interrupted while it stays is no failure. What it started, processes, servers
// and files, is gone when it returns; the mails
// stay.
bool RunDemo(const DemoOptions& options, const Style& style, std::FILE* out);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_DEMO_H_
