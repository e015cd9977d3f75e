-- What the page shows without looking at events one by one: events received, counted by minute and
-- code, and by hour and group. Their keys begin with the time, so that events of now change few
-- pages, and those of long ago are purged from few.

-- Minutes since 1970. error_code is -1 for codes that are not in the table of codes, so that a
-- minute has no more rows than that table.
CREATE TABLE minute_counts (
  minute INTEGER NOT NULL,
  error_code INTEGER NOT NULL,
  unknown_count INTEGER NOT NULL,
  fallback_answered_count INTEGER NOT NULL,
  default_answered_count INTEGER NOT NULL,
  warning_count INTEGER NOT NULL,
  PRIMARY KEY (minute, error_code)
) STRICT, WITHOUT ROWID;

-- Hours since 1970.
CREATE TABLE hour_counts (
  hour INTEGER NOT NULL,
  group_id INTEGER NOT NULL,
  events INTEGER NOT NULL,
  PRIMARY KEY (hour, group_id)
) STRICT, WITHOUT ROWID;

-- Of what is there already, the blocks that reach into the last day before the newest event: more
-- the page does not show.
INSERT INTO minute_counts
SELECT received_at / 60000000000, error_code, sum(outcome = 0), sum(outcome = 1),
       sum(outcome = 2), sum(outcome = 3)
FROM event_blocks AS b CROSS JOIN events AS e NOT INDEXED
WHERE b.last_received_at >= (SELECT max(last_received_at) FROM event_blocks) - 86400000000000
  AND e.row BETWEEN b.block << 14 AND (b.block << 14) + 16383
GROUP BY 1, 2;
INSERT INTO hour_counts
SELECT received_at / 3600000000000, group_id, count(*)
FROM event_blocks AS b CROSS JOIN events AS e NOT INDEXED
WHERE b.last_received_at >= (SELECT max(last_received_at) FROM event_blocks) - 86400000000000
  AND e.row BETWEEN b.block << 14 AND (b.block << 14) + 16383
GROUP BY 1, 2;
