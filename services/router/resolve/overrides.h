// Connection overrides: what a URL's fragment says about how to connect.
// Source: Twilio, "Webhooks: Connection Overrides".
#ifndef SERVICES_ROUTER_RESOLVE_OVERRIDES_H_
#define SERVICES_ROUTER_RESOLVE_OVERRIDES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace understudy::router {

inline constexpr int kMaxRetries = 5;

// Which failures are worth the same request again (key "rp").
struct RetryPolicy {
  bool connect = true;  // "ct": refused, connect timeout, TLS handshake failure
  bool read = false;    // "rt": read timeout before any part of the answer
  bool status_4xx = false;
  bool status_5xx = false;

  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

struct Overrides {
  std::optional<absl::Duration> connect_timeout = {};  // ct, 100 to 10000 ms
  std::optional<absl::Duration> read_timeout = {};     // rt, 100 to 15000 ms
  std::optional<absl::Duration> total_timeout = {};    // tt, 100 to 15000 ms
  int retries = 1;                                     // rc, 0 to 5
  RetryPolicy retry_on = {};                           // rp
  bool send_sni = true;                                // sni

  // 0, or the code of a mistake for which Twilio gives up on the URL: 11240 unknown edge, 11242
  // interconnect edge, 11243 unknown retry policy; `error` says what was written.
  int error_code = 0;
  std::string error = {};
  // Mistakes that only cost the key its effect, or clamp it to its range: one sentence each.
  std::vector<std::string> warnings = {};
};

// `fragment` without its '#'. Unknown keys and plain anchors are harmless. Edges ("e") are checked
// and otherwise without effect: this router sends from where it runs.
Overrides ParseOverrides(absl::string_view fragment);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_RESOLVE_OVERRIDES_H_
