-- One row: the number of the last transaction and its time. Rows keep that of their last change, so
-- that a reader asks for what is newer than it knows. Deletions of transactions from kept_from on
-- are there to be asked for.
CREATE TABLE commits (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  last INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kept_from INTEGER NOT NULL
);
INSERT INTO commits VALUES (1, 0, 0, 1);

-- What a phone number's owner set, in the order in which they were made. What calls need comes
-- first: reading a row ends with the last column that is asked for.
CREATE TABLE numbers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  commit_number INTEGER NOT NULL,
  phone_number TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  voice_url TEXT NOT NULL,
  voice_method TEXT NOT NULL,
  voice_fallback_url TEXT NOT NULL,
  voice_fallback_method TEXT NOT NULL,
  voice_application_sid TEXT NOT NULL,
  trunk_sid TEXT NOT NULL,
  sms_url TEXT NOT NULL,
  sms_method TEXT NOT NULL,
  sms_fallback_url TEXT NOT NULL,
  sms_fallback_method TEXT NOT NULL,
  sms_application_sid TEXT NOT NULL,
  sid TEXT NOT NULL UNIQUE,
  friendly_name TEXT NOT NULL,
  type TEXT NOT NULL,
  api_version TEXT NOT NULL,
  voice_caller_id_lookup INTEGER NOT NULL,
  voice_receive_mode TEXT NOT NULL,
  status_callback TEXT NOT NULL,
  status_callback_method TEXT NOT NULL,
  emergency_status TEXT NOT NULL,
  emergency_address_sid TEXT NOT NULL,
  address_sid TEXT NOT NULL,
  identity_sid TEXT NOT NULL,
  bundle_sid TEXT NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
);
CREATE INDEX numbers_by_commit ON numbers (commit_number);
CREATE INDEX numbers_by_account ON numbers (account_sid);
CREATE INDEX numbers_by_voice_application ON numbers (voice_application_sid)
  WHERE voice_application_sid <> '';
CREATE INDEX numbers_by_sms_application ON numbers (sms_application_sid)
  WHERE sms_application_sid <> '';

CREATE TABLE applications (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  commit_number INTEGER NOT NULL,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  voice_url TEXT NOT NULL,
  voice_method TEXT NOT NULL,
  voice_fallback_url TEXT NOT NULL,
  voice_fallback_method TEXT NOT NULL,
  sms_url TEXT NOT NULL,
  sms_method TEXT NOT NULL,
  sms_fallback_url TEXT NOT NULL,
  sms_fallback_method TEXT NOT NULL,
  friendly_name TEXT NOT NULL,
  api_version TEXT NOT NULL,
  voice_caller_id_lookup INTEGER NOT NULL,
  status_callback TEXT NOT NULL,
  status_callback_method TEXT NOT NULL,
  sms_status_callback TEXT NOT NULL,
  message_status_callback TEXT NOT NULL,
  public_application_connect_enabled INTEGER NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
);
CREATE INDEX applications_by_commit ON applications (commit_number);
CREATE INDEX applications_by_account ON applications (account_sid);

-- Phone numbers and sids of applications that are gone.
CREATE TABLE deletions (
  commit_number INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (commit_number, name)
) WITHOUT ROWID;
