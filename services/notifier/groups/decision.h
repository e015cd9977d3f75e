// One decision whom to tell what: within a transaction, groups that are due become mails.
//
// No recipient hears more than mail_limit allows. Groups they cannot be told of one by one are
// summed up in the last mail there is room for; what has no room at all waits, and is told when
// there is. While a summary to somebody is pending, everything else to them waits as well, so that
// it gathers.
#ifndef SERVICES_NOTIFIER_GROUPS_DECISION_H_
#define SERVICES_NOTIFIER_GROUPS_DECISION_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/notifier/groups/alert_rules.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

// What one decision does at most; there is always a next one.
inline constexpr int kMaxLooks = 50;  // groups looked at
// Mails written; only the last group looked at may go over it, with one for each recipient.
inline constexpr int kMaxMailsAtOnce = 20;
inline constexpr int kMaxSummedGroups = 10000;  // in one summary; further ones wait for the next
// Of the events a mail tells, the newest of which are counted by URL.
inline constexpr int kMaxEventsCountedByUrl = 2000;

// What one decision knows for the next, so that it need not ask about every recipient there is. All
// of it is found anew if it is forgotten, as it must be when the rules change or a transaction
// fails.
struct DecisionMemory {
  std::optional<std::set<std::string>> waiting = {};  // recipients some group may wait for room for
  absl::Time heartbeat_at = absl::InfinitePast();     // when the next one is due
};

struct Decided {
  std::vector<Reason> written = {};  // a mail each
  // Groups that could not be told to somebody one by one; each recipient counts.
  int64_t over_limit = 0;
  // When there is something to decide again: now if there is more. Groups that become due
  // are not in it.
  absl::Time next_at = absl::InfiniteFuture();
};

// `unsent_mails`: for the heartbeat.
Decided Decide(StoreTransaction& store, const AlertRules& rules, absl::Time now,
               int64_t unsent_mails, DecisionMemory& memory);

// A mail is settled: whoever waits for that may be told again.
void Release(StoreTransaction& store, const Mail& mail, absl::Time now);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_GROUPS_DECISION_H_
