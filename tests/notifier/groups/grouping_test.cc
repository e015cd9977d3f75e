#include "services/notifier/groups/grouping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"

namespace understudy::notifier {
namespace {

using ::testing::AllOf;
using ::testing::Field;

constexpr Waits kWaits = {.group_wait = absl::Seconds(10),
                          .group_interval = absl::Minutes(5),
                          .repeat_interval = absl::Hours(4),
                          .recovered_after = absl::Minutes(10)};
// Under these a group reminds before it recovers.
constexpr Waits kPatient = {.group_wait = absl::Seconds(10),
                            .group_interval = absl::Minutes(5),
                            .repeat_interval = absl::Hours(4),
                            .recovered_after = absl::Hours(24)};

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kInstant = absl::Nanoseconds(1);

absl::Time At(absl::Duration since_start) {
  return kStart + since_start;
}

Event EventAt(absl::Time at, Outcome outcome = Outcome::kFallbackAnswered,
              Level level = Level::kError) {
  return {.received_at = at, .level = level, .outcome = outcome};
}

GroupState After(const std::vector<Event>& events, const Waits& waits = kWaits) {
  GroupState state;
  for (const Event& event : events) state = OnEvent(state, event, waits);
  return state;
}

// One event at the start.
GroupState Opened(const Waits& waits = kWaits) {
  return After({EventAt(kStart)}, waits);
}

// Told of all of `state`, in a mail that was accepted.
Told ToldOf(const GroupState& state, absl::Time at) {
  Told told = OnMailWritten({.recipient = "ops@example.com"}, state, Reason::kFirst, "m1", 1, at);
  told.mail_pending = false;
  return told;
}

TEST(CountsTest, AddUp) {
  Counts counts;
  EXPECT_EQ(counts.total(), 0);
  counts.Add(Outcome::kUnknown);
  counts.Add(Outcome::kFallbackAnswered, 2);
  counts.Add(Outcome::kDefaultAnswered, 3);
  counts.Add(Outcome::kWarning, 4);
  EXPECT_EQ(counts.total(), 10);
  Counts told;
  told.Add(Outcome::kDefaultAnswered, 1);
  told.Add(Outcome::kWarning, 4);
  const Counts since = counts.Since(told);
  EXPECT_EQ(since.of(Outcome::kUnknown), 1);
  EXPECT_EQ(since.of(Outcome::kFallbackAnswered), 2);
  EXPECT_EQ(since.of(Outcome::kDefaultAnswered), 2);
  EXPECT_EQ(since.of(Outcome::kWarning), 0);
  EXPECT_EQ(counts.Since(counts), Counts());
}

TEST(ReasonTest, HasANameOfItsOwn) {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(Reason::kTest); ++i) {
    names.emplace_back(ReasonName(static_cast<Reason>(i)));
  }
  EXPECT_THAT(names, ::testing::ElementsAre("none", "first", "news", "reminder", "recovered",
                                            "summary", "heartbeat", "test"));
}

TEST(OnEventTest, TheFirstOpensTheGroup) {
  const GroupState state = Opened();
  EXPECT_TRUE(state.open);
  EXPECT_EQ(state.episode, 1);
  EXPECT_EQ(state.level, Level::kError);
  EXPECT_EQ(state.counts.of(Outcome::kFallbackAnswered), 1);
  EXPECT_EQ(state.counts_before, Counts());
  EXPECT_EQ(state.first_at, kStart);
  EXPECT_EQ(state.last_at, kStart);
  EXPECT_EQ(state.due_at, kStart + kWaits.group_wait);
  EXPECT_EQ(state.last_mail_at, absl::InfinitePast());
}

TEST(OnEventTest, FurtherOnesJoinTheEpisode) {
  const GroupState state =
      After({EventAt(kStart, Outcome::kWarning, Level::kWarning),
             EventAt(At(absl::Seconds(9)), Outcome::kUnknown, Level::kWarning)});
  EXPECT_EQ(state.episode, 1);
  EXPECT_EQ(state.level, Level::kWarning);
  EXPECT_EQ(state.counts.total(), 2);
  EXPECT_EQ(state.first_at, kStart);
  EXPECT_EQ(state.last_at, At(absl::Seconds(9)));
  EXPECT_EQ(state.due_at, kStart + kWaits.group_wait) << "the burst is not waited for anew";
}

TEST(OnEventTest, OpensAnewWhatHasRecovered) {
  const struct {
    absl::Duration silence;
    int64_t episode;
  } kRows[] = {
      {kWaits.recovered_after - kInstant, 1},
      {kWaits.recovered_after, 2},
      {absl::Hours(1000), 2},
  };
  for (const auto& row : kRows) {
    // Whether the pump has looked meanwhile or not.
    for (const bool was_closed : {false, true}) {
      GroupState state = Opened();
      if (was_closed && HasRecovered(state, At(row.silence), kWaits)) state = OnRecovered(state);
      state = OnEvent(state, EventAt(At(row.silence), Outcome::kDefaultAnswered, Level::kWarning),
                      kWaits);
      EXPECT_TRUE(state.open);
      EXPECT_EQ(state.episode, row.episode) << row.silence;
      EXPECT_EQ(state.counts.total(), 2);
      EXPECT_EQ(state.counts_before.total(), row.episode - 1);
      EXPECT_EQ(state.first_at, row.episode == 1 ? kStart : At(row.silence));
      EXPECT_EQ(state.level, row.episode == 1 ? Level::kError : Level::kWarning);
    }
  }
}

TEST(OnEventTest, MakesAQuietGroupDueAtOnceAndNoSooner) {
  GroupState state = Opened();
  const Told told = ToldOf(state, At(absl::Seconds(10)));
  state = OnLooked(state, {&told, 1}, At(absl::Seconds(10)), kWaits);
  ASSERT_EQ(state.due_at, kStart + kWaits.recovered_after);
  const absl::Time interval_ends = At(absl::Seconds(10)) + kWaits.group_interval;
  const struct {
    absl::Time at;
    absl::Time due_at;
  } kRows[] = {
      {At(absl::Seconds(11)), interval_ends},
      {interval_ends - kInstant, interval_ends},
      {interval_ends, interval_ends},
      {interval_ends + kInstant, interval_ends + kInstant},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(OnEvent(state, EventAt(row.at), kWaits).due_at, row.due_at) << row.at;
  }
}

TEST(OnEventTest, DoesNotMakeAGroupDueThatNobodyCanBeToldOf) {
  GroupState state = Opened();
  Told pending = ToldOf(state, At(absl::Seconds(10)));
  pending.mail_pending = true;
  Told waiting = ToldOf(state, At(absl::Seconds(10)));
  waiting.over_limit = true;
  const Told told[] = {pending, waiting};
  state = OnLooked(state, told, At(absl::Seconds(10)), kWaits);
  EXPECT_EQ(state.due_at, kStart + kWaits.recovered_after);
  for (int i = 0; i < 100; ++i) {
    state = OnEvent(state, EventAt(At(absl::Minutes(i))), kWaits);
    EXPECT_EQ(state.due_at, kStart + kWaits.recovered_after);
  }
}

TEST(OnEventTest, AnErrorAfterWarningsIsLookedAtSoon) {
  GroupState state = After({EventAt(kStart, Outcome::kWarning, Level::kWarning)});
  const Told told = ToldOf(state, At(absl::Seconds(10)));
  state = OnLooked(state, {&told, 1}, At(absl::Seconds(10)), kWaits);
  const absl::Time at = At(absl::Seconds(20));
  const GroupState warned = OnEvent(state, EventAt(at, Outcome::kWarning, Level::kWarning), kWaits);
  EXPECT_EQ(warned.due_at, At(absl::Seconds(10)) + kWaits.group_interval);
  const GroupState failed = OnEvent(state, EventAt(at), kWaits);
  EXPECT_EQ(failed.due_at, at + kWaits.group_wait);
  EXPECT_EQ(failed.level, Level::kError);
  EXPECT_EQ(OnEvent(failed, EventAt(at, Outcome::kWarning, Level::kWarning), kWaits).level,
            Level::kError)
      << "the worst counts";
}

TEST(OnEventTest, EventsOutOfOrderWidenTheEpisode) {
  const GroupState state = After({EventAt(kStart), EventAt(kStart - absl::Milliseconds(5))});
  EXPECT_EQ(state.first_at, kStart - absl::Milliseconds(5));
  EXPECT_EQ(state.last_at, kStart);
  EXPECT_EQ(state.episode, 1);
}

// A clock that was wrong by a day and is put right must not silence a group for a day.
TEST(OnEventTest, AClockThatIsSetBackFreezesNothing) {
  GroupState state = Opened();
  const Told told = ToldOf(state, kStart);
  state = OnLooked(state, {&told, 1}, kStart, kWaits);

  const absl::Time small_step = kStart - kWaits.recovered_after;
  EXPECT_EQ(OnEvent(state, EventAt(small_step), kWaits).last_at, kStart);
  const absl::Time earlier = kStart - absl::Hours(24);
  const GroupState stepped = OnEvent(state, EventAt(earlier), kWaits);
  EXPECT_EQ(stepped.due_at, earlier);
  EXPECT_EQ(stepped.last_at, earlier);
  EXPECT_EQ(WhyDue(stepped, told, earlier, kWaits), Reason::kNews);
  EXPECT_TRUE(HasRecovered(stepped, earlier + kWaits.recovered_after, kWaits));
}

// Same events, other order: same group.
TEST(OnEventTest, TheOrderOfEventsOfOneTimeDoesNotMatter) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 dice(seed);
    const auto roll = [&dice](int sides) {
      return std::uniform_int_distribution<int>(0, sides - 1)(dice);
    };
    GroupState in_order;
    GroupState shuffled;
    absl::Time now = kStart;
    Counts sum;
    for (int step = 0; step < 20; ++step) {
      now += absl::Seconds(roll(3) == 0 ? roll(900) : roll(5));
      std::vector<Event> burst;
      const int events = roll(8);
      for (int i = 0; i < events; ++i) {
        burst.push_back(EventAt(now, static_cast<Outcome>(roll(kOutcomes)),
                                roll(2) == 0 ? Level::kError : Level::kWarning));
        sum.Add(burst.back().outcome);
      }
      for (const Event& event : burst) in_order = OnEvent(in_order, event, kWaits);
      std::shuffle(burst.begin(), burst.end(), dice);
      for (const Event& event : burst) shuffled = OnEvent(shuffled, event, kWaits);
      ASSERT_EQ(in_order, shuffled) << "seed " << seed << ", step " << step;
      ASSERT_EQ(in_order.counts, sum) << "seed " << seed << ", step " << step;
    }
  }
}

