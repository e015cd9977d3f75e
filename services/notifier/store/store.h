// SEAM: what the notifier keeps. SqliteStore implements it, and the tests in memory.
//
// All state is rows; what Append or Write reported as done survives the machine losing power. An
// error (kUnavailable: the disk is full, read-only, broken; kDataLoss: the file is) means that
// nothing of that call was done, except where the commit itself failed, or the disk did not answer
// in time: then it is not known, and asking again with the same event ids is harmless.
#ifndef SERVICES_NOTIFIER_STORE_STORE_H_
#define SERVICES_NOTIFIER_STORE_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/notifier/groups/grouping.h"
#include "services/notifier/ingest/event.h"

namespace understudy::notifier {

// Groups that are kept apart; events of further ones of an account fall into its "(other hosts)".
inline constexpr int64_t kMaxOpenGroups = 100000;
inline constexpr char kOtherHosts[] = "(other hosts)";

struct Group {
  int64_t id = 0;
  GroupKey key = {};
  GroupState state = {};
};

// An event, the group it fell into and its place: rows grow with time.
struct StoredEvent {
  int64_t row = 0;
  int64_t group_id = 0;
  Event event = {};
};

enum class Appended : uint8_t {
  kStored,
  kDuplicate,  // the same event was there
  kConflict,   // another event of that id was there; it stays
};

enum class MailState : uint8_t {
  kDue,
  kSending,   // an attempt has begun; found at a start, it is as after an ambiguous end
  kAccepted,  // the mail server took it
  kParked,    // the mail server refused it for good
  kExpired,   // tried for too long
};
const char* MailStateName(MailState state);

// A mail as it is kept. Written once, with the recipient's Told row and the group's; then only its
// outcome changes.
struct Mail {
  int64_t id = 0;
  int64_t group_id = 0;  // 0: of no single group
  std::string recipient = {};
  Reason reason = Reason::kNone;
  std::string message_id = {};
  std::string subject = {};  // for lists and logs
  std::string bytes = {};
  absl::Time written_at = {};
  MailState state = MailState::kDue;
  int attempts = 0;
  bool was_ambiguous = false;
  absl::Time next_attempt_at = {};
  std::string last_error = {};
  std::string reply = {};
  absl::Time settled_at = absl::InfinitePast();
};

struct UrlCount {
  std::string url = {};
  Counts counts = {};
};

// One transaction: sees what it wrote, and nobody else's writes. Verbs fail by making the whole
// transaction fail, after which they do nothing; so they need no checks. What refers to a group or
// mail that is not there fails so too, with kNotFound. Lives within Write.
class StoreTransaction {
 public:
  virtual ~StoreTransaction() = default;

  // Open or closed, due at `now`, the longest overdue first.
  virtual std::vector<Group> DueGroups(absl::Time now, int max) = 0;
  virtual std::optional<Group> FindGroup(int64_t id) = 0;
  virtual void SaveGroupState(int64_t id, const GroupState& state) = 0;

  virtual std::vector<Told> ToldOf(int64_t group_id) = 0;
  virtual void SaveTold(int64_t group_id, const Told& told) = 0;
  // Groups that wait for room under mail_limit to be told to `recipient`, by id.
  virtual std::vector<int64_t> GroupsOverLimit(const std::string& recipient, int max) = 0;
  virtual int64_t CountGroupsOverLimit(const std::string& recipient) = 0;

  // Events of the group behind `row`: the newest `max` of them, oldest first.
  virtual std::vector<StoredEvent> EventsAfter(int64_t group_id, int64_t row, int max) = 0;
  // The same by URL, at most `max_urls` of them, of the newest `max_events`: most first, then by
  // URL.
  virtual std::vector<UrlCount> CountByUrl(int64_t group_id, int64_t row, int max_events,
                                           int max_urls) = 0;
  // Also when that event is purged; 0 if there is no such group.
  virtual int64_t NewestEventRow(int64_t group_id) = 0;

  // Gives the mail its id.
  virtual int64_t AddMail(const Mail& mail) = 0;
  // The outcome fields alone: state, attempts, was_ambiguous, next_attempt_at, last_error, reply,
  // settled_at.
  virtual void SaveMailOutcome(const Mail& mail) = 0;
  virtual std::optional<Mail> FindMail(int64_t id) = 0;
  // The due mail with the earliest next_attempt_at, if that is not after `now`.
  virtual std::optional<Mail> NextDueMail(absl::Time now) = 0;
  // When mails were written to `recipient`, from `since` on, oldest first.
  virtual std::vector<absl::Time> MailsWritten(const std::string& recipient, absl::Time since) = 0;
  // Parked or expired since `since`, oldest first, for the next mail that gets through to name
  // them.
  virtual std::vector<Mail> DeadMails(absl::Time since, int max) = 0;
  // By next_attempt_at.
  virtual std::vector<Mail> MailsInState(MailState state, int max) = 0;

  // A word kept under a name, such as when the last heartbeat was written; "" if there is none.
  virtual std::string Note(const std::string& name) = 0;
  virtual void SaveNote(const std::string& name, const std::string& value) = 0;

  // Events received since `since`, for the heartbeat and for summaries.
  virtual Counts CountEvents(absl::Time since) = 0;
  virtual int64_t CountOpenGroups() = 0;

