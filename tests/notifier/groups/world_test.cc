// Worlds by seed: events, recipients whose mail servers fail in their own ways, a store that fails,
// crashes and restarts, a clock that jumps. Whatever happens, the promises of the notifier hold.
// A failure prints its seed; UNDERSTUDY_WORLD_SEED=N runs that world alone, UNDERSTUDY_WORLDS=N
// as many.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/notifier/groups/alert_world.h"

namespace understudy::notifier {
namespace {

using testing::AlertWorld;
using testing::NewEventsIn;
using testing::OpsRules;
using testing::Refused;
using testing::SimMail;
using testing::StoreFault;

constexpr unsigned kWorlds = 12;

struct Chances {
  int store_fault = 0;  // of a thousand rounds
  int kill = 0;         // between sending a mail and keeping what became of it
  int jump = 0;
  bool jumps_back = false;
};

class World {
 public:
  World(unsigned seed, const Chances& chances)
      : dice_(seed), chances_(chances), world_(MakeRules()) {
    world_.mail.Answer([this](const OutgoingMail& mail) { return Answer(mail); });
  }

  void Run() {
    const int rounds = 50 + Roll(100);
    for (int round = 0; round < rounds; ++round) {
      if (Roll(10) == 0) ChangeWeather();
      if (Happens(chances_.store_fault)) {
        world_.store.FaultAt(1 + Roll(60), static_cast<StoreFault>(Roll(4)));
      }
      if (Happens(chances_.jump)) Jump();
      if (Roll(3) != 0) Report();
      Advance(absl::Milliseconds(Roll(4) == 0 ? Roll(600'000) : Roll(20'000)));
    }
    // All is well again, and so it stays until all is said.
    weather_.clear();
    world_.store.Heal();
    chances_ = {};
    Advance(chances_jumped_back_ ? absl::Hours(48) : absl::Hours(6));
  }

  // After Run.
  void ExpectPromisesKept() {
    ExpectEveryEventToldOnce();
    ExpectSpacedAndLimited();
    ExpectSameBytes();
    ExpectNothingPending();
  }

 private:
  enum class Weather : uint8_t { kFine, kDown, kGreylisted, kRefused, kSlow, kSilent, kAmbiguous };

  int Roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(dice_); }
  bool Happens(int of_a_thousand) { return Roll(1000) < of_a_thousand; }

  AlertRules MakeRules() {
    AlertRules rules = OpsRules();
    rules.routes = {{.match = {.error_code = 11205}, .to = {"a@example.com", "b@example.com"}},
                    {.match = {.level = Level::kWarning}, .to = {"c@example.com"}},
                    {.to = {"a@example.com", "c@example.com"}}};
    rules.mail_limit.mails = 1 + Roll(6);
    rules.waits.group_wait = absl::Seconds(Roll(3) * 10);
    if (Roll(3) == 0) rules.waits.recovered_after = absl::Hours(2);
    return rules;
  }

  // Each recipient's server has its own; one that is down is down for all.
  void ChangeWeather() {
    const char* const recipients[] = {"a@example.com", "b@example.com", "c@example.com"};
    weather_[recipients[Roll(3)]] = static_cast<Weather>(Roll(7));
    if (Roll(3) == 0) weather_.clear();
  }

  SendResult Answer(const OutgoingMail& mail) {
    world_.now += absl::Milliseconds(Roll(300));
    const auto found = weather_.find(mail.recipient);
    switch (found == weather_.end() ? Weather::kFine : found->second) {
      case Weather::kFine:
        return testing::Accepted();
      case Weather::kDown:
        return testing::ServerDown();
      case Weather::kGreylisted:
        return Refused(SendState::kTemporary, SendReason::kRecipientRefused);
      case Weather::kRefused:
        return Refused(SendState::kPermanent, SendReason::kRecipientRefused);
      case Weather::kSlow:
        world_.now += absl::Seconds(Roll(60));
        return testing::Accepted();
      case Weather::kSilent:
        world_.now += absl::Seconds(60);
        return {.reason = SendReason::kTimeout, .server_failed = true};
      case Weather::kAmbiguous:
        return testing::NoReply();
    }
    return {};
  }

