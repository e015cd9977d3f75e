// Events as Alerts, as Twilio's SDKs read them. Pure.
// Source: Twilio, "Monitor: Alerts resource"; the fields and their types are those of its OpenAPI
// description.
#ifndef SERVICES_NOTIFIER_REST_ALERT_RESOURCE_H_
#define SERVICES_NOTIFIER_REST_ALERT_RESOURCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/twilio/form.h"
#include "common/twilio/rest.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

inline constexpr char kAlertsPath[] = "/v1/Alerts";

// "NO" and 32 hexadecimal digits. Of an event that came from Twilio, the sid that it has there.
// Else a digest of account and event_id in the first half, which the second half says with where to
// look for it: so an alert is found by the key of its row, and no event pays for an index of sids.
std::string AlertSid(const StoredEvent& stored);
bool IsAlertSid(absl::string_view text);

// What the event_id of an alert is if it came from Twilio.
std::string TwilioEventId(absl::string_view alert_sid);
// The row that an event of that sid has otherwise. REQUIRES: IsAlertSid. Any such text is one
// row's, so its event has that AlertSid or there is none.
int64_t AlertRow(absl::string_view alert_sid);

// `base_url` has no slash at its end. Of a page the items are less: see InstanceJson.
std::string AlertItemJson(const StoredEvent& stored, absl::string_view base_url);
// With what was sent and answered.
std::string AlertInstanceJson(const StoredEvent& stored, absl::string_view base_url);

struct AlertLinks {
  std::string base_url = {};
  std::string path = {};
  twilio::Form query = {};  // as it was asked
  twilio::PageAsked page = {};
  std::string next_token = {};      // empty: this is the last page
  std::string previous_token = {};  // empty: the first
};
std::string AlertPageJson(const std::vector<StoredEvent>& alerts, const AlertLinks& links);

// Which alerts are asked for.
struct AlertQuery {
  bool matches_none = false;  // of a level that no event has: notice, debug
  std::optional<Level> level = {};
  absl::Time start = absl::InfinitePast();  // inclusive
  absl::Time end = absl::InfiniteFuture();  // exclusive
};
// LogLevel, StartDate and EndDate. A date is all of its day, a time all of its second, and the end
// belongs to it. 20422 where one cannot be read.
std::variant<AlertQuery, twilio::RestError> ReadAlertQuery(const twilio::Form& query);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_REST_ALERT_RESOURCE_H_
