// Decides to speak, and speaks: has groups that are due become mails, sends them one by one, and
// keeps what became of each.
//
// A mail is a row before it is sent, and its bytes never change: after a crash, or where nobody
// knows whether the server took it, the same bytes go out again. The recipients' rows, the group
// and the mail change in one transaction, so each event is told to each recipient in one mail.
#ifndef SERVICES_NOTIFIER_GROUPS_DISPATCHER_H_
#define SERVICES_NOTIFIER_GROUPS_DISPATCHER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "services/notifier/groups/alert_rules.h"
#include "services/notifier/groups/decision.h"
#include "services/notifier/mail/mailer.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

// What one Pump does at most, beside one decision and one mail; there is always a next one.
inline constexpr int kMaxMailsPutOff = 100;  // given up, or of recipients who are left alone
inline constexpr int kMaxEventsPurged = 1000;
// A store that failed is tried again after it.
inline constexpr absl::Duration kStoreWait = absl::Seconds(1);
// Rows over their retention are looked for so often.
inline constexpr absl::Duration kPurgeInterval = absl::Minutes(1);

// For metrics and the log. Called on the thread that pumps, after the fact is durable.
struct DispatcherHooks {
  // After each attempt, with the mail as it is now; and for a mail that is given up without another
  // one, with a result that says nothing.
  std::function<void(const Mail&, const SendResult&)> on_mail = {};
  // A mail was written; it may tell of many groups.
  std::function<void(Reason)> on_written = {};
  // So many groups more could not be told to somebody one by one, because of mail_limit.
  std::function<void(int64_t)> on_over_limit = {};
  std::function<void(const absl::Status&)> on_store_failed = {};
};

class Dispatcher {
 public:
  // `store` and `mailer` must outlive it. `seed` is for the jitter of retries.
  Dispatcher(Store& store, Mailer& mailer, AlertRules rules, DispatcherHooks hooks, uint64_t seed);

  // A bounded amount of work, with one mail sent at most; blocks for as long as that takes. Returns
  // when it wants to be called next. Sooner does no harm, and is needed after Append, which may
  // have made a group due. What the store fails at is done by a later call: nothing is lost, and
  // nothing is sent twice for it. From one thread at a time.
  //
  // What became of the mail is kept by the next call, since only that knows when Send ended.
  absl::Time Pump(absl::Time now);

  // Keeps what became of the mail that the last Pump sent. Before stopping: else the next process
  // sends it again. Not OK: it will.
  absl::Status Finish(absl::Time now);

  // The next Pump goes by them. From any thread.
  void SetRules(AlertRules rules);

 private:
  struct Sent {
    Mail mail = {};
    SendResult result = {};
  };

  std::shared_ptr<const AlertRules> Rules() const;
  void ForgetWaits();

  // Each is one transaction.
  absl::Status Settle(absl::Time now);
  absl::StatusOr<Decided> DecideNow(const AlertRules& rules, absl::Time now);
  absl::StatusOr<std::optional<Mail>> Claim(absl::Time now);
  absl::Status Purge(const AlertRules& rules, absl::Time now);

  absl::StatusOr<absl::Time> NextAt(const Decided& decided);

  Store& store_;
  Mailer& mailer_;
  const DispatcherHooks hooks_;
  std::mt19937_64 dice_;

  // All of this is the process's own: a new one tries again sooner, which does no harm.
  std::optional<Sent> sent_;                            // and not settled
  std::shared_ptr<const AlertRules> remembered_rules_;  // those that memory_ is of
  DecisionMemory memory_;
  bool may_have_strays_ = true;  // mails that are kSending though nobody sends them
  absl::Time last_pump_at_ = absl::InfinitePast();
  absl::Time purge_at_ = absl::InfinitePast();
  absl::Time server_quiet_until_ = absl::InfinitePast();
  absl::flat_hash_map<std::string, absl::Time> recipient_quiet_until_;
  absl::flat_hash_map<int64_t, int> refusals_;  // in a row, by mail

  mutable Mutex mutex_;
  std::shared_ptr<const AlertRules> rules_ GUARDED_BY(mutex_);
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_GROUPS_DISPATCHER_H_