  // An event each sender repeats until it hears that it is stored.
  void Report() {
    const int hosts = 1 + Roll(6);
    std::vector<Event> events;
    for (int i = 0, count = 1 + Roll(20); i < count; ++i) {
      Event event;
      event.event_id = absl::StrCat("event-", ++event_number_);
      event.account_sid = "AC00000000000000000000000000000001";
      constexpr int kCodes[] = {11200, 11200, 11200, 11205, 12200};
      event.error_code = kCodes[Roll(5)];
      event.level = event.error_code == 12200 ? Level::kWarning : Level::kError;
      event.outcome = static_cast<Outcome>(Roll(kOutcomes));
      event.error_url = absl::StrCat("https://host-", Roll(hosts), ".example.com/", Roll(4));
      event.occurred_at = event.received_at = world_.now;
      events.push_back(event);
    }
    while (!world_.store.Append(events).ok()) RestartIfCrashed();
    acknowledged_ += static_cast<int64_t>(events.size());
  }

  void RestartIfCrashed() {
    if (!world_.store.crashed()) return;
    world_.store.Restart();
    world_.Restart();
    ++deaths_;
  }

  void Advance(absl::Duration duration) {
    const absl::Time end = world_.now + duration;
    while (true) {
      const size_t attempts = world_.mail.attempts().size();
      const absl::Time next = world_.Pump();
      RestartIfCrashed();
      if (world_.mail.attempts().size() > attempts && Happens(chances_.kill)) {
        world_.Restart();
        ++deaths_;
      } else if (next > end) {
        break;
      } else {
        world_.now = std::max(world_.now, next);
      }
    }
    world_.now = std::max(world_.now, end);
  }

  void Jump() {
    if (chances_.jumps_back && Roll(2) == 0) {
      world_.now -= absl::Seconds(Roll(7200));
    } else {
      world_.now += absl::Seconds(Roll(7200));
    }
  }

  void ExpectEveryEventToldOnce() {
    int64_t counted = 0;
    for (const Group& group : world_.Groups()) {
      counted += group.state.counts.total();
      const std::vector<Told> rows = world_.ToldOf(group.id);
      EXPECT_EQ(rows.size(), RecipientsOf(Rules().routes, group.key, group.state.level).size());
      for (const Told& told : rows) {
        EXPECT_EQ(told.counts, group.state.counts) << told.recipient << " of " << group.key.host;
      }
    }
    EXPECT_EQ(counted, acknowledged_);

    // What rows say was told is what mails say, delivered or dead.
    std::map<std::string, int64_t> in_rows;
    for (const Group& group : world_.Groups()) {
      for (const Told& told : world_.ToldOf(group.id))
        in_rows[told.recipient] += told.counts.total();
    }
    std::map<std::string, int64_t> in_mails;
    for (const Mail& mail : world_.Mails()) in_mails[mail.recipient] += NewEventsIn(mail.bytes);
    EXPECT_EQ(in_mails, in_rows);

    std::set<std::string> delivered;
    for (const SimMail::Attempt& attempt : world_.mail.Accepted()) {
      delivered.insert(attempt.mail.message_id);
    }
    for (const Mail& mail : world_.Mails()) {
      if (mail.state == MailState::kAccepted) {
        EXPECT_EQ(delivered.count(mail.message_id), 1U) << mail.message_id;
      }
    }
  }

