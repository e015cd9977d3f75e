#include "services/notifier/groups/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "services/notifier/groups/delivery.h"
#include "tests/notifier/groups/alert_world.h"

namespace understudy::notifier {
namespace {

using testing::AlertWorld;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::HeaderOf;
using ::testing::IsEmpty;
using testing::NewEventsIn;
using testing::NoReply;
using ::testing::Not;
using testing::OpsRules;
using testing::Refused;
using testing::ServerDown;
using testing::SimMail;
using ::testing::SizeIs;
using testing::StoreFault;
using testing::TextOf;
using ::testing::UnorderedElementsAre;

constexpr char kOps[] = "ops@example.com";
constexpr char kBoss[] = "boss@example.com";
constexpr absl::Duration kInstant = absl::Nanoseconds(1);

AlertRules OpsAndBoss() {
  AlertRules rules = OpsRules();
  rules.routes = {{.to = {kOps, kBoss}}};
  return rules;
}

std::vector<absl::Duration> TimesOf(const AlertWorld& world) {
  std::vector<absl::Duration> times;
  for (const SimMail::Attempt& attempt : world.mail.attempts()) {
    times.push_back(attempt.at - world.begun_at);
  }
  return times;
}

std::vector<Reason> ReasonsOf(AlertWorld& world) {
  std::vector<Reason> reasons;
  for (const Mail& mail : world.Mails()) reasons.push_back(mail.reason);
  return reasons;
}

TEST(DispatcherTest, RestsWhenThereIsNothing) {
  AlertWorld world;
  EXPECT_EQ(world.Pump(), world.now + kPurgeInterval);
  EXPECT_THAT(world.mail.attempts(), IsEmpty());
}

TEST(DispatcherTest, TellsOfAGroupWhenItsFirstBurstIsGathered) {
  AlertWorld world(OpsAndBoss());
  world.Report("www.example.com", 3);
  EXPECT_EQ(world.Pump(), world.begun_at + absl::Seconds(10));
  EXPECT_THAT(world.mail.attempts(), IsEmpty());
  world.RunFor(absl::Seconds(5));
  world.Report("www.example.com", 34, {.resource_sid = "CA1", .error_code = 11200});
  world.RunFor(absl::Seconds(5));
  const char kSubject[] =
      "[understudy] 11200 HTTP retrieval failure at www.example.com: 37 calls, all answered by "
      "the fallback";
  EXPECT_THAT(world.Told(), ElementsAre(absl::StrCat("first ops@example.com: ", kSubject),
                                        absl::StrCat("first boss@example.com: ", kSubject)));
  EXPECT_THAT(world.written, ElementsAre(Reason::kFirst, Reason::kFirst));
  EXPECT_THAT(TimesOf(world), Each(absl::Seconds(10)));

  const std::string& mail = world.mail.attempts()[0].mail.bytes;
  EXPECT_EQ(HeaderOf(mail, "From"), "\"Understudy\" <understudy@example.com>");
  EXPECT_EQ(HeaderOf(mail, "To"), kOps);
  EXPECT_EQ(HeaderOf(mail, "Date"), "Fri, 15 Jan 2027 08:00:10 +0000");
  EXPECT_THAT(HeaderOf(mail, "List-Id"), HasSubstr("alerts.understudy.example.com"));
  EXPECT_EQ(HeaderOf(mail, "In-Reply-To"), "");
  EXPECT_EQ(NewEventsIn(mail), 37);
  EXPECT_THAT(TextOf(mail), HasSubstr("37  https://www.example.com/voice"));
  EXPECT_THAT(TextOf(mail), HasSubstr("CA1"));
  EXPECT_THAT(TextOf(mail), HasSubstr("https://alerts.example.com/groups/1"));
}

TEST(DispatcherTest, KeepsAGroupOneThreadForEachRecipient) {
  AlertWorld world(OpsAndBoss());
  for (int i = 0; i < 3; ++i) {
    world.Report("www.example.com");
    world.RunFor(absl::Minutes(5) + absl::Seconds(10));
  }
  std::set<std::string> ids;
  for (const char* recipient : {kOps, kBoss}) {
    const std::vector<SimMail::Attempt> mails = world.mail.Accepted(recipient);
    ASSERT_THAT(mails, SizeIs(3));
    std::vector<std::string> own;
    for (const SimMail::Attempt& attempt : mails) {
      own.push_back(HeaderOf(attempt.mail.bytes, "Message-ID"));
      EXPECT_EQ(own.back(), absl::StrCat("<", attempt.mail.message_id, ">"));
      EXPECT_TRUE(ids.insert(own.back()).second) << own.back();
    }
    EXPECT_THAT(own[0], ::testing::MatchesRegex("<g1\\.1\\.[0-9a-f]{16}@example\\.com>"));
    EXPECT_EQ(HeaderOf(mails[1].mail.bytes, "In-Reply-To"), own[0]);
    EXPECT_EQ(HeaderOf(mails[1].mail.bytes, "References"), own[0]);
    EXPECT_EQ(HeaderOf(mails[2].mail.bytes, "In-Reply-To"), own[1]);
    EXPECT_THAT(HeaderOf(mails[2].mail.bytes, "References"), HasSubstr(own[0]));
  }
}

TEST(DispatcherTest, RoutesByWhatTheGroupIs) {
  AlertRules rules = OpsRules();
  rules.routes = {{.match = {.account_sid = "AC2"}, .to = {"two@example.com"}},
                  {.match = {.level = Level::kWarning}, .to = {"warned@example.com"}},
                  {.match = {.kind = Kind::kMessaging}, .to = {"sms@example.com"}},
                  {.match = {.error_code = 11210}, .to = {"dns@example.com"}},
                  {.to = {kOps, kOps}}};
  AlertWorld world(rules);
  world.Report("a.example.com", 1,
               {.account_sid = "AC2", .kind = Kind::kMessaging, .error_code = 11210});
  world.Report("b.example.com", 1, {.level = Level::kWarning, .error_code = 11210});
  world.Report("c.example.com", 1, {.kind = Kind::kMessaging, .error_code = 11210});
  world.Report("d.example.com", 1, {.error_code = 11210});
  world.Report("e.example.com", 1, {.error_code = 11200});
  world.RunFor(absl::Seconds(10));
  std::vector<std::string> recipients;
  for (const SimMail::Attempt& attempt : world.mail.Accepted()) {
    recipients.push_back(attempt.mail.recipient);
  }
  EXPECT_THAT(recipients, UnorderedElementsAre("two@example.com", "warned@example.com",
                                               "sms@example.com", "dns@example.com", kOps));
}

TEST(DispatcherTest, SaysOnceThatItIsOver) {
  AlertWorld world;
  world.Report("www.example.com", 2);
  world.RunFor(absl::Hours(24));
  EXPECT_THAT(ReasonsOf(world), ElementsAre(Reason::kFirst, Reason::kRecovered));
  EXPECT_THAT(TimesOf(world), ElementsAre(absl::Seconds(10), absl::Minutes(10)));
  EXPECT_FALSE(world.Groups()[0].state.open);
  world.Report("www.example.com");
  world.RunFor(absl::Hours(24));
  EXPECT_THAT(ReasonsOf(world),
              ElementsAre(Reason::kFirst, Reason::kRecovered, Reason::kFirst, Reason::kRecovered));
  EXPECT_EQ(world.NewEventsTold(kOps), 3);
}

TEST(DispatcherTest, RemindsOfWhatIsNotOver) {
  AlertRules rules = OpsRules();
  rules.waits.recovered_after = absl::Hours(9);
  AlertWorld world(rules);
  world.Report("www.example.com", 2);
  world.RunFor(absl::Hours(10));
  EXPECT_THAT(ReasonsOf(world), ElementsAre(Reason::kFirst, Reason::kReminder, Reason::kReminder,
                                            Reason::kRecovered));
  EXPECT_EQ(world.NewEventsTold(kOps), 2);
}

// UC-3.9
TEST(DispatcherTest, AMinuteOfErrorsIsOneMailAndThenTheRest) {
  AlertWorld world;
  for (int second = 0; second < 60; second += 3) {
    world.Report("www.example.com", 25);
    world.RunFor(absl::Seconds(3));
  }
  EXPECT_THAT(ReasonsOf(world), ElementsAre(Reason::kFirst));
  world.RunFor(absl::Hours(1));
  EXPECT_THAT(ReasonsOf(world), ElementsAre(Reason::kFirst, Reason::kNews, Reason::kRecovered));
  EXPECT_EQ(world.NewEventsTold(kOps), 500);
}

// A9
TEST(DispatcherTest, TheSameEventsMakeTheSameMails) {
  const auto run = [] {
    AlertWorld world(OpsAndBoss());
    for (int round = 0; round < 100; ++round) {
      for (int host = 0; host < 4; ++host) {
        world.Report(absl::StrCat("host-", host, ".example.com"), 25);
      }
      world.RunFor(absl::Seconds(6));
    }
    world.RunFor(absl::Hours(1));
    EXPECT_EQ(world.NewEventsTold(kOps), 10'000);
    EXPECT_EQ(world.NewEventsTold(kBoss), 10'000);
    std::map<Reason, int> reasons;
    for (const Mail& mail : world.Mails()) ++reasons[mail.reason];
    // Ten minutes: at 10 s, after 5 min, after 10 min, and when it is over; of 4 groups to 2.
    EXPECT_EQ(reasons, (std::map<Reason, int>{
                           {Reason::kFirst, 8}, {Reason::kNews, 16}, {Reason::kRecovered, 8}}));
    std::vector<std::string> bytes;
    for (const SimMail::Attempt& attempt : world.mail.attempts()) {
      bytes.push_back(attempt.mail.bytes);
    }
    return bytes;
  };
  EXPECT_EQ(run(), run());
}

// A11
TEST(DispatcherTest, TheFirstMailIsThereAfterGroupWait) {
  for (const absl::Duration wait : {absl::ZeroDuration(), absl::Seconds(1), absl::Seconds(10)}) {
    AlertRules rules = OpsRules();
    rules.waits.group_wait = wait;
    AlertWorld world(rules);
    world.Report("www.example.com");
    world.RunFor(absl::Minutes(1));
    EXPECT_THAT(TimesOf(world), ElementsAre(wait));
  }
}

// A3
TEST(DeliveryTest, OneRecipientsRefusalIsNobodyElses) {
  AlertWorld world(OpsAndBoss());
  world.mail.Answer([](const OutgoingMail& mail) {
    return mail.recipient == kBoss ? Refused(SendState::kPermanent, SendReason::kRecipientRefused)
                                   : testing::Accepted();
  });
  for (int i = 0; i < 5; ++i) world.Report(absl::StrCat("host-", i, ".example.com"));
  world.RunFor(absl::Seconds(10));
  EXPECT_EQ(world.NewEventsTold(kOps), 5);
  EXPECT_THAT(world.mail.attempts(), SizeIs(10)) << "each refused once and not tried again";
  int parked = 0;
  for (const AlertWorld::Settled& settled : world.settled) {
    if (settled.mail.state != MailState::kParked) continue;
    ++parked;
    EXPECT_EQ(settled.mail.recipient, kBoss);
    EXPECT_EQ(settled.result.reason, SendReason::kRecipientRefused);
  }
  EXPECT_EQ(parked, 5);
}

TEST(DeliveryTest, ARefusedMailIsTriedMoreAndMoreSeldom) {
  AlertWorld world;
  world.mail.Answer([](const OutgoingMail&) {
    return Refused(SendState::kTemporary, SendReason::kContentRefused);
  });
  world.Report("www.example.com");
  world.RunFor(absl::Hours(2));
  const std::vector<absl::Duration> times = TimesOf(world);
  ASSERT_GE(times.size(), 10U);
  absl::Duration longest = kRetryFirst;
  for (size_t i = 1; i < times.size(); ++i) {
    const absl::Duration wait = times[i] - times[i - 1];
    EXPECT_LE(wait, longest);
    EXPECT_GE(wait, longest * 0.8);
    longest = std::min(longest * 2, kRetryMax);
  }
  EXPECT_EQ(longest, kRetryMax);
  world.mail.Answer(nullptr);
  world.RunFor(kRetryMax);
  EXPECT_EQ(world.NewEventsTold(kOps), 1);
  std::set<std::string> bytes;
  for (const SimMail::Attempt& attempt : world.mail.attempts()) bytes.insert(attempt.mail.bytes);
  EXPECT_THAT(bytes, SizeIs(2)) << "the same mail each time, and then that it is over";
}

TEST(DeliveryTest, AGreylistedRecipientIsLeftAloneAndOthersAreNot) {
  AlertWorld world(OpsAndBoss());
  bool is_greylisted = true;
  world.mail.Answer([&](const OutgoingMail& mail) {
    return is_greylisted && mail.recipient == kBoss
               ? Refused(SendState::kTemporary, SendReason::kRecipientRefused)
               : testing::Accepted();
  });
  for (int i = 0; i < 5; ++i) world.Report(absl::StrCat("host-", i, ".example.com"));
  world.RunFor(absl::Seconds(10));
  EXPECT_EQ(world.NewEventsTold(kOps), 5);
  EXPECT_THAT(world.mail.attempts(), SizeIs(6)) << "one of five is tried";
  is_greylisted = false;
  world.RunFor(kRecipientWait - kInstant);
  EXPECT_EQ(world.NewEventsTold(kBoss), 0);
  world.RunFor(kInstant);
  EXPECT_EQ(world.NewEventsTold(kBoss), 5);
}

TEST(DeliveryTest, AFailedServerIsProbedWithOneMail) {
  AlertWorld world(OpsAndBoss());
  world.mail.Answer([](const OutgoingMail&) { return ServerDown(); });
  for (int i = 0; i < 5; ++i) world.Report(absl::StrCat("host-", i, ".example.com"));
  world.RunUntil(world.begun_at + absl::Seconds(10) + 4 * kServerWait);
  EXPECT_THAT(TimesOf(world), ElementsAre(absl::Seconds(10), absl::Seconds(40), absl::Seconds(70),
                                          absl::Seconds(100), absl::Seconds(130)));
  world.mail.Answer(nullptr);
  world.RunFor(kServerWait);
  EXPECT_EQ(world.NewEventsTold(kOps), 5);
  EXPECT_EQ(world.NewEventsTold(kBoss), 5);
}

TEST(DeliveryTest, RefusedCredentialsAreNotTriedOften) {
  AlertWorld world;
  world.mail.Answer([](const OutgoingMail&) {
    return Refused(SendState::kPermanent, SendReason::kAuthentication);
  });
  world.Report("www.example.com");
  world.RunUntil(world.begun_at + absl::Seconds(10) + absl::Minutes(10));
  EXPECT_THAT(TimesOf(world),
              ElementsAre(absl::Seconds(10), absl::Seconds(310), absl::Seconds(610)));
  EXPECT_EQ(world.Mails()[0].state, MailState::kDue) << "it is not the mail that is refused";
}

// A4
TEST(DeliveryTest, MailFlowsSoonAfterASilentServerIsBack) {
  AlertWorld world(OpsAndBoss());
  const absl::Time healthy_at = world.begun_at + absl::Seconds(30);
  world.mail.Answer([&](const OutgoingMail&) {
    if (world.now >= healthy_at) return testing::Accepted();
    world.now += absl::Seconds(15);  // the step's deadline
    SendResult silent = ServerDown();
    silent.reason = SendReason::kTimeout;
    return silent;
  });
  for (int i = 0; i < 5; ++i) world.Report(absl::StrCat("host-", i, ".example.com"));
  world.RunUntil(healthy_at + absl::Seconds(60));
  EXPECT_EQ(world.NewEventsTold(kOps), 5);
  EXPECT_EQ(world.NewEventsTold(kBoss), 5);
  EXPECT_EQ(world.mail.attempts()[1].at - world.mail.attempts()[0].at, kServerWait)
      << "counted from the end of the attempt";
}

// A5
TEST(DeliveryTest, AMailNobodyKnowsTheEndOfGoesOutAgainAsItIs) {
  AlertWorld world;
  std::set<std::string> lost;
  world.mail.Answer([&](const OutgoingMail& mail) {
    return lost.insert(mail.message_id).second ? NoReply() : testing::Accepted();
  });
  for (int i = 0; i < 100; ++i) {
    world.Report("www.example.com");
    world.RunFor(absl::Minutes(20));
  }
  EXPECT_EQ(world.NewEventsTold(kOps), 100);
  std::map<std::string, std::set<std::string>> bytes;
  std::map<std::string, int> copies;
  for (const SimMail::Attempt& attempt : world.mail.attempts()) {
    bytes[attempt.mail.message_id].insert(attempt.mail.bytes);
    ++copies[attempt.mail.message_id];
  }
  for (const auto& [id, variants] : bytes) EXPECT_THAT(variants, SizeIs(1)) << id;
  for (const auto& [id, count] : copies) EXPECT_EQ(count, 2) << id;
  for (const Mail& mail : world.Mails()) EXPECT_TRUE(mail.was_ambiguous);
}

// A6, UC-3.11
TEST(DeliveryTest, AnHourWithoutAMailServerIsCaughtUpInOneMail) {
  AlertWorld world;
  world.mail.Answer([](const OutgoingMail&) { return ServerDown(); });
  constexpr int kGroups = 10;
  for (int second = 0; second < 3600; ++second) {
    for (int host = 0; host < kGroups; ++host) {
      world.Report(absl::StrCat("host-", host, ".example.com"), 10);
    }
    world.RunFor(absl::Seconds(1));
  }
  EXPECT_LE(world.mail.attempts().size(), 3600 / 30 + 1U);
  EXPECT_EQ(world.store_failures, 0);
  EXPECT_THAT(world.Mails(), SizeIs(kGroups)) << "news gather";
  EXPECT_LE(world.pumps, 3 * 3600) << "a storm does not keep the dispatcher busy";

  world.mail.Answer(nullptr);
  const absl::Time back_at = world.now;
  world.RunFor(absl::Seconds(60));
  EXPECT_THAT(world.mail.Accepted(), SizeIs(kGroups));
  world.RunUntil(back_at + absl::Minutes(9));
  EXPECT_THAT(world.Mails(), SizeIs(2 * kGroups)) << "one catch-up for each group";
  EXPECT_EQ(world.NewEventsTold(kOps), 360'000);
  for (const AlertWorld::Settled& settled : world.settled) {
    if (settled.mail.state == MailState::kAccepted) continue;
    EXPECT_EQ(settled.result.reason, SendReason::kConnectFailed);
  }
}

TEST(DeliveryTest, AMailThatIsTooOldIsGivenUpAndNamed) {
  AlertWorld world(OpsAndBoss());
  world.mail.Answer([](const OutgoingMail& mail) {
    return mail.recipient == kBoss ? Refused(SendState::kTemporary, SendReason::kContentRefused)
                                   : testing::Accepted();
  });
  world.Report("www.example.com");
  world.RunUntil(world.begun_at + absl::Seconds(10) + kMaxMailAge - kInstant);
  EXPECT_EQ(world.Mails()[1].state, MailState::kDue);
  world.RunFor(kRetryMax);
  EXPECT_EQ(world.Mails()[1].state, MailState::kExpired);
  EXPECT_EQ(world.Mails()[1].recipient, kBoss);
  EXPECT_EQ(world.settled.back().mail.reason, Reason::kRecovered) << "what gathered is told then";

  world.Report("www.example.com");
  world.RunFor(absl::Seconds(10));
  const std::string text = TextOf(world.mail.Accepted(kOps).back().mail.bytes);
  EXPECT_THAT(text, HasSubstr("boss@example.com, given up: [understudy] 11200"));
}

TEST(DeliveryTest, AMailThatWasNeverTriedIsNotTooOld) {
  AlertWorld world;
  world.mail.Answer([](const OutgoingMail&) { return ServerDown(); });
  world.Report("a.example.com");
  world.Report("b.example.com");
  world.RunFor(absl::Seconds(10));
  world.now += absl::Hours(100);  // nobody was there
  world.Restart();
  world.mail.Answer(nullptr);
  world.RunFor(absl::Seconds(1));
  std::vector<MailState> states;
  for (const Mail& mail : world.Mails()) {
    if (mail.reason == Reason::kFirst) states.push_back(mail.state);
  }
  EXPECT_THAT(states, ElementsAre(MailState::kExpired, MailState::kAccepted));
}

// What a mail says of mails that could not be delivered, without its line breaks.
std::string DeadIn(const SimMail::Attempt& attempt) {
  const std::string text = absl::StrReplaceAll(TextOf(attempt.mail.bytes), {{"\n    ", " "}});
  const size_t begin = text.find("MAILS THAT COULD NOT BE DELIVERED");
  return begin == std::string::npos ? "" : text.substr(begin, text.find("\n\n", begin) - begin);
}

TEST(DeadMailTest, IsNamedOnceInAMailThatIsAccepted) {
  AlertWorld world(OpsAndBoss());
  bool is_down = false;
  world.mail.Answer([&](const OutgoingMail& mail) {
    if (mail.recipient == kBoss) return Refused(SendState::kPermanent, SendReason::kNone);
    return is_down ? Refused(SendState::kPermanent, SendReason::kContentRefused)
                   : testing::Accepted();
  });
  world.Report("a.example.com");
  world.RunFor(absl::Minutes(1));
  is_down = true;  // names it, and is not accepted
  world.Report("b.example.com");
  world.RunFor(absl::Minutes(1));
  is_down = false;
  world.Report("c.example.com");
  world.RunFor(absl::Minutes(1));
  world.Report("d.example.com");
  world.RunFor(absl::Seconds(10));
  const std::vector<SimMail::Attempt> accepted = world.mail.Accepted(kOps);
  ASSERT_THAT(accepted, SizeIs(3));
  constexpr char kRefused[] = "refused: [understudy] 11200 HTTP retrieval failure at ";
  EXPECT_EQ(DeadIn(accepted[0]), "");
  const std::string named = DeadIn(accepted[1]);
  EXPECT_THAT(named, HasSubstr(absl::StrCat("boss@example.com, ", kRefused, "a.example.com")));
  EXPECT_THAT(named, HasSubstr(absl::StrCat("boss@example.com, ", kRefused, "b.example.com")));
  EXPECT_THAT(named, HasSubstr(absl::StrCat("ops@example.com, ", kRefused, "b.example.com")));
  const std::string next = DeadIn(accepted[2]);
  EXPECT_THAT(next, HasSubstr(absl::StrCat("boss@example.com, ", kRefused, "c.example.com")));
  EXPECT_THAT(next, Not(HasSubstr("a.example.com")));
  EXPECT_THAT(next, Not(HasSubstr("b.example.com")));
}

TEST(MailLimitTest, TheLastMailThereIsRoomForSumsUpTheRest) {
  const struct {
    int groups;
    std::map<Reason, int> reasons;
    int64_t over_limit;
  } kRows[] = {
      {19, {{Reason::kFirst, 19}}, 0},
      {20, {{Reason::kFirst, 20}}, 0},
      {21, {{Reason::kFirst, 19}, {Reason::kSummary, 1}}, 2},
      {kMaxLooks, {{Reason::kFirst, 19}, {Reason::kSummary, 1}}, kMaxLooks - 19},
      {kMaxLooks + 1, {{Reason::kFirst, 19}, {Reason::kSummary, 1}}, kMaxLooks - 18},
  };
  for (const auto& row : kRows) {
    AlertWorld world;
    for (int i = 0; i < row.groups; ++i) {
      world.Report(absl::StrCat("host-", i, ".example.com"), i + 1);
    }
    world.RunFor(absl::Seconds(10));
    std::map<Reason, int> reasons;
    for (const Mail& mail : world.Mails()) ++reasons[mail.reason];
    EXPECT_EQ(reasons, row.reasons) << row.groups;
    EXPECT_EQ(world.over_limit, row.over_limit) << row.groups;
    EXPECT_EQ(world.NewEventsTold(kOps), row.groups * (row.groups + 1) / 2);
  }
}

TEST(MailLimitTest, OneMailAtATimeIsASummaryAtATime) {
  AlertRules rules = OpsRules();
  rules.mail_limit.mails = 1;
  AlertWorld world(rules);
  world.Report("a.example.com", 2);
  world.RunFor(absl::Seconds(10));
  EXPECT_THAT(ReasonsOf(world), ElementsAre(Reason::kFirst)) << "alone it needs no summary";
  world.Report("b.example.com", 3);
  world.Report("c.example.com", 4, {.error_code = 11205});
  world.RunUntil(world.begun_at + absl::Seconds(10) + absl::Minutes(5));
  EXPECT_THAT(ReasonsOf(world), ElementsAre(Reason::kFirst, Reason::kSummary));
  EXPECT_EQ(world.NewEventsTold(kOps), 9);
  EXPECT_EQ(world.Mails().back().subject,
            "[understudy] 2 problems, most of it 11205 HTTP connection failure at c.example.com: "
            "7 events, all answered by the fallback");
  const std::string& summary = world.mail.attempts().back().mail.bytes;
  EXPECT_THAT(TextOf(summary), HasSubstr("4  11205 HTTP connection failure at c.example.com"));
  EXPECT_THAT(TextOf(summary), HasSubstr("3  11200 HTTP retrieval failure at b.example.com"));
}

TEST(MailLimitTest, WhatHasNoRoomWaitsAndIsToldWhenThereIs) {
  AlertRules rules = OpsRules();
  rules.mail_limit.mails = 3;
  AlertWorld world(rules);
  for (int i = 0; i < 3; ++i) {
    world.Report(absl::StrCat("early-", i, ".example.com"));
    world.RunFor(absl::Seconds(20));
  }
  EXPECT_THAT(TimesOf(world), ElementsAre(absl::Seconds(10), absl::Seconds(30), absl::Seconds(50)));
  world.Report("late-0.example.com", 5);
  world.Report("late-1.example.com", 7);
  world.RunUntil(world.begun_at + absl::Seconds(310) - kInstant);
  EXPECT_THAT(world.mail.attempts(), SizeIs(3));
  EXPECT_EQ(world.over_limit, 2);
  EXPECT_TRUE(world.ToldOf(4)[0].over_limit);

  // Room for one at that moment: a summary of both. More is counted up to the moment it is told.
  world.Report("late-1.example.com", 1);
  world.RunFor(kInstant);
  EXPECT_THAT(world.mail.attempts(), SizeIs(4));
  EXPECT_EQ(NewEventsIn(world.mail.attempts().back().mail.bytes), 13);
  EXPECT_FALSE(world.ToldOf(4)[0].over_limit);
  world.RunFor(absl::Hours(1));
  EXPECT_EQ(world.NewEventsTold(kOps), 16);
}

TEST(MailLimitTest, WhatWaitedAndRecoveredIsToldAsRecovered) {
  AlertRules rules = OpsRules();
  rules.mail_limit = {.mails = 1, .per = absl::Minutes(30)};
  AlertWorld world(rules);
  world.Report("a.example.com");
  world.RunFor(absl::Minutes(1));
  world.Report("b.example.com");
  world.RunFor(absl::Minutes(20));
  EXPECT_THAT(world.mail.attempts(), SizeIs(1));
  world.RunUntil(world.begun_at + absl::Seconds(10) + absl::Minutes(30));
  const std::string text = TextOf(world.mail.attempts().back().mail.bytes);
  EXPECT_THAT(text, HasSubstr("0  11200 HTTP retrieval failure at a.example.com"));
  EXPECT_THAT(text, HasSubstr("1  11200 HTTP retrieval failure at b.example.com"));
  EXPECT_THAT(text, HasSubstr("recovered"));
  EXPECT_THAT(world.Groups()[1].state.due_at, absl::InfiniteFuture()) << "and that is all";
}

TEST(MailLimitTest, WhileASummaryIsPendingNewsGather) {
  AlertRules rules = OpsRules();
  rules.mail_limit.mails = 2;
  AlertWorld world(rules);
  world.mail.Answer([](const OutgoingMail&) { return ServerDown(); });
  for (int minute = 0; minute < 60; ++minute) {
    for (int i = 0; i < 5; ++i) world.Report(absl::StrCat("host-", i, ".example.com"));
    world.RunFor(absl::Minutes(1));
  }
  EXPECT_THAT(ReasonsOf(world), ElementsAre(Reason::kFirst, Reason::kSummary));
  world.mail.Answer(nullptr);
  world.RunFor(absl::Hours(1));
  EXPECT_EQ(world.NewEventsTold(kOps), 300);
  EXPECT_LE(world.Mails().size(), 7U) << "catch-ups, and that it is over";
}

// More mails than one decision writes, to many: it takes several, and comes out the same.
TEST(MailLimitTest, ADecisionIsBoundedAndTheNextGoesOn) {
  AlertRules rules = OpsRules();
  rules.mail_limit.mails = 100;
  rules.routes = {{}};
  for (int i = 0; i < 3; ++i) {
    rules.routes[0].to.push_back(absl::StrCat("person-", i, "@example.com"));
  }
  AlertWorld world(rules);
  for (int i = 0; i < 101; ++i) world.Report(absl::StrCat("host-", i, ".example.com"));
  world.now += absl::Seconds(10);
  size_t written = 0;
  for (int pump = 0; pump < 400; ++pump) {
    world.Pump();
    EXPECT_LE(world.written.size() - written, kMaxMailsAtOnce + rules.routes[0].to.size() - 1);
    written = world.written.size();
  }
  EXPECT_EQ(written, 300U);
  for (const std::string& person : rules.routes[0].to) {
    EXPECT_EQ(world.NewEventsTold(person), 101);
    EXPECT_THAT(world.mail.Accepted(person), SizeIs(100));
  }
}

TEST(MailLimitTest, EachRecipientHasTheirOwn) {
  AlertRules rules = OpsRules();
  rules.mail_limit.mails = 2;
  rules.routes = {{.match = {.error_code = 11205}, .to = {kOps, kBoss}}, {.to = {kOps}}};
  AlertWorld world(rules);
  for (int i = 0; i < 3; ++i) world.Report(absl::StrCat("host-", i, ".example.com"));
  world.Report("host-3.example.com", 1, {.error_code = 11205});
  world.RunFor(absl::Seconds(10));
  EXPECT_THAT(world.mail.Accepted(kBoss), SizeIs(1));
  EXPECT_THAT(world.mail.Accepted(kOps), SizeIs(2));
  EXPECT_EQ(world.NewEventsTold(kBoss), 1);
  EXPECT_EQ(world.NewEventsTold(kOps), 4);
}

// A7
TEST(MailLimitTest, AStormOfGroupsIsAFewMailsThatCountEverything) {
  AlertWorld world;
  for (int second = 0; second < 10; ++second) {
    for (int group = 0; group < 5000; ++group) {
      world.Report(absl::StrCat("host-", group, ".example.com"), 2);
    }
    world.RunFor(absl::Seconds(1));
  }
  const absl::Time calm_at = world.now;
  world.RunUntil(calm_at + absl::Minutes(4));
  EXPECT_LE(world.Mails().size(), 20U);
  world.RunFor(absl::Hours(2));
  EXPECT_EQ(world.NewEventsTold(kOps), 100'000);
  std::vector<absl::Time> written;
  for (const Mail& mail : world.Mails()) written.push_back(mail.written_at);
  for (size_t i = 20; i < written.size(); ++i) {
    EXPECT_GE(written[i] - written[i - 20], absl::Minutes(5)) << i;
  }
}

TEST(HeartbeatTest, ComesWhetherThereIsNewsOrNot) {
  AlertRules rules = OpsRules();
  rules.heartbeat = absl::Hours(24);
  rules.routes = {{.match = {.error_code = 11205}, .to = {kBoss}}, {.to = {kOps}}};
  AlertWorld world(rules);
  world.RunFor(absl::Hours(24) - kInstant);
  EXPECT_THAT(world.mail.attempts(), IsEmpty());
  world.RunFor(kInstant);
  EXPECT_THAT(world.Told(), ElementsAre("heartbeat ops@example.com: [understudy] All is well: no "
                                        "events in 24 h"));
  world.Restart();
  world.RunFor(absl::Hours(24) - absl::Minutes(1));
  EXPECT_THAT(world.mail.attempts(), SizeIs(1)) << "a restart changes nothing";
  world.Report("www.example.com", 3);
  world.RunFor(absl::Minutes(1));
  EXPECT_THAT(world.Told().back(), HasSubstr("Still watching: 3 events in 24 h, 1 not over"));
}

TEST(HeartbeatTest, IsOffAtZero) {
  AlertWorld world;
  world.RunFor(absl::Hours(100));
  EXPECT_THAT(world.mail.attempts(), IsEmpty());
}

TEST(HeartbeatTest, WaitsForRoom) {
  AlertRules rules = OpsRules();
  rules.heartbeat = absl::Hours(1);
  rules.mail_limit.mails = 1;
  AlertWorld world(rules);
  world.RunFor(absl::Minutes(59));
  world.Report("www.example.com");
  world.RunFor(absl::Minutes(2));
  EXPECT_THAT(ReasonsOf(world), ElementsAre(Reason::kFirst));
  world.RunUntil(world.begun_at + absl::Minutes(64) + absl::Seconds(10));
  EXPECT_THAT(ReasonsOf(world), ElementsAre(Reason::kFirst, Reason::kHeartbeat));
}

TEST(RestartTest, WhatWasBeingSentIsSentAgainAsItIs) {
  AlertWorld world;
  world.Report("www.example.com");
  world.RunUntil(world.begun_at + absl::Seconds(10) - kInstant);
  world.now += kInstant;
  world.Pump();  // sends, and dies before it can keep that
  ASSERT_THAT(world.mail.attempts(), SizeIs(1));
  world.Restart();
  world.RunFor(absl::Seconds(1));
  ASSERT_THAT(world.mail.attempts(), SizeIs(2));
  EXPECT_EQ(world.mail.attempts()[0].mail.bytes, world.mail.attempts()[1].mail.bytes);
  EXPECT_TRUE(world.Mails()[0].was_ambiguous);
  EXPECT_EQ(world.Mails()[0].attempts, 2);
}

TEST(RestartTest, WhatWasKeptAtTheEndIsNot) {
  AlertWorld world;
  world.Report("www.example.com");
  world.RunUntil(world.begun_at + absl::Seconds(10) - kInstant);
  world.now += kInstant;
  world.Pump();
  EXPECT_TRUE(world.dispatcher->Finish(world.now).ok());
  EXPECT_TRUE(world.dispatcher->Finish(world.now).ok()) << "nothing is left to keep";
  world.Restart();
  world.RunFor(absl::Seconds(1));
  EXPECT_THAT(world.mail.attempts(), SizeIs(1));
}

TEST(RulesTest, NewRecipientsHearOfWhatGoesOn) {
  AlertWorld world;
  world.Report("old.example.com", 2);
  world.RunFor(absl::Hours(1));
  world.Report("www.example.com", 3);
  world.RunFor(absl::Minutes(1));
  world.SetRules(OpsAndBoss());
  world.Report("www.example.com", 4);
  world.RunFor(absl::Hours(1));
  EXPECT_EQ(world.NewEventsTold(kOps), 9);
  EXPECT_EQ(world.NewEventsTold(kBoss), 7) << "of this episode, and nothing of what is over";
}

TEST(RulesTest, OldRecipientsHearNoMore) {
  AlertWorld world(OpsAndBoss());
  world.Report("www.example.com", 3);
  world.RunFor(absl::Minutes(1));
  world.SetRules(OpsRules());
  world.Report("www.example.com", 4);
  world.RunFor(absl::Hours(1));
  EXPECT_EQ(world.NewEventsTold(kBoss), 3);
  EXPECT_EQ(world.NewEventsTold(kOps), 7);
}

TEST(PurgeTest, ForgetsWhatIsOlderThanItsRetention) {
  AlertRules rules = OpsRules();
  rules.retention = absl::Hours(24);
  AlertWorld world(rules);
  world.Report("www.example.com", 2 * kMaxEventsPurged + 1);
  world.RunFor(absl::Hours(24));
  EXPECT_THAT(world.Groups(), SizeIs(1));
  world.RunFor(absl::Minutes(2));
  EXPECT_EQ(world.sim.ListEvents({}, 0, 10)->size(), 0U);
  world.RunFor(absl::Hours(1));
  EXPECT_THAT(world.sim.ListGroups({}, std::nullopt, 10).value(), IsEmpty());
}

TEST(ClockTest, SetBackFreezesNoMail) {
  AlertWorld world;
  world.mail.Answer([](const OutgoingMail&) { return ServerDown(); });
  world.Report("a.example.com");
  world.RunFor(absl::Minutes(1));
  world.now -= absl::Hours(1);
  world.mail.Answer(nullptr);
  world.Report("b.example.com");
  world.RunFor(absl::Minutes(1));
  EXPECT_EQ(world.NewEventsTold(kOps), 2);
}

// At every single operation of a small life, every way a store can fail there: each event is told
// once, and no mail is sent twice unless the process died between sending and keeping that.
class EveryFaultTest : public ::testing::TestWithParam<StoreFault> {};

TEST_P(EveryFaultTest, NothingIsLostOrDoubledWhereverItFalls) {
  const auto live = [fault = GetParam()](int64_t nth) {
    AlertRules rules = OpsAndBoss();
    rules.waits = {.group_wait = absl::Seconds(1),
                   .group_interval = absl::Seconds(20),
                   .repeat_interval = absl::Hours(4),
                   .recovered_after = absl::Seconds(40)};
    rules.mail_limit = {.mails = 2, .per = absl::Seconds(20)};
    AlertWorld world(rules);
    std::set<std::string> refused;
    world.mail.Answer([&](const OutgoingMail& mail) {
      return mail.recipient == kBoss && refused.insert(mail.message_id).second
                 ? Refused(SendState::kTemporary, SendReason::kContentRefused)
                 : testing::Accepted();
    });
    const std::string life = absl::StrCat("fault ", static_cast<int>(fault), " at ", nth);
    world.store.FaultAt(nth, fault);
    int crashes = 0;
    const auto run_for = [&](absl::Duration duration) {
      const absl::Time end = world.now + duration;
      while (true) {
        const absl::Time next = world.Pump();
        if (world.store.crashed()) {
          ++crashes;
          world.store.Restart();
          world.Restart();
        } else if (next > end) {
          world.now = end;
          return;
        } else {
          world.now = std::max(world.now, next);
        }
      }
    };
    // Three groups where there is room for two mails, then news of one of them.
    for (int i = 0; i < 3; ++i) world.Report(absl::StrCat("host-", i, ".example.com"), 2);
    run_for(absl::Seconds(5));
    world.Report("host-0.example.com", 6);
    run_for(absl::Minutes(3));
    const int64_t operations = world.store.operations();
    for (const char* recipient : {kOps, kBoss}) {
      EXPECT_EQ(world.NewEventsTold(recipient), 12) << life << " " << recipient;
      std::set<std::string> seen;
      int doubles = 0;
      for (const SimMail::Attempt& attempt : world.mail.Accepted(recipient)) {
        if (!seen.insert(attempt.mail.message_id).second) ++doubles;
      }
      EXPECT_LE(doubles, crashes) << life;
    }
    for (const Mail& mail : world.Mails()) EXPECT_EQ(mail.state, MailState::kAccepted) << life;
    return operations;
  };
  const int64_t operations = live(0);
  ASSERT_GT(operations, 100);
  for (int64_t nth = 1; nth <= operations && !HasFailure(); ++nth) live(nth);
}

INSTANTIATE_TEST_SUITE_P(All, EveryFaultTest,
                         ::testing::Values(StoreFault::kFailBefore, StoreFault::kFailAfter,
                                           StoreFault::kCrashBefore, StoreFault::kCrashAfter));

TEST(StoreFaultTest, AStoreThatIsDownIsAskedAgain) {
  AlertWorld world;
  world.Report("www.example.com");
  world.store.FailAlways(absl::UnavailableError("the disk is full"));
  world.RunFor(absl::Seconds(30));
  EXPECT_EQ(world.store_failures, 31);
  EXPECT_THAT(world.mail.attempts(), IsEmpty());
  world.store.Heal();
  world.RunFor(kStoreWait);
  EXPECT_EQ(world.NewEventsTold(kOps), 1);
}

TEST(StoreFaultTest, AnOutcomeThatCannotBeKeptIsKeptLaterAndNotSentAgain) {
  AlertWorld world;
  world.Report("www.example.com");
  world.RunUntil(world.begun_at + absl::Seconds(10) - kInstant);
  world.now += kInstant;
  world.Pump();
  world.store.FailAlways(absl::UnavailableError("the disk is full"));
  world.RunFor(absl::Hours(1));
  world.store.Heal();
  world.RunFor(absl::Seconds(1));
  EXPECT_EQ(world.Mails()[0].state, MailState::kAccepted);
  EXPECT_EQ(world.Mails()[0].attempts, 1);
}

}  // namespace
}  // namespace understudy::notifier
