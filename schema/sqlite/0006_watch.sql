-- What people are told: silences, acknowledgements, rules by store, and what
-- the monitor measured; what the scheduler plans; where Telegram refuses us.

ALTER TABLE alerts ADD COLUMN store_id TEXT NOT NULL DEFAULT '';
-- Its condition has not held since; null: it holds.
ALTER TABLE alerts ADD COLUMN calm_since_ms INTEGER;
ALTER TABLE alerts ADD COLUMN acked_ms INTEGER;
ALTER TABLE alerts ADD COLUMN acked_by TEXT NOT NULL DEFAULT '';
-- The latest message about it: telegram_queue.id, kept in telegram_archive.
ALTER TABLE alerts ADD COLUMN told_id INTEGER;
CREATE INDEX alerts_told ON alerts (told_id) WHERE told_id IS NOT NULL;
CREATE INDEX alerts_chat ON alerts (rule, chat, notified_ms)
  WHERE state <> 'resolved';

-- Nobody is told of what fits; '' fits everything.
CREATE TABLE silences (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  rule       TEXT NOT NULL,
  subject    TEXT NOT NULL,
  store_id   TEXT NOT NULL,
  from_ms    INTEGER NOT NULL,
  until_ms   INTEGER NOT NULL,
  made_by    TEXT NOT NULL,
  reason     TEXT NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX silences_until ON silences (until_ms);

-- What differs from the configuration of a rule in one store.
CREATE TABLE rule_stores (
  rule       TEXT NOT NULL,
  store_id   TEXT NOT NULL,
  enabled    INTEGER NOT NULL,
  threshold  INTEGER, -- in the rule's unit; null: as configured
  changed_by TEXT NOT NULL,
  changed_ms INTEGER NOT NULL,
  PRIMARY KEY (rule, store_id)
) STRICT, WITHOUT ROWID;

-- What no query of the store can tell: disks, files, clocks, probes.
CREATE TABLE measures (
  name    TEXT NOT NULL,
  subject TEXT NOT NULL,
  value   INTEGER NOT NULL,
  detail  TEXT NOT NULL,
  at_ms   INTEGER NOT NULL,
  PRIMARY KEY (name, subject)
) STRICT, WITHOUT ROWID;

-- Messages of the inbox by hour: what a silent hook is compared with.
CREATE TABLE intake_hours (
  channel  TEXT NOT NULL,
  hour_ms  INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  PRIMARY KEY (channel, hour_ms)
) STRICT, WITHOUT ROWID;

-- The rules about open orders look at those that are due, whatever the backlog.
CREATE INDEX orders_due ON orders
  (state, (CASE WHEN deadline_ms <> 0 THEN deadline_ms ELSE slot_to_ms END))
  WHERE state NOT IN ('delivered', 'canceled');
CREATE INDEX orders_assembling ON orders (taken_ms) WHERE state = 'assembling';
CREATE INDEX orders_closed_delivered ON orders (delivered_ms)
  WHERE state = 'delivered';
CREATE INDEX orders_closed_canceled ON orders (canceled_ms)
  WHERE state = 'canceled';
CREATE INDEX outbox_uncertain ON outbox (id) WHERE hold = 'uncertain';

-- The next slot, and when a good run must have ended; 0: nothing is planned.
ALTER TABLE jobs ADD COLUMN next_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN expected_ms INTEGER NOT NULL DEFAULT 0;

-- Telegram's id of the message that this one answers.
ALTER TABLE telegram_queue ADD COLUMN reply_to INTEGER;
-- In a chat critical messages go first, then warnings.
CREATE INDEX telegram_queue_next ON telegram_queue
  (head_id, (CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END), order_seq)
  WHERE state = 1;
CREATE INDEX telegram_queue_age ON telegram_queue (severity, created_ms) WHERE state = 1;
-- A chat that does not take our messages, since when and why.
ALTER TABLE telegram_head ADD COLUMN blocked_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE telegram_head ADD COLUMN block_reason TEXT NOT NULL DEFAULT '';
