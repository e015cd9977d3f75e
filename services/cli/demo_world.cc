#include "services/cli/demo_world.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace understudy::cli {
namespace {

constexpr char kAccountSid[] = "AC00000000000000000000000000000001";
constexpr char kAuthToken[] = "the auth token of the demo";
// So that a server that hangs is given up after a second.
constexpr char kShortTimes[] = "#ct=500&rt=1000&tt=2000";

constexpr absl::Duration kStartTime = absl::Seconds(5);

absl::StatusOr<Servers> StartServers(bool fallback_works) {
  const Secret token{kAuthToken};
  absl::StatusOr<std::unique_ptr<DemoServer>> primary = DemoServer::Start("primary", token);
  if (!primary.ok()) return primary.status();
  absl::StatusOr<std::unique_ptr<DemoServer>> fallback =
      DemoServer::Start("fallback", token, fallback_works);
  if (!fallback.ok()) return fallback.status();
  absl::StatusOr<std::unique_ptr<SilentPort>> no_primary = SilentPort::Take();
  if (!no_primary.ok()) return no_primary.status();
  absl::StatusOr<std::unique_ptr<SilentPort>> no_fallback = SilentPort::Take();
  if (!no_fallback.ok()) return no_fallback.status();
  return Servers{.primary = *std::move(primary),
                 .fallback = *std::move(fallback),
                 .no_primary = *std::move(no_primary),
                 .no_fallback = *std::move(no_fallback)};
}

std::string AccountText(const std::string& token_path) {
  return absl::StrCat("accounts:\n  - {sid: ", kAccountSid, ", auth_token_file: \"", token_path,
                      "\"}\n");
}

// The first burst is gathered for as long as all calls take, so that each problem is one mail.
std::string NotifierConfigText(const std::string& token_path, const std::string& mail_directory) {
  return absl::StrCat(
      "grpc: {listen: 127.0.0.1:0}\n"
      "http: {listen: 127.0.0.1:0}\n"
      "admin: {listen: 127.0.0.1:0}\n"
      "store: {sqlite: notifier.db}\n"
      "page: {open: true}\n",
      AccountText(token_path),
      "mail:\n"
      "  from: Understudy <understudy@example.com>\n"
      "  directory: \"",
      mail_directory,
      "\"\n"
      "alerts:\n"
      "  group_wait: 2s\n"
      "  heartbeat: 0s\n"
      "  routes:\n"
      "    - to: [",
      kOperator, "]\n");
}

std::string RouterConfigText(const std::vector<Scene>& scenes, const Servers& servers,
                             const std::string& token_path, const std::string& outbox_directory,
                             int notifier_port) {
  std::string text = absl::StrCat(
      "grpc: {listen: 127.0.0.1:0}\n"
      "admin: {listen: 127.0.0.1:0}\n"
      "egress: {allow: [127.0.0.0/8]}\n"
      "notifier:\n"
      "  target: dns:///127.0.0.1:",
      notifier_port, "\n  outbox_dir: \"", outbox_directory, "\"\n", AccountText(token_path),
      "numbers:\n");
  for (const Scene& scene : scenes) {
    absl::StrAppend(&text, "  - phone_number: \"", scene.number, "\"\n",
                    "    account_sid: ", kAccountSid, "\n", "    ", twilio::KindName(scene.kind),
                    ":\n", "      url: \"", servers.PrimaryUrl(scene), kShortTimes, "\"\n",
                    "      fallback_url: \"", servers.FallbackUrl(scene), kShortTimes, "\"\n");
  }
  return text;
}

absl::Status MakeMailDirectory(const std::string& wanted, DemoWorld& world) {
  if (wanted.empty()) {
    auto folder = TemporaryFolder::Make("understudy-demo-mail-XXXXXX", TemporaryFolder::End::kKeep);
    if (!folder.ok()) return folder.status();
    world.mail_folder = *std::move(folder);
    world.mail_directory = world.mail_folder->path();
    return absl::OkStatus();
  }
  std::error_code error;
  world.mail_directory = std::filesystem::absolute(wanted, error).string();
  if (!error) std::filesystem::create_directories(world.mail_directory, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot make ", wanted, ": ", error.message()));
}

absl::StatusOr<std::unique_ptr<ServiceProcess>> StartService(const TemporaryFolder& folder,
                                                             const std::string& binary,
                                                             const char* config_name,
                                                             const std::string& config_text) {
  const absl::StatusOr<std::string> config = folder.Write(config_name, config_text);
  if (!config.ok()) return config.status();
  return ServiceProcess::Start(binary, *config, kStartTime);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TemporaryFolder>> TemporaryFolder::Make(const char* name, End end) {
  std::error_code error;
  std::string path = (std::filesystem::temp_directory_path(error) / name).string();
  if (error || mkdtemp(path.data()) == nullptr) {
    return absl::UnavailableError("cannot make a folder for temporary files");
  }
  return std::unique_ptr<TemporaryFolder>(new TemporaryFolder(std::move(path), end));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (end_ == End::kRemove) {
    std::filesystem::remove_all(path_, ignored);
  } else {
    std::filesystem::remove(path_, ignored);  // fails if anything is in it
  }
}

absl::StatusOr<std::string> TemporaryFolder::Write(const char* name,
                                                   const std::string& text) const {
  std::string path = absl::StrCat(path_, "/", name);
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return absl::UnavailableError(absl::StrCat("cannot write ", path));
  return path;
}

std::string Servers::PrimaryUrl(const Scene& scene) const {
  return scene.primary == kGone ? no_primary->url(kVoicePath) : primary->url(scene.primary);
}

std::string Servers::FallbackUrl(const Scene& scene) const {
  return scene.fallback == kGone ? no_fallback->url(kVoicePath) : fallback->url(scene.fallback);
}

absl::StatusOr<DemoWorld> StartDemoWorld(const std::vector<Scene>& scenes,
                                         const DemoOptions& options) {
  DemoWorld world;
  absl::StatusOr<Servers> servers = StartServers(options.fallback_works);
  if (!servers.ok()) return servers.status();
  world.servers = *std::move(servers);
  auto folder = TemporaryFolder::Make("understudy-demo-XXXXXX", TemporaryFolder::End::kRemove);
  if (!folder.ok()) return folder.status();
  world.folder = *std::move(folder);
  if (absl::Status made = MakeMailDirectory(options.mail_directory, world); !made.ok()) {
    return made;
  }
  const absl::StatusOr<std::string> token = world.folder->Write("auth-token", kAuthToken);
  if (!token.ok()) return token.status();

  auto notifier = StartService(*world.folder, options.notifier_binary, "notifier.yaml",
                               NotifierConfigText(*token, world.mail_directory));
  if (!notifier.ok()) return notifier.status();
  world.notifier = *std::move(notifier);
  auto router = StartService(
      *world.folder, options.router_binary, "router.yaml",
      RouterConfigText(scenes, world.servers, *token, absl::StrCat(world.folder->path(), "/outbox"),
                       world.notifier->Port("grpc")));
  if (!router.ok()) return router.status();
  world.router = *std::move(router);
  return world;
}

}  // namespace understudy::cli
