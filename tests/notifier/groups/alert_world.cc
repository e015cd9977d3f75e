#include "tests/notifier/groups/alert_world.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/testing/require.h"

namespace understudy::testing {

using notifier::AlertRules;
using notifier::Event;
using notifier::Group;
using notifier::Mail;
using notifier::Reason;
using notifier::SendResult;
using notifier::StoreTransaction;

AlertRules OpsRules() {
  return {.routes = {{.to = {"ops@example.com"}}},
          .heartbeat = absl::ZeroDuration(),
          .from = {.name = "Understudy", .address = "understudy@example.com"},
          .page_url = "https://alerts.example.com"};
}

AlertWorld::AlertWorld(AlertRules rules) : sim(rules.waits), rules_(std::move(rules)) {
  Restart();
}

void AlertWorld::SetRules(AlertRules rules) {
  rules_ = std::move(rules);
  sim.SetWaits(rules_.waits);
  dispatcher->SetRules(rules_);
}

void AlertWorld::Restart() {
  dispatcher = std::make_unique<notifier::Dispatcher>(
      store, mail, rules_,
      notifier::DispatcherHooks{
          .on_mail =
              [this](const Mail& about, const SendResult& result) {
                settled.push_back({.mail = about, .result = result});
              },
          .on_written = [this](Reason reason) { written.push_back(reason); },
          .on_over_limit = [this](int64_t groups) { over_limit += groups; },
          .on_store_failed = [this](const absl::Status&) { ++store_failures; }},
      next_seed_++);
}

void AlertWorld::Report(const std::string& host, int count, Event event) {
  std::vector<Event> events;
  for (int i = 0; i < count; ++i) {
    event.event_id = absl::StrCat("event-", next_event_++);
    event.received_at = event.occurred_at = now;
    if (event.account_sid.empty()) event.account_sid = "AC00000000000000000000000000000001";
    event.error_url = absl::StrCat("https://", host, "/voice");
    if (event.outcome == notifier::Outcome::kUnknown) {
      event.outcome = notifier::Outcome::kFallbackAnswered;
    }
    events.push_back(event);
  }
  Require(sim.Append(std::move(events)).ok(), "the store in memory keeps events");
}

void AlertWorld::RunUntil(absl::Time end) {
  int spins = 0;
  while (true) {
    ++pumps;
    const absl::Time next = Pump();
    if (next > end) break;
    if (next > now) {
      now = next;
      spins = 0;
    }
    Require(++spins < 100'000, "the dispatcher comes to rest");
  }
  now = std::max(now, end);
}

std::vector<Mail> AlertWorld::Mails() {
  std::vector<Mail> mails;
  const absl::Status read = sim.Write([&](StoreTransaction& rows) {
    for (int64_t id = 1;; ++id) {
      auto found = rows.FindMail(id);
      if (!found.has_value()) return absl::OkStatus();
      mails.push_back(*std::move(found));
    }
  });
  Require(read.ok(), "the store in memory can be read");
  return mails;
}

std::vector<Group> AlertWorld::Groups() {
  std::vector<Group> groups;
  const absl::Status read = sim.Write([&](StoreTransaction& rows) {
    for (int64_t id = 1;; ++id) {
      auto found = rows.FindGroup(id);
      if (!found.has_value()) return absl::OkStatus();
      groups.push_back(*std::move(found));
    }
  });
  Require(read.ok(), "the store in memory can be read");
  return groups;
}

std::vector<notifier::Told> AlertWorld::ToldOf(int64_t group_id) {
  std::vector<notifier::Told> told;
  const absl::Status read = sim.Write([&](StoreTransaction& rows) {
    told = rows.ToldOf(group_id);
    return absl::OkStatus();
  });
  Require(read.ok(), "the store in memory can be read");
  return told;
}

int64_t AlertWorld::NewEventsTold(absl::string_view recipient) {
  std::set<std::string> seen;
  int64_t events = 0;
  for (const SimMail::Attempt& attempt : mail.Accepted(recipient)) {
    if (seen.insert(attempt.mail.message_id).second) events += NewEventsIn(attempt.mail.bytes);
  }
  return events;
}

std::vector<std::string> AlertWorld::Told() {
  std::vector<std::string> told;
  for (const Settled& one : settled) {
    if (one.mail.state != notifier::MailState::kAccepted) continue;
    told.push_back(
        absl::StrCat(ReasonName(one.mail.reason), " ", one.mail.recipient, ": ", one.mail.subject));
  }
  return told;
}

}  // namespace understudy::testing
