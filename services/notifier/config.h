// What the notifier is told at its start: its settings as values, and their loading from YAML.
#ifndef SERVICES_NOTIFIER_CONFIG_H_
#define SERVICES_NOTIFIER_CONFIG_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/serving/listen_address.h"
#include "common/serving/log.h"
#include "common/serving/tls_material.h"
#include "services/notifier/groups/dispatcher.h"
#include "services/notifier/ingest/http_handlers.h"
#include "services/notifier/mail/smtp_mailer.h"
#include "services/notifier/page/page_door.h"

namespace understudy::notifier {

// Of alerts.routes, and of `to` in one of them.
inline constexpr size_t kMaxRoutes = 1000;
inline constexpr size_t kMaxRecipients = 100;

// Settings without a word on them are described in deploy/config/notifier.yaml.
struct NotifierConfig {
  serving::ListenAddress grpc_listen = {.host = "0.0.0.0", .port = 50052};
  std::optional<serving::TlsFiles> grpc_tls = {};  // none: plaintext
  serving::ListenAddress http_listen = {.host = "0.0.0.0", .port = 8081};
  std::optional<serving::TlsFiles> http_tls = {};
  serving::ListenAddress admin_listen = {.host = "0.0.0.0", .port = 9091};
  std::string store_path = {};
  HttpSettings http = {};
  PageSettings page = {};
  // One of them: a mail server, or a folder for files.
  std::optional<SmtpOptions> smtp = {};
  std::string mail_directory = {};
  AlertRules alerts = {};  // with retention, the From of mails and the page's address
  serving::LogLevel log_level = serving::LogLevel::kInfo;

  // What is odd in it and no mistake, a line each that begins with the file it is in.
  std::vector<std::string> warnings = {};
  // The other files it was made of: a change in one is a change of the configuration.
  std::vector<std::string> files = {};
};

// Reads the file at `path` and the secrets it names. InvalidArgument if anything is wrong, with
// every mistake on a line of its own: "file:line: key: what is wrong".
absl::StatusOr<NotifierConfig> LoadNotifierConfig(const std::string& path);

// The same for `text`, as if it had been read from `path`.
absl::StatusOr<NotifierConfig> ReadNotifierConfig(absl::string_view text, const std::string& path);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_CONFIG_H_