TEST(HasRecoveredTest, AfterSilence) {
  const GroupState state = After({EventAt(kStart), EventAt(At(absl::Seconds(30)))});
  const absl::Time recovers_at = At(absl::Seconds(30)) + kWaits.recovered_after;
  EXPECT_FALSE(HasRecovered(state, recovers_at - kInstant, kWaits));
  EXPECT_TRUE(HasRecovered(state, recovers_at, kWaits));
  EXPECT_FALSE(HasRecovered(OnRecovered(state), recovers_at, kWaits)) << "it has already";
  EXPECT_FALSE(HasRecovered(GroupState(), recovers_at, kWaits)) << "nothing was ever wrong";
}

TEST(WhyDueTest, TheFirstMailWaitsForTheBurst) {
  const GroupState state = Opened();
  const Told told = Newcomer("ops@example.com", state);
  EXPECT_EQ(WhyDue(state, told, kStart + kWaits.group_wait - kInstant, kWaits), Reason::kNone);
  EXPECT_EQ(WhyDue(state, told, kStart + kWaits.group_wait, kWaits), Reason::kFirst);
  EXPECT_EQ(NextLook(state, told, kStart, kWaits), kStart + kWaits.group_wait);
  Waits hasty = kWaits;
  hasty.group_wait = absl::ZeroDuration();
  EXPECT_EQ(WhyDue(Opened(hasty), told, kStart, hasty), Reason::kFirst);
}

