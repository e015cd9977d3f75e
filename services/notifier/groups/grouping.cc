#include "services/notifier/groups/grouping.h"

#include <algorithm>
#include <numeric>

namespace understudy::notifier {
namespace {

// When a wait that began at `since` is over. One that seems to have begun further ahead than it is
// long was begun before the clock was set back.
absl::Time EndOfWait(absl::Time since, absl::Duration wait, absl::Time now) {
  return since > now + wait ? now : since + wait;
}

// No mail about the group reaches them before.
absl::Time EndOfInterval(const Told& told, absl::Time now, const Waits& waits) {
  return told.mails == 0 ? absl::InfinitePast()
                         : EndOfWait(told.last_mail_at, waits.group_interval, now);
}

bool HasHeard(const GroupState& state, const Told& told) {
  return told.episode == state.episode;
}

// When an event that comes now can be told to them.
absl::Time NewsDueAt(const GroupState& state, const Told& told, absl::Time now,
                     const Waits& waits) {
  const absl::Time interval_ends = EndOfInterval(told, now, waits);
  if (HasHeard(state, told)) return interval_ends;
  return std::max(interval_ends, EndOfWait(state.first_at, waits.group_wait, now));
}

// What the recipient will be told if no event comes before, and when.
struct Plan {
  Reason reason = Reason::kNone;
  absl::Time at = absl::InfiniteFuture();
};
Plan NextTold(const GroupState& state, const Told& told, absl::Time now, const Waits& waits) {
  if (told.mail_pending || state.episode == 0) return {};
  if (!state.open) {
    if (HasHeard(state, told) && told.recovered) return {};
    return {.reason = Reason::kRecovered, .at = EndOfInterval(told, now, waits)};
  }
  if (!HasHeard(state, told)) {
    return {.reason = Reason::kFirst, .at = NewsDueAt(state, told, now, waits)};
  }
  if (state.counts.Since(told.counts).total() > 0) {
    return {.reason = Reason::kNews, .at = NewsDueAt(state, told, now, waits)};
  }
  return {.reason = Reason::kReminder,
          .at = std::max(EndOfInterval(told, now, waits),
                         EndOfWait(told.last_mail_at, waits.repeat_interval, now))};
}

absl::Time RecoversAt(const GroupState& state, const Waits& waits) {
  return state.open ? state.last_at + waits.recovered_after : absl::InfiniteFuture();
}

Level Worse(Level a, Level b) {
  return a == Level::kError ? a : b;
}

}  // namespace

int64_t Counts::total() const {
  return std::accumulate(by_outcome.begin(), by_outcome.end(), int64_t{0});
}

void Counts::Add(Outcome outcome, int64_t count) {
  by_outcome[static_cast<size_t>(outcome)] += count;
}

void Counts::Add(const Counts& more) {
  for (size_t i = 0; i < by_outcome.size(); ++i) by_outcome[i] += more.by_outcome[i];
}

Counts Counts::Since(const Counts& told) const {
  Counts since;
  for (size_t i = 0; i < by_outcome.size(); ++i) {
    since.by_outcome[i] = by_outcome[i] - told.by_outcome[i];
  }
  return since;
}

const char* ReasonName(Reason reason) {
  switch (reason) {
    case Reason::kNone:
      break;
    case Reason::kFirst:
      return "first";
    case Reason::kNews:
      return "news";
    case Reason::kReminder:
      return "reminder";
    case Reason::kRecovered:
      return "recovered";
    case Reason::kSummary:
      return "summary";
    case Reason::kHeartbeat:
      return "heartbeat";
    case Reason::kTest:
      return "test";
  }
  return "none";
}

GroupState OnEvent(GroupState state, const Event& event, const Waits& waits) {
  const absl::Time at = event.received_at;
  if (!state.open || HasRecovered(state, at, waits)) {
    state.open = true;
    ++state.episode;
    state.level = event.level;
    state.counts_before = state.counts;
    state.first_at = state.last_at = at;
    state.quiet_until = at + waits.group_wait;
  } else {
    if (event.level == Level::kError && state.level != Level::kError) {
      // Errors may be others' business than warnings were.
      state.due_at = std::min(state.due_at, at + waits.group_wait);
    }
    state.level = Worse(state.level, event.level);
    state.first_at = std::min(state.first_at, at);
    const bool clock_was_set_back = state.last_at > at + waits.recovered_after;
    state.last_at = clock_was_set_back ? at : std::max(state.last_at, at);
  }
  state.counts.Add(event.outcome);

  const absl::Time quiet_at_most = at + std::max(waits.group_wait, waits.group_interval);
  const bool is_blocked = state.quiet_until == absl::InfiniteFuture();
  if (state.quiet_until > quiet_at_most && !is_blocked) state.quiet_until = at;
  state.due_at = std::min(state.due_at, std::max(at, state.quiet_until));
  return state;
}

bool HasRecovered(const GroupState& state, absl::Time now, const Waits& waits) {
  return now >= RecoversAt(state, waits);
}

GroupState OnRecovered(GroupState state) {
  state.open = false;
  return state;
}

Told Newcomer(const std::string& recipient, const GroupState& state) {
  if (state.last_mail_at == absl::InfinitePast()) return {.recipient = recipient};
  const bool is_history = !state.open && state.last_mail_at >= state.first_at;
  return {.recipient = recipient,
          .episode = is_history ? state.episode : 0,
          .recovered = is_history,
          .counts = is_history ? state.counts : state.counts_before};
}

Reason WhyDue(const GroupState& state, const Told& told, absl::Time now, const Waits& waits) {
  const Plan plan = NextTold(state, told, now, waits);
  return plan.at <= now ? plan.reason : Reason::kNone;
}

Told OnMailWritten(Told told, const GroupState& state, Reason reason, const std::string& message_id,
                   int64_t newest_event_row, absl::Time now) {
  // A summary stands for many groups: it neither begins nor continues their threads, and what
  // holds back further mails while it is pending is not this row.
  const bool is_of_group = reason != Reason::kSummary;
  if (is_of_group) {
    if (told.root_message_id.empty()) told.root_message_id = message_id;
    told.last_message_id = message_id;
  }
  ++told.mails;
  told.episode = state.episode;
  told.recovered = !state.open;
  told.counts = state.counts;
  told.last_event_row = newest_event_row;
  told.last_mail_at = now;
  told.mail_pending = is_of_group;
  told.over_limit = false;
  return told;
}

absl::Time NextLook(const GroupState& state, const Told& told, absl::Time now, const Waits& waits) {
  if (told.mail_pending || told.over_limit) return absl::InfiniteFuture();
  const absl::Time told_as_recovered_at =
      std::max(RecoversAt(state, waits), EndOfInterval(told, now, waits));
  return std::min(NextTold(state, told, now, waits).at, told_as_recovered_at);
}

GroupState OnLooked(GroupState state, absl::Span<const Told> recipients, absl::Time now,
                    const Waits& waits) {
  state.due_at = RecoversAt(state, waits);
  state.quiet_until = absl::InfiniteFuture();
  for (const Told& told : recipients) {
    if (told.mail_pending || told.over_limit) continue;
    state.due_at = std::min(state.due_at, NextLook(state, told, now, waits));
    state.quiet_until = std::min(state.quiet_until, NewsDueAt(state, told, now, waits));
  }
  return state;
}

}  // namespace understudy::notifier