  // Deletes events received before `before`, mails settled before it, recovered groups without
  // events, mails or anybody who is still to be told, and counts of minutes and of hours that end
  // by then; at most `max` of each, the oldest first (of events, in the order of their rows).
  // Returns how many events.
  virtual int Purge(absl::Time before, int max) = 0;
};

struct EventFilter {
  std::string event_id = {};
  std::string account_sid = {};
  std::string resource_sid = {};
  std::string phone_number = {};
  int error_code = 0;
  std::string host = {};  // of its group's key
  int64_t group_id = 0;
  std::optional<Level> level = {};
  int64_t after_row = 0;
  absl::Time start = absl::InfinitePast();  // by occurred_at, inclusive
  absl::Time end = absl::InfiniteFuture();  // exclusive
  bool oldest_first = false;
};
struct GroupFilter {
  std::string account_sid = {};
  int error_code = 0;
  std::string host = {};
  int64_t group_id = 0;
  std::optional<bool> open = {};
};

// What a person looks for: what the filter says, and a URL of which they know the beginning.
struct EventSearch {
  // Without host, level, after_row and oldest_first.
  EventFilter filter = {};
  std::string host = {};        // of error_url, as in GroupKey; empty: any
  std::string url_begins = {};  // see BeginsSo
};
// Whether `url` begins with `beginning`, whatever their case; where that has no scheme, behind the
// scheme of `url`.
bool BeginsSo(absl::string_view url, absl::string_view beginning);

struct FoundEvents {
  std::vector<StoredEvent> events = {};  // newest first
  int64_t rest_before_row = 0;           // where to go on; 0: there are no more
};

// Events received in a minute, by code.
struct MinuteCounts {
  absl::Time minute = {};
  int error_code = 0;  // kOtherCodes: those that the table of codes does not have
  Counts counts = {};

  friend bool operator==(const MinuteCounts&, const MinuteCounts&) = default;
};
inline constexpr int kOtherCodes = -1;

// Events of a group received in an hour.
struct HourCount {
  int64_t group_id = 0;
  absl::Time hour = {};
  int64_t events = 0;

  friend bool operator==(const HourCount&, const HourCount&) = default;
};
// Of one group, at a time.
inline constexpr int kMaxHoursListed = 24 * 7;

// Minutes and hours since 1970, and the code under which an event is counted.
int64_t MinuteOf(absl::Time time);
int64_t HourOf(absl::Time time);
int CountedCode(int error_code);

// For metrics and health.
struct StoreStatus {
  int64_t open_groups = 0;
  int64_t recovered_groups = 0;
  int64_t due_mails = 0;                                   // due and sending
  int64_t dead_mails = 0;                                  // parked and expired
  absl::Time oldest_due_mail_at = absl::InfiniteFuture();  // written_at of those due and sending
};

class Store {
 public:
  virtual ~Store() = default;

  // Keeps `events` and folds each into its group (OnEvent), in one transaction with whatever else
  // waits to be appended. Blocks until it is durable. One result for each event, in order.
  // ResourceExhausted at once if too much waits. From any thread.
  virtual absl::StatusOr<std::vector<Appended>> Append(std::vector<Event> events) = 0;

  // Runs `work` in a transaction of its own and commits it if `work` says OK. From any thread, but
  // not from within `work`.
  virtual absl::Status Write(absl::FunctionRef<absl::Status(StoreTransaction&)> work) = 0;

  // When the next group or mail is due; InfiniteFuture if none is.
  virtual absl::StatusOr<absl::Time> NextDueAt() = 0;

  // Newest first, unless the filter says otherwise; `before_row` 0: from the newest on. For groups
  // rows are those of their last event.
  virtual absl::StatusOr<std::vector<StoredEvent>> ListEvents(const EventFilter& filter,
                                                              int64_t before_row, int max) = 0;
  // Ordered by (last event's row, id), descending, from below `before`.
  struct GroupPlace {
    int64_t last_event_row = 0;
    int64_t id = 0;
  };
  struct ListedGroup {
    Group group = {};
    GroupPlace place = {};
  };
  virtual absl::StatusOr<std::vector<ListedGroup>> ListGroups(const GroupFilter& filter,
                                                              std::optional<GroupPlace> before,
                                                              int max) = 0;

  // From `before_row` on as ListEvents, at most `max`; but after about `max_looked_at` events that
  // the narrowest condition leaves it says where to go on, however few it has found.
  virtual absl::StatusOr<FoundEvents> Search(const EventSearch& search, int64_t before_row, int max,
                                             int max_looked_at) = 0;

  virtual absl::StatusOr<std::optional<Group>> FindGroup(int64_t id) = 0;
  virtual absl::StatusOr<std::optional<StoredEvent>> FindEvent(int64_t row) = 0;

  // From the minute of `since` on, by minute and code.
  virtual absl::StatusOr<std::vector<MinuteCounts>> CountsByMinute(absl::Time since) = 0;
  // Of these groups in their order, from the hour of `since` on, by hour; hours without events are
  // left out, and those from kMaxHoursListed on.
  virtual absl::StatusOr<std::vector<HourCount>> CountsByHour(const std::vector<int64_t>& group_ids,
                                                              absl::Time since) = 0;

  virtual absl::StatusOr<StoreStatus> ReadStatus() = 0;

  // OK if the last write went well, or a new attempt does now; else why not. Never blocks long.
  virtual absl::Status Health() = 0;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_STORE_H_