TEST(WhyDueTest, NewsAreSpaced) {
  GroupState state = Opened();
  const absl::Time told_at = At(absl::Seconds(10));
  const Told told = ToldOf(state, told_at);
  const absl::Time interval_ends = told_at + kWaits.group_interval;
  EXPECT_EQ(WhyDue(state, told, interval_ends, kWaits), Reason::kNone) << "nothing is new";
  EXPECT_EQ(NextLook(state, told, told_at, kWaits), kStart + kWaits.recovered_after);

  state = OnEvent(state, EventAt(At(absl::Seconds(11))), kWaits);
  EXPECT_EQ(WhyDue(state, told, interval_ends - kInstant, kWaits), Reason::kNone);
  EXPECT_EQ(WhyDue(state, told, interval_ends, kWaits), Reason::kNews);
  EXPECT_EQ(NextLook(state, told, told_at, kWaits), interval_ends);
}

TEST(WhyDueTest, RemindsOfWhatGoesOn) {
  const GroupState state = Opened(kPatient);
  const Told told = ToldOf(state, kStart);
  const absl::Time repeat_at = kStart + kPatient.repeat_interval;
  EXPECT_EQ(WhyDue(state, told, repeat_at - kInstant, kPatient), Reason::kNone);
  EXPECT_EQ(WhyDue(state, told, repeat_at, kPatient), Reason::kReminder);
  EXPECT_EQ(NextLook(state, told, kStart, kPatient), repeat_at);

  Waits often = kPatient;
  often.repeat_interval = absl::Minutes(1);
  EXPECT_EQ(NextLook(state, told, kStart, often), kStart + often.group_interval)
      << "mails about a group are never closer";
}

