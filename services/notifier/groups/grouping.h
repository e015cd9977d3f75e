// When operators hear of a group of events. Pure: events, times and what was told before go in;
// what to tell, and when to look again, comes out.
//
// The waits are Alertmanager's: group_wait gathers the first burst, group_interval spaces news of a
// known group, repeat_interval reminds of one that goes on without news. A group without an event
// for recovered_after has recovered; the next event opens it anew.
//
// Times come from a clock that may be set back: a wait that would then last longer than twice its
// length is taken to be over.
#ifndef SERVICES_NOTIFIER_GROUPS_GROUPING_H_
#define SERVICES_NOTIFIER_GROUPS_GROUPING_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "services/notifier/ingest/event.h"

namespace understudy::notifier {

struct Waits {
  absl::Duration group_wait = absl::Seconds(10);
  absl::Duration group_interval = absl::Minutes(5);
  absl::Duration repeat_interval = absl::Hours(4);
  absl::Duration recovered_after = absl::Minutes(10);
};

// Events by what became of the caller.
struct Counts {
  std::array<int64_t, kOutcomes> by_outcome = {};

  int64_t total() const;
  int64_t of(Outcome outcome) const { return by_outcome[static_cast<size_t>(outcome)]; }
  void Add(Outcome outcome, int64_t count = 1);
  void Add(const Counts& more);
  // REQUIRES: `told` was counted before.
  Counts Since(const Counts& told) const;

  friend bool operator==(const Counts&, const Counts&) = default;
};

// A group's own side: what happened. One row.
struct GroupState {
  bool open = false;
  int64_t episode = 0;                         // how often it was opened
  Level level = Level::kWarning;               // the worst of this episode
  Counts counts = {};                          // of all episodes
  Counts counts_before = {};                   // of those before this one
  absl::Time first_at = absl::InfinitePast();  // of this episode; by received_at, as are all
  absl::Time last_at = absl::InfinitePast();
  absl::Time last_mail_at = absl::InfinitePast();  // written for anyone
  absl::Time due_at = absl::InfiniteFuture();      // when to look at it
  // Nobody can be told of anything new before: their last mail is too recent, or pending, or there
  // is no room for another. Events do not make the group due any sooner, so that a storm during an
  // outage does not have it looked at over and over.
  absl::Time quiet_until = absl::InfinitePast();

  friend bool operator==(const GroupState&, const GroupState&) = default;
};

// A recipient's side: what they were told. One row for each group and recipient.
struct Told {
  std::string recipient = {};
  std::string root_message_id = {};  // of the first mail about the group: the thread's root
  std::string last_message_id = {};
  int64_t mails = 0;
  int64_t episode = 0;         // the last that was told of
  bool recovered = false;      // and that it has recovered
  Counts counts = {};          // events told of; a mail tells when it is written
  int64_t last_event_row = 0;  // the newest event told of, as the store numbers them
  absl::Time last_mail_at = absl::InfinitePast();  // written or, later, accepted
  bool mail_pending = false;                       // its last mail is neither accepted nor given up
  bool over_limit = false;                         // a mail was due and mail_limit had no room

  friend bool operator==(const Told&, const Told&) = default;
};

// Why a mail is written.
enum class Reason : uint8_t {
  kNone,
  kFirst,      // of this episode
  kNews,       // events since the last mail
  kReminder,   // none, but it is not over
  kRecovered,  // it is
  kSummary,    // of many groups, instead of mails over mail_limit
  kHeartbeat,  // nothing is wrong
  kTest,
};
// "first", "news", ...: for labels, logs and mails.
const char* ReasonName(Reason reason);

// The group after one more event. The order of events with equal received_at does not matter.
GroupState OnEvent(GroupState state, const Event& event, const Waits& waits);

// Whether the group has recovered by `now`, and the group then.
bool HasRecovered(const GroupState& state, absl::Time now, const Waits& waits);
GroupState OnRecovered(GroupState state);

// The row of a recipient who has none. If others have heard of the group, episodes before this one
// are history to them, and so is this one if it is over and others have heard of it.
Told Newcomer(const std::string& recipient, const GroupState& state);

// What is due to a recipient at `now`, HasRecovered having been heeded. None while their last mail
// is pending: news gather, and go out as one mail when it is settled. Mails to a recipient are
// group_interval apart, whatever their reasons. An episode that was over before they heard of it is
// told in one mail, as recovered.
Reason WhyDue(const GroupState& state, const Told& told, absl::Time now, const Waits& waits);

// The recipient after a mail of that reason was written at `now`.
Told OnMailWritten(Told told, const GroupState& state, Reason reason, const std::string& message_id,
                   int64_t newest_event_row, absl::Time now);

// When WhyDue may next be something for this recipient, if no event comes before; never while a
// mail is pending or waits for room.
absl::Time NextLook(const GroupState& state, const Told& told, absl::Time now, const Waits& waits);

// The group after it was looked at: due_at and quiet_until follow from what its recipients were
// told.
GroupState OnLooked(GroupState state, absl::Span<const Told> recipients, absl::Time now,
                    const Waits& waits);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_GROUPS_GROUPING_H_
