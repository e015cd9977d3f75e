#include "services/notifier/store/rows.h"

#include "common/twilio/form.h"
#include "services/notifier/store/event_blocks.h"
#include "services/notifier/store/event_details.h"

namespace understudy::notifier {
namespace {

// Numbers that are on disks: new words go at the end.
static_assert(static_cast<int>(Kind::kVoice) == 0 && static_cast<int>(Kind::kMessaging) == 1);
static_assert(static_cast<int>(Level::kError) == 0 && static_cast<int>(Level::kWarning) == 1);
static_assert(static_cast<int>(Target::kUnspecified) == 0 &&
              static_cast<int>(Target::kPrimary) == 1 && static_cast<int>(Target::kFallback) == 2);
static_assert(static_cast<int>(Outcome::kUnknown) == 0 &&
              static_cast<int>(Outcome::kFallbackAnswered) == 1 &&
              static_cast<int>(Outcome::kDefaultAnswered) == 2 &&
              static_cast<int>(Outcome::kWarning) == 3 && kOutcomes == 4);
static_assert(static_cast<int>(Phase::kNone) == 0 && static_cast<int>(Phase::kPolicy) == 1 &&
              static_cast<int>(Phase::kDns) == 2 && static_cast<int>(Phase::kConnect) == 3 &&
              static_cast<int>(Phase::kTls) == 4 && static_cast<int>(Phase::kSend) == 5 &&
              static_cast<int>(Phase::kHeaders) == 6 && static_cast<int>(Phase::kBody) == 7 &&
              static_cast<int>(Phase::kProtocol) == 8 && static_cast<int>(Phase::kStatus) == 9 &&
              static_cast<int>(Phase::kRedirect) == 10 && static_cast<int>(Phase::kContent) == 11 &&
              static_cast<int>(Phase::kParse) == 12);
static_assert(static_cast<int>(Reason::kNone) == 0 && static_cast<int>(Reason::kFirst) == 1 &&
              static_cast<int>(Reason::kNews) == 2 && static_cast<int>(Reason::kReminder) == 3 &&
              static_cast<int>(Reason::kRecovered) == 4 &&
              static_cast<int>(Reason::kSummary) == 5 &&
              static_cast<int>(Reason::kHeartbeat) == 6 && static_cast<int>(Reason::kTest) == 7);
// The schema's indexes of mails rest on these, too.
static_assert(static_cast<int>(MailState::kDue) == 0 &&
              static_cast<int>(MailState::kSending) == 1 &&
              static_cast<int>(MailState::kAccepted) == 2 &&
              static_cast<int>(MailState::kParked) == 3 &&
              static_cast<int>(MailState::kExpired) == 4);

Counts ReadCounts(Rows& rows) {
  Counts counts;
  for (int64_t& count : counts.by_outcome) count = rows.Int();
  return counts;
}

}  // namespace

const absl::string_view kStoredEventColumns =
    "row, group_id, event_id, occurred_at, received_at, account_sid, kind, phone_number, "
    "resource_sid, level, error_code, error_url, target, outcome, phase, http_status, detail, "
    "elapsed, attempt_count, resolution_id, response_excerpt, request_method, parameters, "
    "request_headers, response_headers, attempts";

const absl::string_view kJoinDetails = " LEFT JOIN event_details ON event_row = e.row";

const absl::string_view kGroupColumns =
    "id, account_sid, kind, error_code, host, open, episode, level, unknown_count, "
    "fallback_answered_count, default_answered_count, warning_count, unknown_count_before, "
    "fallback_answered_count_before, default_answered_count_before, warning_count_before, "
    "first_at, last_at, last_mail_at, due_at, quiet_until";

const absl::string_view kToldColumns =
    "recipient, root_message_id, last_message_id, mails, episode, recovered, unknown_count, "
    "fallback_answered_count, default_answered_count, warning_count, last_event_row, "
    "last_mail_at, mail_pending, over_limit";

const absl::string_view kMailColumns =
    "id, group_id, recipient, reason, message_id, subject, bytes, written_at, state, attempts, "
    "was_ambiguous, next_attempt_at, last_error, reply, settled_at";

// Initializers are evaluated in their order, which is that of the columns.

StoredEvent ReadStoredEvent(Rows& rows) {
  return {.row = rows.Int(),
          .group_id = rows.Int(),
          .event = {.event_id = rows.Text(),
                    .occurred_at = rows.Time(),
                    .received_at = rows.Time(),
                    .account_sid = rows.Text(),
                    .kind = rows.Word(Kind::kMessaging),
                    .phone_number = rows.Text(),
                    .resource_sid = rows.Text(),
                    .level = rows.Word(Level::kWarning),
                    .error_code = static_cast<int>(rows.Int()),
                    .error_url = rows.Text(),
                    .target = rows.Word(Target::kFallback),
                    .outcome = rows.Word(Outcome::kWarning),
                    .phase = rows.Word(Phase::kParse),
                    .http_status = static_cast<int>(rows.Int()),
                    .detail = rows.Text(),
                    .elapsed = rows.Duration(),
                    .attempt_count = static_cast<int>(rows.Int()),
                    .resolution_id = rows.Text(),
                    .response_excerpt = rows.Text(),
                    .request_method = rows.Word(Method::kPost),
                    .parameters = twilio::DecodeForm(rows.Text()),
                    .request_headers = twilio::DecodeForm(rows.Text()),
                    .response_headers = twilio::DecodeForm(rows.Text()),
                    .attempts = DecodeAttempts(rows.Text())}};
}

Group ReadGroup(Rows& rows) {
  return {.id = rows.Int(),
          .key = {.account_sid = rows.Text(),
                  .kind = rows.Word(Kind::kMessaging),
                  .error_code = static_cast<int>(rows.Int()),
                  .host = rows.Text()},
          .state = {.open = rows.Bool(),
                    .episode = rows.Int(),
                    .level = rows.Word(Level::kWarning),
                    .counts = ReadCounts(rows),
                    .counts_before = ReadCounts(rows),
                    .first_at = rows.Time(),
                    .last_at = rows.Time(),
                    .last_mail_at = rows.Time(),
                    .due_at = rows.Time(),
                    .quiet_until = rows.Time()}};
}

Told ReadTold(Rows& rows) {
  return {.recipient = rows.Text(),
          .root_message_id = rows.Text(),
          .last_message_id = rows.Text(),
          .mails = rows.Int(),
          .episode = rows.Int(),
          .recovered = rows.Bool(),
          .counts = ReadCounts(rows),
          .last_event_row = rows.Int(),
          .last_mail_at = rows.Time(),
          .mail_pending = rows.Bool(),
          .over_limit = rows.Bool()};
}

Mail ReadMail(Rows& rows) {
  return {.id = rows.Int(),
          .group_id = rows.Int(),
          .recipient = rows.Text(),
          .reason = rows.Word(Reason::kTest),
          .message_id = rows.Text(),
          .subject = rows.Text(),
          .bytes = rows.Text(),
          .written_at = rows.Time(),
          .state = rows.Word(MailState::kExpired),
          .attempts = static_cast<int>(rows.Int()),
          .was_ambiguous = rows.Bool(),
          .next_attempt_at = rows.Time(),
          .last_error = rows.Text(),
          .reply = rows.Text(),
          .settled_at = rows.Time()};
}

namespace {

void InsertDetails(Connection& connection, int64_t row, const Event& event) {
  const std::string parameters = twilio::EncodeForm(event.parameters);
  const std::string request_headers = twilio::EncodeForm(event.request_headers);
  const std::string response_headers = twilio::EncodeForm(event.response_headers);
  const std::string attempts = EncodeAttempts(event.attempts);
  connection.Run(
      "INSERT INTO event_details (event_row, request_method, parameters, request_headers, "
      "response_headers, attempts) VALUES (?, ?, ?, ?, ?, ?)",
      row, event.request_method, OptionalText{parameters}, OptionalText{request_headers},
      OptionalText{response_headers}, OptionalText{attempts});
}

}  // namespace

void InsertEvent(Connection& connection, int64_t row, int64_t group_id, int64_t fingerprint,
                 const Event& event) {
  connection.Run(
      "INSERT INTO events (row, block, event_id, fingerprint, group_id, occurred_at, received_at, "
      "account_sid, kind, phone_number, resource_sid, level, error_code, error_url, target, "
      "outcome, phase, http_status, detail, elapsed, attempt_count, resolution_id, "
      "response_excerpt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "?)",
      row, BlockOf(row), event.event_id, fingerprint, group_id, event.occurred_at,
      event.received_at, event.account_sid, event.kind, OptionalText{event.phone_number},
      OptionalText{event.resource_sid}, event.level, event.error_code, event.error_url,
      event.target, event.outcome, event.phase, event.http_status, event.detail, event.elapsed,
      event.attempt_count, event.resolution_id, event.response_excerpt);
  if (HasDetails(event)) InsertDetails(connection, row, event);
}