TEST(WhyDueTest, TellsOnceThatItHasRecovered) {
  GroupState state = Opened();
  const Told told = ToldOf(state, At(absl::Seconds(10)));
  const absl::Time recovers_at = kStart + kWaits.recovered_after;
  EXPECT_EQ(NextLook(state, told, At(absl::Seconds(10)), kWaits), recovers_at);
  state = OnRecovered(state);
  EXPECT_EQ(WhyDue(state, told, recovers_at, kWaits), Reason::kRecovered);
  Told after = OnMailWritten(told, state, Reason::kRecovered, "m2", 1, recovers_at);
  after.mail_pending = false;
  EXPECT_EQ(WhyDue(state, after, absl::InfiniteFuture(), kWaits), Reason::kNone);
  EXPECT_EQ(NextLook(state, after, recovers_at, kWaits), absl::InfiniteFuture());
}

TEST(WhyDueTest, RecoveryIsSpacedFromTheLastNews) {
  GroupState state = Opened();
  const absl::Time told_at = kStart + kWaits.recovered_after - absl::Minutes(1);
  const Told told = ToldOf(state, told_at);
  const absl::Time interval_ends = told_at + kWaits.group_interval;
  EXPECT_EQ(NextLook(state, told, told_at, kWaits), interval_ends);
  state = OnRecovered(state);
  EXPECT_EQ(WhyDue(state, told, interval_ends - kInstant, kWaits), Reason::kNone);
  EXPECT_EQ(WhyDue(state, told, interval_ends, kWaits), Reason::kRecovered);
  EXPECT_EQ(NextLook(state, told, told_at, kWaits), interval_ends);
}

