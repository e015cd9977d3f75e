// A dispatcher with a store in memory and a mail server, all in virtual time.
#ifndef TESTS_NOTIFIER_GROUPS_ALERT_WORLD_H_
#define TESTS_NOTIFIER_GROUPS_ALERT_WORLD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/notifier/groups/dispatcher.h"
#include "tests/sim/flaky_store.h"
#include "tests/sim/sim_mail.h"
#include "tests/sim/sim_store.h"

namespace understudy::testing {

// To ops@example.com, with the waits of the reference configuration and no heartbeat.
notifier::AlertRules OpsRules();

class AlertWorld {
 public:
  explicit AlertWorld(notifier::AlertRules rules = OpsRules());

  // From here on; also those that SetWaits of the store has to know.
  void SetRules(notifier::AlertRules rules);
  const notifier::AlertRules& rules() const { return rules_; }
  // As if the process had been killed and started again.
  void Restart();

  // Stores `count` events as they come in now.
  void Report(const std::string& host, int count = 1,
              notifier::Event event = {.error_code = 11200});
  // Pumps whenever the dispatcher wants to be, and leaves the clock at `end`.
  void RunUntil(absl::Time end);
  void RunFor(absl::Duration duration) { RunUntil(now + duration); }
  absl::Time Pump() { return dispatcher->Pump(now); }

  // Every mail in the store, in the order they were written.
  std::vector<notifier::Mail> Mails();
  std::vector<notifier::Group> Groups();
  std::vector<notifier::Told> ToldOf(int64_t group_id);
  // Of what was accepted, each message once.
  int64_t NewEventsTold(absl::string_view recipient);
  // "first ops@example.com: the subject" for each accepted mail.
  std::vector<std::string> Told();

  absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  const absl::Time begun_at = now;
  SimStore sim;
  FlakyStore store{sim};
  SimMail mail{now};

  // What the hooks heard.
  struct Settled {
    notifier::Mail mail = {};
    notifier::SendResult result = {};
  };
  std::vector<Settled> settled;
  std::vector<notifier::Reason> written;
  int64_t over_limit = 0;
  int store_failures = 0;

  std::unique_ptr<notifier::Dispatcher> dispatcher;
  int64_t pumps = 0;

 private:
  notifier::AlertRules rules_;
  uint64_t next_seed_ = 1;
  int64_t next_event_ = 1;
};

}  // namespace understudy::testing

#endif  // TESTS_NOTIFIER_GROUPS_ALERT_WORLD_H_
