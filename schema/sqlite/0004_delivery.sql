-- Repair by operators, every attempt, restore, personal data.

-- Claims in a row whose owner died; a result of any kind sets it to 0. A copy
-- that an operator sent again names the message that it was made from.
ALTER TABLE inbox ADD COLUMN losses INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inbox ADD COLUMN copy_of INTEGER;
ALTER TABLE inbox_archive ADD COLUMN copy_of INTEGER;
ALTER TABLE outbox ADD COLUMN losses INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN copy_of INTEGER;
ALTER TABLE outbox_archive ADD COLUMN copy_of INTEGER;
ALTER TABLE telegram_queue ADD COLUMN losses INTEGER NOT NULL DEFAULT 0;
ALTER TABLE telegram_queue ADD COLUMN copy_of INTEGER;
ALTER TABLE telegram_archive ADD COLUMN copy_of INTEGER;

-- Failed events that others wait for (common/domain/blocking.h): hardly any.
CREATE INDEX inbox_blocking ON inbox (order_id)
  WHERE state = 4 AND hold = 'blocked';

-- A sender looks for the ready heads of its own endpoint only.
DROP INDEX outbox_head_ready;
CREATE INDEX outbox_head_ready ON outbox_head (endpoint, due_ms, head_id)
  WHERE state = 1;

-- What was tried with a message, the latest of each. An inbox message that was
-- applied at once has none: its row says it all.
CREATE TABLE message_attempts (
  queue       TEXT NOT NULL, -- inbox outbox telegram
  message     INTEGER NOT NULL, -- id of its row, here or in the archive
  attempt_no  INTEGER NOT NULL,
  kind        TEXT NOT NULL, -- apply send ask
  started_ms  INTEGER NOT NULL,
  duration_ms INTEGER, -- null: unknown, its worker died
  http_status INTEGER,
  class       TEXT NOT NULL, -- done retry throttle auth reconcile reject lost
  answer      TEXT NOT NULL, -- its head, or what went wrong
  worker      TEXT NOT NULL,
  PRIMARY KEY (queue, message, attempt_no)
) STRICT, WITHOUT ROWID;
CREATE TABLE message_attempts_archive (
  queue       TEXT NOT NULL,
  message     INTEGER NOT NULL,
  attempt_no  INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  started_ms  INTEGER NOT NULL,
  duration_ms INTEGER,
  http_status INTEGER,
  class       TEXT NOT NULL,
  answer      TEXT NOT NULL,
  worker      TEXT NOT NULL,
  PRIMARY KEY (queue, message, attempt_no)
) STRICT, WITHOUT ROWID;

-- Who did what by hand, to which messages, and why.
CREATE TABLE audit_log (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms   INTEGER NOT NULL,
  actor   TEXT NOT NULL,
  action  TEXT NOT NULL, -- "queue outbox retry"
  filter  TEXT NOT NULL, -- JSON; what was asked for
  reason  TEXT NOT NULL,
  matched INTEGER NOT NULL DEFAULT 0,
  changed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE audit_messages (
  audit_id INTEGER NOT NULL REFERENCES audit_log (id),
  queue    TEXT NOT NULL,
  message  INTEGER NOT NULL,
  changed  INTEGER NOT NULL, -- 0: its state did not allow it
  copy     INTEGER, -- id of the copy that was sent again
  PRIMARY KEY (audit_id, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_messages_message ON audit_messages (queue, message);

-- The last sequence number of orders that are over: their row in inbox_head is
-- gone, and an event that comes all the same goes on from here.
CREATE TABLE inbox_head_idle (
  order_id INTEGER PRIMARY KEY,
  last_seq INTEGER NOT NULL
) STRICT;

-- When this store was copied (set in the copy only), and whether it waits for
-- a person after it was restored.
ALTER TABLE store_meta ADD COLUMN backup_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE store_meta ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
CREATE TABLE restores (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  restored_ms      INTEGER NOT NULL,
  backup_ms        INTEGER NOT NULL, -- the pull begins here
  file             TEXT NOT NULL,
  old_epoch        INTEGER NOT NULL,
  epoch            INTEGER NOT NULL,
  inbox_returned   INTEGER NOT NULL,
  outbox_uncertain INTEGER NOT NULL,
  telegram_expired INTEGER NOT NULL,
  pulled_ms        INTEGER, -- the pull from backup_ms has ended
  released_ms      INTEGER,
  released_by      TEXT NOT NULL DEFAULT '',
  reason           TEXT NOT NULL DEFAULT ''
) STRICT;

-- A series is held after a restore until a person says which number the ERP has
-- seen last; the numbers that this leaves out are named.
ALTER TABLE document_series ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
CREATE TABLE document_series_jumps (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  series      TEXT NOT NULL,
  from_number INTEGER NOT NULL, -- first and last number left out
  to_number   INTEGER NOT NULL,
  at_ms       INTEGER NOT NULL,
  actor       TEXT NOT NULL,
  reason      TEXT NOT NULL
) STRICT;

-- Closed orders whose personal data is there, or there again, oldest first.
ALTER TABLE orders ADD COLUMN erased_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX orders_to_erase ON orders (updated_ms, id)
  WHERE state IN ('delivered', 'canceled') AND erased_ms < updated_ms;