TEST(WhyDueTest, ANewEpisodeIsAFirstMailAgain) {
  GroupState state = Opened();
  Told told = ToldOf(state, At(absl::Seconds(10)));
  state = OnRecovered(state);
  const absl::Time recovered_at = kStart + kWaits.recovered_after;
  told = OnMailWritten(told, state, Reason::kRecovered, "m2", 1, recovered_at);
  told.mail_pending = false;
  state = OnLooked(state, {&told, 1}, recovered_at, kWaits);

  // At once again: the mail that said it is over is too recent.
  const GroupState soon = OnEvent(state, EventAt(recovered_at + absl::Seconds(1)), kWaits);
  const absl::Time interval_ends = recovered_at + kWaits.group_interval;
  EXPECT_EQ(WhyDue(soon, told, interval_ends - kInstant, kWaits), Reason::kNone);
  EXPECT_EQ(WhyDue(soon, told, interval_ends, kWaits), Reason::kFirst);
  EXPECT_EQ(NextLook(soon, told, recovered_at + absl::Seconds(1), kWaits), interval_ends);

  const absl::Time much_later = recovered_at + absl::Hours(9);
  const GroupState later = OnEvent(state, EventAt(much_later), kWaits);
  EXPECT_EQ(NextLook(later, told, much_later, kWaits), much_later + kWaits.group_wait);
  EXPECT_EQ(later.due_at, much_later + kWaits.group_wait);
}

TEST(WhyDueTest, AnEpisodeThatWasOverBeforeTheyHeardIsToldInOneMail) {
  GroupState state = OnRecovered(Opened());
  const absl::Time now = kStart + kWaits.recovered_after;
  Told told = Newcomer("ops@example.com", state);
  EXPECT_EQ(WhyDue(state, told, now, kWaits), Reason::kRecovered);
  EXPECT_EQ(state.counts.Since(told.counts).total(), 1);
  told = OnMailWritten(told, state, Reason::kRecovered, "m1", 1, now);
  told.mail_pending = false;
  EXPECT_EQ(WhyDue(state, told, absl::InfiniteFuture(), kWaits), Reason::kNone);
}

TEST(WhyDueTest, NothingWhileTheirLastMailIsPending) {
  GroupState open = OnEvent(Opened(), EventAt(At(absl::Seconds(1))), kWaits);
  Told told = ToldOf(Opened(), kStart);
  told.mail_pending = true;
  for (const GroupState& state : {open, OnRecovered(open)}) {
    EXPECT_EQ(WhyDue(state, told, At(absl::Hours(1000)), kWaits), Reason::kNone);
    EXPECT_EQ(NextLook(state, told, kStart, kWaits), absl::InfiniteFuture());
  }
}

TEST(WhyDueTest, WhatWaitsForRoomStaysDue) {
  const GroupState state = Opened();
  Told told = Newcomer("ops@example.com", state);
  told.over_limit = true;
  EXPECT_EQ(WhyDue(state, told, kStart + kWaits.group_wait, kWaits), Reason::kFirst);
  EXPECT_EQ(NextLook(state, told, kStart, kWaits), absl::InfiniteFuture())
      << "it is served when there is room, not by looking again";
}

TEST(WhyDueTest, AClockThatIsSetBackFreezesNothing) {
  GroupState state = OnEvent(Opened(), EventAt(At(absl::Seconds(1))), kWaits);
  const Told told = ToldOf(Opened(), kStart);
  const struct {
    absl::Duration step;
    Reason reason;
  } kRows[] = {
      {kWaits.group_interval, Reason::kNone},
      {kWaits.group_interval + kInstant, Reason::kNews},
      {absl::Hours(1), Reason::kNews},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(WhyDue(state, told, kStart - row.step, kWaits), row.reason) << row.step;
  }
}