int64_t InsertGroup(Connection& connection, const GroupKey& key) {
  connection.Run(
      "INSERT INTO groups (account_sid, kind, error_code, host, last_event_row, kept_events, open, "
      "episode, level, unknown_count, fallback_answered_count, default_answered_count, "
      "warning_count, "
      "unknown_count_before, fallback_answered_count_before, default_answered_count_before, "
      "warning_count_before, first_at, last_at, last_mail_at, due_at, quiet_until) "
      "VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
      key.account_sid, key.kind, key.error_code, key.host);
  return connection.last_row();
}

void UpdateGroup(Connection& connection, int64_t id, const GroupState& state,
                 int64_t last_event_row, int64_t new_events) {
  if (UpdateGroupState(connection, id, state) == 0) return;
  connection.Run("UPDATE groups SET last_event_row = ?, kept_events = kept_events + ? WHERE id = ?",
                 last_event_row, new_events, id);
}

int UpdateGroupState(Connection& connection, int64_t id, const GroupState& state) {
  const auto& counts = state.counts.by_outcome;
  const auto& before = state.counts_before.by_outcome;
  return connection.Run(
      "UPDATE groups SET open = ?, episode = ?, level = ?, unknown_count = ?, "
      "fallback_answered_count = ?, default_answered_count = ?, warning_count = ?, "
      "unknown_count_before = ?, fallback_answered_count_before = ?, "
      "default_answered_count_before = ?, warning_count_before = ?, first_at = ?, last_at = ?, "
      "last_mail_at = ?, due_at = ?, quiet_until = ? WHERE id = ?",
      state.open, state.episode, state.level, counts[0], counts[1], counts[2], counts[3], before[0],
      before[1], before[2], before[3], state.first_at, state.last_at, state.last_mail_at,
      state.due_at, state.quiet_until, id);
}

