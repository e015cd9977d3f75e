-- Times are nanoseconds since 1970 (UTC), durations nanoseconds; the largest number is "never", the
-- smallest "long ago". What is one of a closed set of words is its number in the code (rows.cc).

-- Events that operators hear of together: grouping.h, GroupState. kept_events of them are still in
-- the table.
CREATE TABLE groups (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_sid TEXT NOT NULL,
  kind INTEGER NOT NULL,
  error_code INTEGER NOT NULL,
  host TEXT NOT NULL,
  last_event_row INTEGER NOT NULL,
  kept_events INTEGER NOT NULL,
  open INTEGER NOT NULL,
  episode INTEGER NOT NULL,
  level INTEGER NOT NULL,
  unknown_count INTEGER NOT NULL,
  fallback_answered_count INTEGER NOT NULL,
  default_answered_count INTEGER NOT NULL,
  warning_count INTEGER NOT NULL,
  unknown_count_before INTEGER NOT NULL,
  fallback_answered_count_before INTEGER NOT NULL,
  default_answered_count_before INTEGER NOT NULL,
  warning_count_before INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  last_mail_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  quiet_until INTEGER NOT NULL,
  UNIQUE (account_sid, kind, error_code, host)
) STRICT;
CREATE INDEX groups_by_due ON groups (due_at) WHERE due_at < 9223372036854775807;
CREATE INDEX groups_by_last_event ON groups (last_event_row);
CREATE INDEX groups_by_account ON groups (account_sid, last_event_row);
CREATE INDEX groups_by_code ON groups (error_code, last_event_row);
CREATE INDEX groups_by_open ON groups (open, last_event_row);
CREATE INDEX groups_recovered ON groups (last_at) WHERE open = 0;

-- What happened: event.h, Event. Rows are numbered as they come, and no number is given twice. They
-- are dealt with in blocks of 16384 (event_blocks.h): an index has a block's number before its own
-- column, so that events of now change few of its pages, whatever their values, and those of long
-- ago are purged from few.
CREATE TABLE events (
  row INTEGER PRIMARY KEY,
  block INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  fingerprint INTEGER NOT NULL,
  group_id INTEGER NOT NULL,
  occurred_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  account_sid TEXT NOT NULL,
  kind INTEGER NOT NULL,
  phone_number TEXT,
  resource_sid TEXT,
  level INTEGER NOT NULL,
  error_code INTEGER NOT NULL,
  error_url TEXT NOT NULL,
  target INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  phase INTEGER NOT NULL,
  http_status INTEGER NOT NULL,
  detail TEXT NOT NULL,
  elapsed INTEGER NOT NULL,
  attempt_count INTEGER NOT NULL,
  resolution_id TEXT NOT NULL,
  response_excerpt TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_id ON events (block, event_id);
CREATE INDEX events_by_group ON events (block, group_id);
CREATE INDEX events_by_account ON events (block, account_sid);
CREATE INDEX events_by_code ON events (block, error_code);
CREATE INDEX events_by_phone_number ON events (block, phone_number) WHERE phone_number IS NOT NULL;
CREATE INDEX events_by_resource ON events (block, resource_sid) WHERE resource_sid IS NOT NULL;

-- What is in a block. Its times may reach further than those of its events, never less far.
CREATE TABLE event_blocks (
  block INTEGER PRIMARY KEY,
  first_occurred_at INTEGER NOT NULL,
  last_occurred_at INTEGER NOT NULL,
  first_received_at INTEGER NOT NULL,
  last_received_at INTEGER NOT NULL,
  unknown_count INTEGER NOT NULL,
  fallback_answered_count INTEGER NOT NULL,
  default_answered_count INTEGER NOT NULL,
  warning_count INTEGER NOT NULL
) STRICT;

-- Where an event_id may be: known_ids.h. Of segments that are full.
CREATE TABLE id_filters (
  segment INTEGER PRIMARY KEY,
  bits BLOB NOT NULL
) STRICT;

-- One row.
CREATE TABLE counters (
  last_event_row INTEGER NOT NULL
) STRICT;
INSERT INTO counters VALUES (0);

-- What recipients were told: grouping.h, Told.
CREATE TABLE told (
  group_id INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
  recipient TEXT NOT NULL,
  root_message_id TEXT NOT NULL,
  last_message_id TEXT NOT NULL,
  mails INTEGER NOT NULL,
  episode INTEGER NOT NULL,
  recovered INTEGER NOT NULL,
  unknown_count INTEGER NOT NULL,
  fallback_answered_count INTEGER NOT NULL,
  default_answered_count INTEGER NOT NULL,
  warning_count INTEGER NOT NULL,
  last_event_row INTEGER NOT NULL,
  last_mail_at INTEGER NOT NULL,
  mail_pending INTEGER NOT NULL,
  over_limit INTEGER NOT NULL,
  PRIMARY KEY (group_id, recipient)
) STRICT, WITHOUT ROWID;
CREATE INDEX told_over_limit ON told (recipient, group_id) WHERE over_limit = 1;

-- Mails to one recipient each: store.h, Mail. Of no single group: group_id is NULL.
CREATE TABLE mails (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  group_id INTEGER REFERENCES groups (id),
  recipient TEXT NOT NULL,
  reason INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  subject TEXT NOT NULL,
  bytes BLOB NOT NULL,
  written_at INTEGER NOT NULL,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  was_ambiguous INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  last_error TEXT NOT NULL,
  reply TEXT NOT NULL,
  settled_at INTEGER NOT NULL
) STRICT;
CREATE INDEX mails_by_state ON mails (state, next_attempt_at);
CREATE INDEX mails_by_recipient ON mails (recipient, written_at);
CREATE INDEX mails_by_group ON mails (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX mails_unsettled ON mails (written_at) WHERE state <= 1;
CREATE INDEX mails_settled ON mails (settled_at) WHERE state >= 2;
CREATE INDEX mails_dead ON mails (settled_at) WHERE state >= 3;

CREATE TABLE notes (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