TEST(NewcomerTest, HearsOfThisEpisodeAlone) {
  GroupState state = Opened();
  state.last_mail_at = At(absl::Seconds(10));
  const absl::Time again = At(absl::Hours(1));
  state = OnEvent(OnRecovered(state), EventAt(again), kWaits);
  const Told told = Newcomer("new@example.com", state);
  EXPECT_EQ(told.recipient, "new@example.com");
  EXPECT_EQ(state.counts.Since(told.counts).total(), 1);
  EXPECT_EQ(WhyDue(state, told, again + kWaits.group_wait, kWaits), Reason::kFirst);
}

TEST(NewcomerTest, HearsAllOfWhatNobodyHasHeard) {
  GroupState state = OnEvent(Opened(), EventAt(At(absl::Hours(1))), kWaits);
  ASSERT_EQ(state.episode, 2);
  const Told told = Newcomer("ops@example.com", state);
  EXPECT_EQ(state.counts.Since(told.counts).total(), 2);
}

TEST(NewcomerTest, DoesNotHearOfWhatIsOverAndWasToldToOthers) {
  GroupState state = OnRecovered(Opened());
  state.last_mail_at = At(absl::Seconds(10));
  const Told told = Newcomer("new@example.com", state);
  EXPECT_EQ(WhyDue(state, told, absl::InfiniteFuture(), kWaits), Reason::kNone);
  EXPECT_EQ(state.counts.Since(told.counts).total(), 0);
}

TEST(OnMailWrittenTest, KeepsTheThread) {
  const GroupState state = Opened();
  Told told = OnMailWritten({.recipient = "ops@example.com", .over_limit = true}, state,
                            Reason::kFirst, "m1", 7, At(absl::Seconds(10)));
  EXPECT_EQ(told.recipient, "ops@example.com");
  EXPECT_EQ(told.root_message_id, "m1");
  EXPECT_EQ(told.last_message_id, "m1");
  EXPECT_EQ(told.mails, 1);
  EXPECT_EQ(told.episode, 1);
  EXPECT_FALSE(told.recovered);
  EXPECT_EQ(told.counts, state.counts);
  EXPECT_EQ(told.last_event_row, 7);
  EXPECT_EQ(told.last_mail_at, At(absl::Seconds(10)));
  EXPECT_TRUE(told.mail_pending);
  EXPECT_FALSE(told.over_limit);

  told = OnMailWritten(told, OnRecovered(state), Reason::kRecovered, "m2", 9, At(absl::Hours(1)));
  EXPECT_EQ(told.root_message_id, "m1");
  EXPECT_EQ(told.last_message_id, "m2");
  EXPECT_EQ(told.mails, 2);
  EXPECT_TRUE(told.recovered);
}

TEST(OnMailWrittenTest, ASummaryIsNobodysThread) {
  const Told told =
      OnMailWritten({.over_limit = true}, Opened(), Reason::kSummary, "s1", 7, kStart);
  EXPECT_EQ(told.root_message_id, "");
  EXPECT_EQ(told.last_message_id, "");
  EXPECT_FALSE(told.mail_pending);
  EXPECT_FALSE(told.over_limit);
  EXPECT_EQ(told.episode, 1);
  EXPECT_EQ(told.counts.total(), 1);
}

TEST(OnLookedTest, TheEarliestRecipientCounts) {
  GroupState state = OnEvent(Opened(), EventAt(At(absl::Seconds(1))), kWaits);
  const absl::Time now = At(absl::Minutes(4));
  const Told early = ToldOf(Opened(), At(absl::Seconds(10)));
  const Told late = ToldOf(Opened(), now);
  Told pending = early;
  pending.mail_pending = true;
  const absl::Time early_ends = At(absl::Seconds(10)) + kWaits.group_interval;
  const absl::Time recovers_at = At(absl::Seconds(1)) + kWaits.recovered_after;
  const struct {
    std::vector<Told> recipients;
    absl::Time due_at;
    absl::Time quiet_until;
  } kRows[] = {
      {{late, early}, early_ends, early_ends},
      {{late, pending}, now + kWaits.group_interval, now + kWaits.group_interval},
      {{pending}, recovers_at, absl::InfiniteFuture()},
      {{}, recovers_at, absl::InfiniteFuture()},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(OnLooked(state, row.recipients, now, kWaits),
                AllOf(Field(&GroupState::due_at, row.due_at),
                      Field(&GroupState::quiet_until, row.quiet_until)));
  }
  EXPECT_EQ(OnLooked(OnRecovered(state), {}, now, kWaits).due_at, absl::InfiniteFuture());
}