  void ExpectSpacedAndLimited() {
    if (chances_jumped_back_) return;
    std::map<std::string, std::vector<absl::Time>> written;
    std::map<std::pair<int64_t, std::string>, absl::Time> last;
    for (const Mail& mail : world_.Mails()) {
      std::vector<absl::Time>& times = written[mail.recipient];
      times.push_back(mail.written_at);
      const auto limit = static_cast<size_t>(Rules().mail_limit.mails);
      if (times.size() > limit) {
        EXPECT_GE(times.back() - times[times.size() - 1 - limit], Rules().mail_limit.per)
            << mail.recipient;
      }
      if (mail.group_id == 0) continue;
      const auto [place, is_first] =
          last.try_emplace({mail.group_id, mail.recipient}, mail.written_at);
      if (is_first) continue;
      EXPECT_GE(mail.written_at - place->second, Rules().waits.group_interval) << mail.message_id;
      place->second = mail.written_at;
    }
    // What reached them is spaced as well: it counts when it was accepted. Unless the process died
    // before it could keep that, and the mail was refused when it was sent again.
    std::set<std::string> known_to_be_there;
    for (const Mail& mail : world_.Mails()) {
      if (mail.state == MailState::kAccepted) known_to_be_there.insert(mail.message_id);
    }
    std::map<std::pair<std::string, std::string>, absl::Time> reached;
    std::set<std::string> seen;
    for (const SimMail::Attempt& attempt : world_.mail.Accepted()) {
      const std::string& id = attempt.mail.message_id;
      if (id.front() != 'g' || known_to_be_there.count(id) == 0) continue;
      if (!seen.insert(id).second) continue;
      const std::pair<std::string, std::string> thread = {id.substr(0, id.find('.')),
                                                          attempt.mail.recipient};
      if (const auto before = reached.find(thread); before != reached.end()) {
        EXPECT_GE(attempt.at - before->second, Rules().waits.group_interval) << id;
      }
      reached[thread] = attempt.at;
    }
  }

  void ExpectSameBytes() {
    std::map<std::string, std::string> bytes;
    std::map<std::string, int> copies;
    for (const SimMail::Attempt& attempt : world_.mail.attempts()) {
      const auto [known, is_new] = bytes.try_emplace(attempt.mail.message_id, attempt.mail.bytes);
      EXPECT_TRUE(is_new || known->second == attempt.mail.bytes) << attempt.mail.message_id;
    }
    int doubles = 0;
    for (const SimMail::Attempt& attempt : world_.mail.Accepted()) {
      if (++copies[attempt.mail.message_id] > 1) ++doubles;
    }
    EXPECT_LE(doubles, deaths_) << "a mail is only sent twice if nobody could keep that it was";
  }

  void ExpectNothingPending() {
    for (const Mail& mail : world_.Mails()) {
      EXPECT_NE(mail.state, MailState::kDue) << mail.message_id;
      EXPECT_NE(mail.state, MailState::kSending) << mail.message_id;
    }
    for (const Group& group : world_.Groups()) {
      EXPECT_FALSE(group.state.open) << group.key.host;
      EXPECT_EQ(group.state.due_at, absl::InfiniteFuture()) << group.key.host;
      for (const Told& told : world_.ToldOf(group.id)) {
        EXPECT_FALSE(told.mail_pending) << group.key.host;
        EXPECT_FALSE(told.over_limit) << group.key.host;
      }
    }
  }

  const AlertRules& Rules() const { return world_.rules(); }

  std::mt19937 dice_;
  Chances chances_;
  const bool chances_jumped_back_ = chances_.jumps_back;
  AlertWorld world_;
  std::map<std::string, Weather> weather_;
  int64_t event_number_ = 0;
  int64_t acknowledged_ = 0;
  int deaths_ = 0;
};

void RunWorlds(const Chances& chances) {
  unsigned first = 0;
  unsigned end = kWorlds;
  if (const char* worlds = std::getenv("UNDERSTUDY_WORLDS"); worlds != nullptr) {
    ASSERT_TRUE(absl::SimpleAtoi(worlds, &end));
  }
  if (const char* seed = std::getenv("UNDERSTUDY_WORLD_SEED"); seed != nullptr) {
    ASSERT_TRUE(absl::SimpleAtoi(seed, &first));
    end = first + 1;
  }
  for (unsigned seed = first; seed < end && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    World world(seed, chances);
    world.Run();
    world.ExpectPromisesKept();
  }
}

TEST(WorldTest, WithBadMailServers) {
  RunWorlds({});
}

TEST(WorldTest, WithAStoreThatFailsAndCrashes) {
  RunWorlds({.store_fault = 300});
}

TEST(WorldTest, WithDeathsBetweenSendingAndKeepingIt) {
  RunWorlds({.store_fault = 100, .kill = 100});
}

TEST(WorldTest, WithAClockThatJumpsAhead) {
  RunWorlds({.store_fault = 50, .kill = 20, .jump = 50});
}

TEST(WorldTest, WithAClockThatIsSetBack) {
  RunWorlds({.store_fault = 50, .kill = 20, .jump = 50, .jumps_back = true});
}

}  // namespace
}  // namespace understudy::notifier
