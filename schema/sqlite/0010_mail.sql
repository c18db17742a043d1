-- The second way out (e-mail), which alerts went it; what became of breakers.

-- It ended without a word: another alert or nobody was told of its end.
ALTER TABLE alerts ADD COLUMN quiet INTEGER NOT NULL DEFAULT 0;

-- One head per recipient: one that is refused stops no other.
CREATE TABLE mail_head (
  head_id        INTEGER PRIMARY KEY,
  address        TEXT NOT NULL UNIQUE,
  last_seq       INTEGER NOT NULL,
  state          INTEGER NOT NULL,
  due_ms         INTEGER NOT NULL,
  lease_owner    TEXT,
  lease_epoch    INTEGER NOT NULL DEFAULT 0,
  lease_until_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX mail_head_ready ON mail_head (due_ms, head_id) WHERE state = 1;
CREATE INDEX mail_head_leased ON mail_head (lease_until_ms) WHERE state = 2;

-- A row per mail and recipient; the rows of a mail share their message_id.
CREATE TABLE mail_queue (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id       TEXT NOT NULL,
  head_id          INTEGER NOT NULL,
  address          TEXT NOT NULL,
  event_type       TEXT NOT NULL, -- telegram, unacknowledged, over
  order_seq        INTEGER NOT NULL,
  severity         TEXT NOT NULL,
  state            INTEGER NOT NULL,
  outcome          TEXT NOT NULL DEFAULT '',
  hold             TEXT NOT NULL DEFAULT 'none',
  attempts         INTEGER NOT NULL DEFAULT 0,
  losses           INTEGER NOT NULL DEFAULT 0,
  due_ms           INTEGER NOT NULL,
  lease_owner      TEXT,
  lease_epoch      INTEGER NOT NULL DEFAULT 0,
  lease_until_ms   INTEGER NOT NULL DEFAULT 0,
  sending_since_ms INTEGER,
  error            TEXT,
  created_ms       INTEGER NOT NULL,
  updated_ms       INTEGER NOT NULL,
  copy_of          INTEGER, -- sent again by hand
  subject          TEXT NOT NULL,
  text             TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX mail_queue_order ON mail_queue (head_id, order_seq);
CREATE UNIQUE INDEX mail_queue_one_taken ON mail_queue (head_id) WHERE state = 2;
CREATE INDEX mail_queue_message ON mail_queue (message_id);

CREATE TABLE mail_archive (
  id         INTEGER PRIMARY KEY,
  message_id TEXT NOT NULL,
  address    TEXT NOT NULL,
  event_type TEXT NOT NULL,
  order_seq  INTEGER NOT NULL,
  severity   TEXT NOT NULL,
  subject    TEXT NOT NULL,
  text       TEXT NOT NULL,
  state      INTEGER NOT NULL,
  outcome    TEXT NOT NULL,
  attempts   INTEGER NOT NULL,
  error      TEXT,
  created_ms INTEGER NOT NULL,
  copy_of    INTEGER,
  sent_ms    INTEGER
) STRICT;
CREATE INDEX mail_archive_message ON mail_archive (message_id);
CREATE INDEX mail_archive_made ON mail_archive (event_type, created_ms);

-- Which mail tells of an alert: at most one per stage. closed: nothing more
-- will be told of it.
CREATE TABLE alert_mails (
  alert_id   INTEGER NOT NULL,
  stage      TEXT NOT NULL, -- telegram, unacknowledged, over
  message_id TEXT NOT NULL,
  closed     INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (alert_id, stage)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_mails_open ON alert_mails (alert_id) WHERE closed = 0;

-- Each time that a breaker opened, was held, or closed.
CREATE TABLE endpoint_changes (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  endpoint TEXT NOT NULL,
  state    TEXT NOT NULL, -- open, held, closed
  reason   TEXT NOT NULL,
  at_ms    INTEGER NOT NULL
) STRICT;
CREATE INDEX endpoint_changes_at ON endpoint_changes (at_ms);