// What a recipient hears of a group, by looking whenever it is due and never else.
struct Heard {
  absl::Time at = {};
  Reason reason = Reason::kNone;
  int64_t news = 0;
};

// Random lives of a group and one recipient whose mails take random times: every event is told
// exactly once, mails are spaced, news never lie longer than they must, and the last word on a
// silent group is that it has recovered.
TEST(LifeOfAGroupTest, EveryEventIsToldOnceAndSpaced) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 dice(seed);
    const auto roll = [&dice](int sides) {
      return std::uniform_int_distribution<int>(0, sides - 1)(dice);
    };
    std::vector<absl::Time> arrivals;
    absl::Time arrives_at = kStart;
    for (int i = 0; i < 60; ++i) {
      arrives_at += absl::Seconds(roll(4) == 0 ? roll(1500) : roll(20));
      arrivals.push_back(arrives_at);
    }
    GroupState state;
    Told told;
    bool has_row = false;
    absl::Time settles_at = absl::InfiniteFuture();
    std::vector<Heard> heard;
    size_t next_arrival = 0;
    int looks = 0;
    while (true) {
      const absl::Time event_at =
          next_arrival < arrivals.size() ? arrivals[next_arrival] : absl::InfiniteFuture();
      const absl::Time now = std::min({event_at, settles_at, state.due_at});
      if (now == absl::InfiniteFuture()) break;
      if (now == event_at) {
        state = OnEvent(state, EventAt(now), kWaits);
        ++next_arrival;
        continue;
      }
      if (now == settles_at) {
        told.mail_pending = false;
        settles_at = absl::InfiniteFuture();
      }
      ++looks;
      if (HasRecovered(state, now, kWaits)) state = OnRecovered(state);
      if (!has_row) told = Newcomer("ops@example.com", state);
      has_row = true;
      const Reason reason = WhyDue(state, told, now, kWaits);
      if (reason != Reason::kNone) {
        heard.push_back(
            {.at = now, .reason = reason, .news = state.counts.Since(told.counts).total()});
        told = OnMailWritten(told, state, reason, absl::StrCat(heard.size()), 0, now);
        state.last_mail_at = now;
        settles_at = now + absl::Seconds(roll(10) == 0 ? roll(3000) : roll(5));
      }
      state = OnLooked(state, {&told, 1}, now, kWaits);
    }
    const std::string life = absl::StrCat("seed ", seed);
    int64_t sum = 0;
    for (size_t i = 0; i < heard.size(); ++i) {
      sum += heard[i].news;
      if (i > 0) {
        EXPECT_GE(heard[i].at - heard[i - 1].at, kWaits.group_interval) << life;
      }
      if (heard[i].reason == Reason::kFirst || heard[i].reason == Reason::kNews) {
        EXPECT_GT(heard[i].news, 0) << life;
      }
    }
    EXPECT_EQ(sum, static_cast<int64_t>(arrivals.size())) << life;
    ASSERT_FALSE(heard.empty()) << life;
    EXPECT_EQ(heard.back().reason, Reason::kRecovered) << life;
    EXPECT_FALSE(state.open) << life;
    // One that writes a mail, one when it is settled, and two for an episode that comes and goes
    // meanwhile.
    EXPECT_LE(looks, 4 * static_cast<int>(heard.size())) << life;
  }
}

}  // namespace
}  // namespace understudy::notifier