void UpsertTold(Connection& connection, int64_t group_id, const Told& told) {
  const auto& counts = told.counts.by_outcome;
  connection.Run(
      "INSERT OR REPLACE INTO told (group_id, recipient, root_message_id, last_message_id, mails, "
      "episode, recovered, unknown_count, fallback_answered_count, default_answered_count, "
      "warning_count, last_event_row, last_mail_at, mail_pending, over_limit) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      group_id, told.recipient, told.root_message_id, told.last_message_id, told.mails,
      told.episode, told.recovered, counts[0], counts[1], counts[2], counts[3], told.last_event_row,
      told.last_mail_at, told.mail_pending, told.over_limit);
}

int64_t InsertMail(Connection& connection, const Mail& mail) {
  connection.Run(
      "INSERT INTO mails (group_id, recipient, reason, message_id, subject, bytes, written_at, "
      "state, attempts, was_ambiguous, next_attempt_at, last_error, reply, settled_at) "
      "VALUES (nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      mail.group_id, mail.recipient, mail.reason, mail.message_id, mail.subject, Blob{mail.bytes},
      mail.written_at, mail.state, mail.attempts, mail.was_ambiguous, mail.next_attempt_at,
      mail.last_error, mail.reply, mail.settled_at);
  return connection.last_row();
}

int UpdateMailOutcome(Connection& connection, const Mail& mail) {
  return connection.Run(
      "UPDATE mails SET state = ?, attempts = ?, was_ambiguous = ?, next_attempt_at = ?, "
      "last_error = ?, reply = ?, settled_at = ? WHERE id = ?",
      mail.state, mail.attempts, mail.was_ambiguous, mail.next_attempt_at, mail.last_error,
      mail.reply, mail.settled_at, mail.id);
}

}  // namespace understudy::notifier
