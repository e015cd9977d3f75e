// What the demo starts: web servers, a notifier and a router on loopback, and where their files
// are.
#ifndef SERVICES_CLI_DEMO_WORLD_H_
#define SERVICES_CLI_DEMO_WORLD_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/cli/demo.h"
#include "services/cli/demo_scenes.h"
#include "services/cli/demo_servers.h"
#include "services/cli/service_process.h"

namespace understudy::cli {

// Whom the notifier mails.
inline constexpr char kOperator[] = "ops@example.com";

// A new folder among the temporary files.
class TemporaryFolder {
 public:
  enum class End {
    kRemove,  // with what is in it
    kKeep,    // unless it is empty
  };
  static absl::StatusOr<std::unique_ptr<TemporaryFolder>> Make(const char* name, End end);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  absl::StatusOr<std::string> Write(const char* name, const std::string& text) const;

 private:
  TemporaryFolder(std::string path, End end) : path_(std::move(path)), end_(end) {}

  const std::string path_;
  const End end_;
};

struct Servers {
  std::unique_ptr<DemoServer> primary = {};
  std::unique_ptr<DemoServer> fallback = {};
  std::unique_ptr<SilentPort> no_primary = {};
  std::unique_ptr<SilentPort> no_fallback = {};

  std::string PrimaryUrl(const Scene& scene) const;
  std::string FallbackUrl(const Scene& scene) const;
};

// What is declared later uses what is declared before.
struct DemoWorld {
  Servers servers = {};
  std::unique_ptr<TemporaryFolder> folder = {};       // gone at the end
  std::unique_ptr<TemporaryFolder> mail_folder = {};  // null: the options name another
  std::string mail_directory = {};                    // either of them
  std::unique_ptr<ServiceProcess> notifier = {};
  std::unique_ptr<ServiceProcess> router = {};  // reports to the notifier
};

absl::StatusOr<DemoWorld> StartDemoWorld(const std::vector<Scene>& scenes,
                                         const DemoOptions& options);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_DEMO_WORLD_H_
