#include "services/notifier/groups/alert_rules.h"

#include <algorithm>

namespace understudy::notifier {
namespace {

bool Matches(const RouteMatch& match, const GroupKey& key, Level level) {
  return (match.account_sid.empty() || match.account_sid == key.account_sid) &&
         (!match.level.has_value() || *match.level == level) &&
         (!match.kind.has_value() || *match.kind == key.kind) &&
         (match.error_code == 0 || match.error_code == key.error_code);
}

void AddNew(const std::vector<std::string>& addresses, std::vector<std::string>& all) {
  for (const std::string& address : addresses) {
    if (std::find(all.begin(), all.end(), address) == all.end()) all.push_back(address);
  }
}

}  // namespace

std::vector<std::string> RecipientsOf(const std::vector<AlertRoute>& routes, const GroupKey& key,
                                      Level level) {
  std::vector<std::string> recipients;
  const auto route = std::find_if(routes.begin(), routes.end(), [&](const AlertRoute& candidate) {
    return Matches(candidate.match, key, level);
  });
  if (route != routes.end()) AddNew(route->to, recipients);
  return recipients;
}

std::vector<std::string> AllRecipients(const std::vector<AlertRoute>& routes) {
  std::vector<std::string> recipients;
  for (const AlertRoute& route : routes) AddNew(route.to, recipients);
  return recipients;
}

}  // namespace understudy::notifier
