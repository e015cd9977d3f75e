-- What is known of an event's request beside the event itself: event_details.h. Of events that have
-- any of it; in a table of its own, so that lists and purges walk no more bytes than they need.
-- Columns are NULL where there is nothing.
CREATE TABLE event_details (
  event_row INTEGER PRIMARY KEY REFERENCES events (row) ON DELETE CASCADE,
  request_method INTEGER NOT NULL,
  parameters TEXT,
  request_headers TEXT,
  response_headers TEXT,
  attempts TEXT
) STRICT;
