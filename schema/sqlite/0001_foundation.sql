-- Tables of one installation. Conventions: schema/README.md.

CREATE TABLE store_meta (
  id              INTEGER PRIMARY KEY CHECK (id = 1),
  version         INTEGER NOT NULL,
  min_reader      INTEGER NOT NULL,
  store_epoch     INTEGER NOT NULL,
  installation_id TEXT NOT NULL,
  created_ms      INTEGER NOT NULL
) STRICT;
INSERT INTO store_meta VALUES (1, 0, 1, 1, '', 0);

CREATE TABLE store_migrations (
  version    INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  applied_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('order', 0);

-- Who an order is: every name that a channel uses for it (its id and, as an
-- alias, its UUID) leads to the same order_id and number.
CREATE TABLE order_identity (
  channel     TEXT NOT NULL,
  external_id TEXT NOT NULL,
  order_id    INTEGER NOT NULL,
  number      TEXT NOT NULL,
  PRIMARY KEY (channel, external_id)
) STRICT, WITHOUT ROWID;

-- The three queues share their columns, codes and statements
-- (common/store/queue/queue.h). A head row stands for all messages of one order (or
-- order and endpoint, or chat): its state is 0 idle, 1 ready, 2 leased,
-- 4 blocked, and claiming looks at nothing else.
CREATE TABLE inbox_head (
  order_id       INTEGER PRIMARY KEY,
  last_seq       INTEGER NOT NULL,
  state          INTEGER NOT NULL,
  due_ms         INTEGER NOT NULL,
  lease_owner    TEXT,
  lease_epoch    INTEGER NOT NULL DEFAULT 0,
  lease_until_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX inbox_head_ready ON inbox_head (due_ms, order_id) WHERE state = 1;
CREATE INDEX inbox_head_leased ON inbox_head (lease_until_ms) WHERE state = 2;

CREATE TABLE inbox (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id       TEXT NOT NULL,
  channel          TEXT NOT NULL,
  external_id      TEXT NOT NULL,
  event_type       TEXT NOT NULL,
  order_id         INTEGER NOT NULL,
  order_seq        INTEGER NOT NULL,
  event_ms         INTEGER NOT NULL,
  state            INTEGER NOT NULL,
  outcome          TEXT NOT NULL DEFAULT '',
  hold             TEXT NOT NULL DEFAULT 'none',
  attempts         INTEGER NOT NULL DEFAULT 0,
  due_ms           INTEGER NOT NULL,
  lease_owner      TEXT,
  lease_epoch      INTEGER NOT NULL DEFAULT 0,
  lease_until_ms   INTEGER NOT NULL DEFAULT 0,
  sending_since_ms INTEGER,
  error            TEXT,
  created_ms       INTEGER NOT NULL,
  updated_ms       INTEGER NOT NULL,
  body             TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX inbox_order ON inbox (order_id, order_seq);
CREATE UNIQUE INDEX inbox_one_taken ON inbox (order_id) WHERE state = 2;
CREATE INDEX inbox_failed ON inbox (id) WHERE state = 4;

CREATE TABLE inbox_archive (
  id               INTEGER PRIMARY KEY,
  message_id       TEXT NOT NULL,
  channel          TEXT NOT NULL,
  external_id      TEXT NOT NULL,
  event_type       TEXT NOT NULL,
  order_id         INTEGER NOT NULL,
  order_seq        INTEGER NOT NULL,
  event_ms         INTEGER NOT NULL,
  state            INTEGER NOT NULL,
  outcome          TEXT NOT NULL,
  hold             TEXT NOT NULL,
  attempts         INTEGER NOT NULL,
  due_ms           INTEGER NOT NULL,
  lease_owner      TEXT,
  lease_epoch      INTEGER NOT NULL,
  lease_until_ms   INTEGER NOT NULL,
  sending_since_ms INTEGER,
  error            TEXT,
  created_ms       INTEGER NOT NULL,
  updated_ms       INTEGER NOT NULL,
  body             TEXT NOT NULL
) STRICT;
CREATE INDEX inbox_archive_order ON inbox_archive (order_id, order_seq);

CREATE TABLE outbox_head (
  head_id        INTEGER PRIMARY KEY,
  order_id       INTEGER NOT NULL,
  endpoint       TEXT NOT NULL,
  last_seq       INTEGER NOT NULL,
  state          INTEGER NOT NULL,
  due_ms         INTEGER NOT NULL,
  lease_owner    TEXT,
  lease_epoch    INTEGER NOT NULL DEFAULT 0,
  lease_until_ms INTEGER NOT NULL DEFAULT 0,
  UNIQUE (order_id, endpoint)
) STRICT;
CREATE INDEX outbox_head_ready ON outbox_head (due_ms, head_id) WHERE state = 1;
CREATE INDEX outbox_head_leased ON outbox_head (lease_until_ms) WHERE state = 2;

CREATE TABLE outbox (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id       TEXT NOT NULL,
  head_id          INTEGER NOT NULL,
  endpoint         TEXT NOT NULL,
  channel          TEXT NOT NULL,
  external_id      TEXT NOT NULL,
  event_type       TEXT NOT NULL,
  order_id         INTEGER NOT NULL,
  order_seq        INTEGER NOT NULL,
  state            INTEGER NOT NULL,
  outcome          TEXT NOT NULL DEFAULT '',
  hold             TEXT NOT NULL DEFAULT 'none',
  attempts         INTEGER NOT NULL DEFAULT 0,
  due_ms           INTEGER NOT NULL,
  lease_owner      TEXT,
  lease_epoch      INTEGER NOT NULL DEFAULT 0,
  lease_until_ms   INTEGER NOT NULL DEFAULT 0,
  sending_since_ms INTEGER,
  http_status      INTEGER,
  error            TEXT,
  created_ms       INTEGER NOT NULL,
  updated_ms       INTEGER NOT NULL,
  body             TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX outbox_order ON outbox (head_id, order_seq);
CREATE UNIQUE INDEX outbox_one_taken ON outbox (head_id) WHERE state = 2;
CREATE INDEX outbox_by_order ON outbox (order_id);
CREATE INDEX outbox_failed ON outbox (id) WHERE state = 4;

CREATE TABLE outbox_archive (
  id               INTEGER PRIMARY KEY,
  message_id       TEXT NOT NULL,
  head_id          INTEGER NOT NULL,
  endpoint         TEXT NOT NULL,
  channel          TEXT NOT NULL,
  external_id      TEXT NOT NULL,
  event_type       TEXT NOT NULL,
  order_id         INTEGER NOT NULL,
  order_seq        INTEGER NOT NULL,
  state            INTEGER NOT NULL,
  outcome          TEXT NOT NULL,
  hold             TEXT NOT NULL,
  attempts         INTEGER NOT NULL,
  due_ms           INTEGER NOT NULL,
  lease_owner      TEXT,
  lease_epoch      INTEGER NOT NULL,
  lease_until_ms   INTEGER NOT NULL,
  sending_since_ms INTEGER,
  http_status      INTEGER,
  error            TEXT,
  created_ms       INTEGER NOT NULL,
  updated_ms       INTEGER NOT NULL,
  body             TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_archive_order ON outbox_archive (order_id, order_seq);

-- One row per place we send to: its circuit breaker.
CREATE TABLE endpoints (
  name          TEXT PRIMARY KEY,
  state         TEXT NOT NULL, -- closed, open, held (credentials)
  failures      INTEGER NOT NULL DEFAULT 0,
  reason        TEXT NOT NULL DEFAULT '',
  changed_ms    INTEGER NOT NULL,
  next_probe_ms INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Bodies that could not be read at all (P4).
CREATE TABLE quarantine (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  received_ms INTEGER NOT NULL,
  channel     TEXT NOT NULL,
  reason      TEXT NOT NULL,
  raw         BLOB NOT NULL
) STRICT;

CREATE TABLE stores (
  id               TEXT PRIMARY KEY,
  name             TEXT NOT NULL,
  time_zone        TEXT NOT NULL,
  opening_hours    TEXT NOT NULL,
  telegram_chat    TEXT NOT NULL,
  integration_type INTEGER NOT NULL,
  imported         INTEGER NOT NULL, -- 0: made for an order of an unknown store
  created_ms       INTEGER NOT NULL,
  updated_ms       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
  id                    INTEGER PRIMARY KEY, -- order_identity.order_id
  channel               TEXT NOT NULL,
  external_id           TEXT NOT NULL,
  order_uuid            TEXT NOT NULL DEFAULT '',
  number                TEXT NOT NULL,
  store_id              TEXT NOT NULL REFERENCES stores (id),
  state                 TEXT NOT NULL,
  version               INTEGER NOT NULL,
  event_ms              INTEGER NOT NULL, -- latest applied marketplace event
  snapshot_ms           INTEGER NOT NULL, -- latest applied composition
  slot_from_ms          INTEGER NOT NULL DEFAULT 0,
  slot_to_ms            INTEGER NOT NULL DEFAULT 0,
  deadline_ms           INTEGER NOT NULL DEFAULT 0,
  comment               TEXT NOT NULL DEFAULT '',
  replacement_policy    TEXT NOT NULL DEFAULT '',
  shipment_method       TEXT NOT NULL DEFAULT '',
  total_minor           INTEGER NOT NULL DEFAULT 0,
  discount_total_minor  INTEGER NOT NULL DEFAULT 0,
  picker_id             TEXT NOT NULL DEFAULT '',
  picker_until_ms       INTEGER NOT NULL DEFAULT 0,
  bags                  INTEGER NOT NULL DEFAULT 0,
  cancel_source         TEXT NOT NULL DEFAULT '',
  cancel_reason         TEXT NOT NULL DEFAULT '',
  taken_ms              INTEGER NOT NULL DEFAULT 0,
  assembled_ms          INTEGER NOT NULL DEFAULT 0,
  ready_ms              INTEGER NOT NULL DEFAULT 0,
  paid_ms               INTEGER NOT NULL DEFAULT 0,
  received_ms           INTEGER NOT NULL DEFAULT 0,
  delivered_ms          INTEGER NOT NULL DEFAULT 0,
  canceled_ms           INTEGER NOT NULL DEFAULT 0,
  invoice_state         TEXT NOT NULL DEFAULT 'none', -- none, done, blocked, empty
  invoice_reason        TEXT NOT NULL DEFAULT '',
  created_ms            INTEGER NOT NULL,
  updated_ms            INTEGER NOT NULL,
  UNIQUE (channel, external_id)
) STRICT;
CREATE UNIQUE INDEX orders_number ON orders (number);
CREATE INDEX orders_open ON orders (store_id, deadline_ms, id)
  WHERE state NOT IN ('delivered', 'canceled');
CREATE INDEX orders_to_invoice ON orders (delivered_ms, id)
  WHERE state = 'delivered' AND invoice_state IN ('none', 'blocked');

-- Personal data stands apart, so that one eraser finds all of it.
CREATE TABLE order_customers (
  order_id INTEGER PRIMARY KEY REFERENCES orders (id),
  name     TEXT NOT NULL,
  phone    TEXT NOT NULL,
  address  TEXT NOT NULL
) STRICT;

CREATE TABLE order_lines (
  order_id             INTEGER NOT NULL REFERENCES orders (id),
  line_no              INTEGER NOT NULL,
  sku                  TEXT NOT NULL,
  name                 TEXT NOT NULL DEFAULT '',
  qty_ordered_milli    INTEGER NOT NULL,
  qty_milli            INTEGER NOT NULL, -- current wish of the customer
  qty_picked_milli     INTEGER NOT NULL DEFAULT 0,
  weight_g             INTEGER,          -- null: a piece line
  weight_picked_g      INTEGER,
  price_minor          INTEGER NOT NULL,
  discount_price_minor INTEGER NOT NULL,
  total_minor          INTEGER NOT NULL,
  discount_total_minor INTEGER NOT NULL,
  state                TEXT NOT NULL, -- pending picked short replaced removed
  reason               TEXT NOT NULL DEFAULT '',
  replaced_by          INTEGER NOT NULL DEFAULT 0, -- line_no, 0: none
  replaces             INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (order_id, line_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_history (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id INTEGER NOT NULL,
  at_ms    INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  actor    TEXT NOT NULL,
  detail   TEXT NOT NULL
) STRICT;
CREATE INDEX order_history_order ON order_history (order_id, id);

-- Events that came too early; tried again at every later event of the order.
CREATE TABLE parked_events (
  inbox_id   INTEGER PRIMARY KEY,
  order_id   INTEGER NOT NULL,
  event_type TEXT NOT NULL,
  event_ms   INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  channel    TEXT NOT NULL,
  body       TEXT NOT NULL
) STRICT;
CREATE INDEX parked_events_order ON parked_events (order_id, inbox_id);
CREATE INDEX parked_events_expiry ON parked_events (expires_ms);

-- Answers of the assembly API, so that a repeat changes nothing.
CREATE TABLE api_requests (
  key        TEXT NOT NULL PRIMARY KEY,
  body_hash  TEXT NOT NULL,
  answer     TEXT NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX api_requests_age ON api_requests (created_ms);

CREATE TABLE alerts (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  rule        TEXT NOT NULL,
  subject     TEXT NOT NULL,
  severity    TEXT NOT NULL,
  state       TEXT NOT NULL, -- pending, firing, resolved
  chat        TEXT NOT NULL,
  text        TEXT NOT NULL,
  since_ms    INTEGER NOT NULL,
  fired_ms    INTEGER,
  notified_ms INTEGER,
  resolved_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX alerts_live ON alerts (rule, subject) WHERE state <> 'resolved';
CREATE INDEX alerts_subject ON alerts (rule, subject, id);

CREATE TABLE telegram_head (
  head_id        INTEGER PRIMARY KEY,
  chat           TEXT NOT NULL UNIQUE,
  send_to        TEXT NOT NULL DEFAULT '', -- the supergroup that it became
  last_seq       INTEGER NOT NULL,
  state          INTEGER NOT NULL,
  due_ms         INTEGER NOT NULL,
  lease_owner    TEXT,
  lease_epoch    INTEGER NOT NULL DEFAULT 0,
  lease_until_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX telegram_head_ready ON telegram_head (due_ms, head_id) WHERE state = 1;
CREATE INDEX telegram_head_leased ON telegram_head (lease_until_ms) WHERE state = 2;

CREATE TABLE telegram_queue (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id       TEXT NOT NULL,
  head_id          INTEGER NOT NULL,
  chat             TEXT NOT NULL,
  event_type       TEXT NOT NULL, -- fire, repeat, resolve, notice
  order_seq        INTEGER NOT NULL,
  alert_id         INTEGER,
  severity         TEXT NOT NULL,
  state            INTEGER NOT NULL,
  outcome          TEXT NOT NULL DEFAULT '',
  hold             TEXT NOT NULL DEFAULT 'none',
  attempts         INTEGER NOT NULL DEFAULT 0,
  due_ms           INTEGER NOT NULL,
  lease_owner      TEXT,
  lease_epoch      INTEGER NOT NULL DEFAULT 0,
  lease_until_ms   INTEGER NOT NULL DEFAULT 0,
  sending_since_ms INTEGER,
  error            TEXT,
  created_ms       INTEGER NOT NULL,
  updated_ms       INTEGER NOT NULL,
  text             TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX telegram_queue_order ON telegram_queue (head_id, order_seq);
CREATE UNIQUE INDEX telegram_queue_one_taken ON telegram_queue (head_id) WHERE state = 2;
CREATE INDEX telegram_queue_failed ON telegram_queue (id) WHERE state = 4;

CREATE TABLE telegram_archive (
  id                  INTEGER PRIMARY KEY,
  message_id          TEXT NOT NULL,
  chat                TEXT NOT NULL,
  event_type          TEXT NOT NULL,
  order_seq           INTEGER NOT NULL,
  alert_id            INTEGER,
  severity            TEXT NOT NULL,
  text                TEXT NOT NULL,
  state               INTEGER NOT NULL,
  outcome             TEXT NOT NULL,
  attempts            INTEGER NOT NULL,
  error               TEXT,
  created_ms          INTEGER NOT NULL,
  sent_ms             INTEGER,
  telegram_message_id INTEGER
) STRICT;
CREATE INDEX telegram_archive_chat ON telegram_archive (chat, sent_ms);

CREATE TABLE document_series (
  name TEXT PRIMARY KEY,
  last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE documents (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  kind          TEXT NOT NULL, -- sale correction return report
  series        TEXT NOT NULL,
  number        INTEGER NOT NULL,
  order_id      INTEGER NOT NULL,
  revision      INTEGER NOT NULL,
  store_id      TEXT NOT NULL,
  business_date TEXT NOT NULL,
  total_minor   INTEGER NOT NULL,
  vat_minor     INTEGER NOT NULL,
  state         TEXT NOT NULL, -- made, exported
  file_name     TEXT NOT NULL DEFAULT '',
  file_hash     TEXT NOT NULL DEFAULT '',
  body          TEXT NOT NULL, -- the JSON form; every export is made from it
  created_ms    INTEGER NOT NULL,
  exported_ms   INTEGER,
  UNIQUE (series, number),
  UNIQUE (order_id, kind, revision)
) STRICT;
CREATE INDEX documents_to_export ON documents (id) WHERE state = 'made';

CREATE TABLE job_runs (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  job        TEXT NOT NULL,
  slot_ms    INTEGER, -- null: started by hand
  started_ms INTEGER NOT NULL,
  ended_ms   INTEGER,
  outcome    TEXT NOT NULL, -- running ok failed timeout killed skipped lost
  detail     TEXT NOT NULL DEFAULT '',
  trigger    TEXT NOT NULL, -- schedule, catch-up, or who asked
  term       INTEGER NOT NULL -- fencing term of the scheduler that ran it
) STRICT;
CREATE INDEX job_runs_job ON job_runs (job, id);
-- A slot has one run; one that was lost with its scheduler may be repeated.
CREATE UNIQUE INDEX job_runs_slot ON job_runs (job, slot_ms)
  WHERE slot_ms IS NOT NULL AND outcome <> 'lost';
CREATE INDEX job_runs_open ON job_runs (job, id) WHERE ended_ms IS NULL;
CREATE INDEX job_runs_lost ON job_runs (job, slot_ms) WHERE outcome = 'lost';

CREATE TABLE jobs (
  name         TEXT PRIMARY KEY,
  last_slot_ms INTEGER NOT NULL, -- the last slot that was decided
  paused       INTEGER NOT NULL DEFAULT 0,
  requested_by TEXT NOT NULL DEFAULT '' -- run now, asked for by
) STRICT, WITHOUT ROWID;

-- Who may do what only one process of an installation may do.
CREATE TABLE leases (
  name     TEXT PRIMARY KEY,
  owner    TEXT NOT NULL,
  term     INTEGER NOT NULL, -- goes up with every new owner
  until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
