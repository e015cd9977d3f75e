-- For what failed at a host, whatever the account.
CREATE INDEX groups_by_host ON groups (host, last_event_row);
