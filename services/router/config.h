// What the router is told at its start: its settings as values, and their loading from YAML.
#ifndef SERVICES_ROUTER_CONFIG_H_
#define SERVICES_ROUTER_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/serving/listen_address.h"
#include "common/serving/log.h"
#include "common/serving/tls_material.h"
#include "services/router/fetch/egress.h"
#include "services/router/report/outbox.h"
#include "services/router/resolve/call.h"
#include "services/router/routes/route_table.h"

namespace understudy::router {

// The longest text of default_document. Source: Twilio, "TwiML: Say", which reads no more aloud.
inline constexpr size_t kMaxVoiceTextBytes = 4096;

// The largest document of a bin, as for one that a web server sends.
inline constexpr size_t kMaxBinBytes = 65536;
inline constexpr size_t kMaxBins = 1000;
inline constexpr size_t kMaxBinNameBytes = 64;

// Where error events go.
struct NotifierConfig {
  std::string target = {};  // as gRPC has it
  std::string outbox_dir = {};
  int64_t outbox_max_bytes = kDefaultOutboxBytes;
  std::optional<serving::TlsFiles> tls = {};  // none: plaintext

  friend bool operator==(const NotifierConfig&, const NotifierConfig&) = default;
};

// Where the numbers API is served.
struct HttpConfig {
  serving::ListenAddress listen = {.host = "0.0.0.0", .port = 8080};
  std::optional<serving::TlsFiles> tls = {};  // none: plaintext

  friend bool operator==(const HttpConfig&, const HttpConfig&) = default;
};

// Settings without a word on them are described in deploy/config/router.yaml.
struct RouterConfig {
  serving::ListenAddress grpc_listen = {.host = "0.0.0.0", .port = 50051};
  std::optional<serving::TlsFiles> grpc_tls = {};  // none: plaintext
  absl::Duration max_connection_age = absl::Minutes(10);
  std::optional<HttpConfig> http = {};  // none: no HTTP port; always there with numbers_database
  serving::ListenAddress admin_listen = {.host = "0.0.0.0", .port = 9090};
  // Sids and phone numbers are well-formed and none is there twice; the account of every number is
  // among the accounts, and its URLs are good for an endpoint.
  std::vector<Account> accounts = {};
  std::vector<Number> numbers = {};
  std::string numbers_database = {};  // empty: the numbers API has nothing to show
  // Names are there once; each document can be executed, whatever a call's parameters are.
  std::vector<std::shared_ptr<const Bin>> bins = {};
  Limits limits = {};
  size_t max_body_bytes = 65536;
  int max_in_flight = 10000;
  std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";
  // "address" or "address:port", IPv6 in brackets before a port; empty: the system's.
  std::vector<std::string> dns_servers = {};
  EgressRule egress = {};
  std::string default_voice_text = "We are sorry, an application error has occurred. Goodbye.";
  RetrievalCodes retrieval_codes = RetrievalCodes::kClassic;
  Secret session_key = {};                      // empty: sessions are good for one process only
  std::optional<NotifierConfig> notifier = {};  // none: events are lines of the log
  serving::LogLevel log_level = serving::LogLevel::kInfo;

  // What is odd in it and no mistake, a line each that begins with the file it is in.
  std::vector<std::string> warnings = {};
  // The other files it was made of: a change in one is a change of the configuration.
  std::vector<std::string> files = {};
};

// Reads the file at `path` and the secrets it names. InvalidArgument if anything is wrong, with
// every mistake on a line of its own: "file:line: key: what is wrong".
absl::StatusOr<RouterConfig> LoadRouterConfig(const std::string& path);

// The same for `text`, as if it had been read from `path`.
absl::StatusOr<RouterConfig> ReadRouterConfig(absl::string_view text, const std::string& path);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_CONFIG_H_
