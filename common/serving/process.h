// What the main function of each of our services does: read its arguments, load its configuration,
// serve until it is told to stop, and read the configuration again when it has changed.
#ifndef COMMON_SERVING_PROCESS_H_
#define COMMON_SERVING_PROCESS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace understudy::serving {

// Asks for as many file descriptors as the system gives, and warns if those are fewer than `needed`
// for what `setting` says.
void RaiseDescriptorLimit(int64_t needed, const char* setting);

// A service, as its process sees it. Functions are called by the main thread.
struct Service {
  const char* name = "";   // of the binary
  const char* usage = "";  // what --help prints
  // Loads the configuration at `path`. An error has every mistake on a line of its own.
  std::function<absl::Status(const std::string& path)> load = {};
  // What was loaded last: a sentence for --check-config such as "3 numbers"; oddities that are no
  // mistakes; and the files besides the configuration itself that it was made of.
  std::function<std::string()> summary = {};
  std::function<std::vector<std::string>()> warnings = {};
  std::function<std::vector<std::string>()> files = {};
  // Serves with what was loaded, and logs so.
  std::function<absl::Status()> start = {};
  // What was loaded since is good, or was refused.
  std::function<void()> reload = {};
  std::function<void()> on_refused_reload = {};
  // Called about once a second, for what follows its files by itself.
  std::function<void()> refresh = {};
  // Ends the service; on a thread of its own, so that a second signal can cut it short.
  std::function<void()> stop = {};
};

// Exit status: 0 after SIGTERM or SIGINT, 1 if it could not start or was told twice to stop, 2 for
// wrong usage and a configuration with mistakes.
int RunService(int argc, char** argv, const Service& service);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_PROCESS_H_
