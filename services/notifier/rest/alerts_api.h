// The REST door of what the notifier knows: the Alerts resource as Twilio's SDKs know it,
// read-only. An account's sid and auth token let in, and show that account's alerts alone. Source:
// Twilio, "Monitor: Alerts resource", "Twilio's Response".
#ifndef SERVICES_NOTIFIER_REST_ALERTS_API_H_
#define SERVICES_NOTIFIER_REST_ALERTS_API_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/mutex.h"
#include "common/serving/basic_auth.h"
#include "common/serving/http_message.h"
#include "common/serving/rest_door.h"
#include "common/twilio/account.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

// What may change while the notifier runs.
struct AlertsSettings {
  std::vector<twilio::Account> accounts = {};  // those without a token have no way in
  // How the outside reaches this door: scheme, host, port. Empty: as the Host header has it.
  std::string public_url = {};
};

class AlertsApi {
 public:
  // A request was answered; `error_code` is Twilio's, 0 where there was none.
  using OnAnswered = std::function<void(int error_code)>;

  // `store` must outlive it.
  AlertsApi(Store& store, AlertsSettings settings, OnAnswered on_answered);

  // From any thread, as is Handle. Counts for requests that come from now on.
  void SetSettings(AlertsSettings settings);

  // Whether requests for `path` are for it.
  static bool Serves(absl::string_view path);

  serving::HttpResponse Handle(const serving::HttpRequest& request);

 private:
  std::shared_ptr<const AlertsSettings> settings() const;
  serving::RestReply Respond(const serving::HttpRequest& request);
  serving::RestReply List(const serving::HttpRequest& request, const std::string& account_sid,
                          const std::string& base_url);
  serving::RestReply Fetch(const serving::HttpRequest& request, const std::string& account_sid,
                           const std::string& base_url);

  Store& store_;
  const OnAnswered on_answered_;
  serving::LoginLimiter limiter_;
  mutable Mutex mutex_;
  std::shared_ptr<const AlertsSettings> settings_ GUARDED_BY(mutex_);
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_REST_ALERTS_API_H_
