// What the configuration says about alerts: whom to tell of what, and how often at most. Pure.
#ifndef SERVICES_NOTIFIER_GROUPS_ALERT_RULES_H_
#define SERVICES_NOTIFIER_GROUPS_ALERT_RULES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/notifier/groups/grouping.h"
#include "services/notifier/ingest/event.h"
#include "services/notifier/mail/mime.h"

namespace understudy::notifier {

// What a group has to be; whatever is left out does not matter.
struct RouteMatch {
  std::string account_sid = {};
  std::optional<Level> level = {};  // the worst of the group's episode
  std::optional<Kind> kind = {};
  int error_code = 0;

  friend bool operator==(const RouteMatch&, const RouteMatch&) = default;
};

struct AlertRoute {
  RouteMatch match = {};
  std::vector<std::string> to = {};  // addresses

  friend bool operator==(const AlertRoute&, const AlertRoute&) = default;
};

// Of mails to one recipient, whatever they are about.
struct MailLimit {
  int mails = 20;
  absl::Duration per = absl::Minutes(5);

  friend bool operator==(const MailLimit&, const MailLimit&) = default;
};

struct AlertRules {
  Waits waits = {};
  std::vector<AlertRoute> routes = {};  // the first that matches counts
  MailLimit mail_limit = {};
  absl::Duration heartbeat = absl::Hours(24);  // to the last route's recipients; 0: none
  absl::Duration retention = absl::Hours(24 * 30);
  Mailbox from = {};
  std::string page_url = {};  // of the page, without a slash at its end; empty: there is none
};

// Those of the first route that matches, each once; none if none does.
std::vector<std::string> RecipientsOf(const std::vector<AlertRoute>& routes, const GroupKey& key,
                                      Level level);

// Those of all routes, each once, in their order.
std::vector<std::string> AllRecipients(const std::vector<AlertRoute>& routes);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_GROUPS_ALERT_RULES_H_
