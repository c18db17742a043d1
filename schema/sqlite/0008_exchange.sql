-- What the ERP pulls, in the order of its commits (docs/decisions/018-exchange.md).
-- Rows are never changed; ids are given inside the only write transaction.
CREATE TABLE erp_feed (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  kind    TEXT NOT NULL, -- document, order; restore: a jump of the ids
  ref_id  INTEGER NOT NULL, -- documents.id, orders.id
  event   TEXT NOT NULL, -- made, offered; state, lines
  state   TEXT NOT NULL DEFAULT '', -- of the order, after it
  version INTEGER NOT NULL DEFAULT 0,
  at_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX erp_feed_kind ON erp_feed (kind, id);
CREATE INDEX erp_feed_ref ON erp_feed (ref_id, kind);

INSERT INTO erp_feed (kind, ref_id, event, state, version, at_ms)
  SELECT 'order', id, 'state', state, version, updated_ms FROM orders ORDER BY id;
INSERT INTO erp_feed (kind, ref_id, event, at_ms)
  SELECT 'document', id, 'made', created_ms FROM documents ORDER BY id;

-- Who has read how far: documents and orders by pull, push by the notifier.
CREATE TABLE erp_readers (
  name     TEXT PRIMARY KEY,
  after_id INTEGER NOT NULL,
  read_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the ERP said of a document; no row: nothing yet.
CREATE TABLE erp_verdicts (
  document_id INTEGER PRIMARY KEY REFERENCES documents (id),
  state       TEXT NOT NULL, -- acknowledged, refused, replaced (by a later one)
  reason      TEXT NOT NULL DEFAULT '',
  at_ms       INTEGER NOT NULL
) STRICT;
CREATE INDEX erp_verdicts_refused ON erp_verdicts (document_id) WHERE state = 'refused';

-- Files that the ERP sent; they lie in <state>/incoming until they are over.
CREATE TABLE erp_uploads (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  name        TEXT NOT NULL UNIQUE, -- of the file, and for whoever asks
  kind        TEXT NOT NULL, -- catalog, stores
  state       TEXT NOT NULL, -- waiting, running, done, refused, failed
  bytes       INTEGER NOT NULL,
  rows        INTEGER NOT NULL DEFAULT 0,
  changed     INTEGER NOT NULL DEFAULT 0,
  fault_count INTEGER NOT NULL DEFAULT 0,
  faults      TEXT NOT NULL DEFAULT '[]', -- JSON, the first hundred
  message     TEXT NOT NULL DEFAULT '',
  created_ms  INTEGER NOT NULL,
  ended_ms    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX erp_uploads_open ON erp_uploads (id) WHERE state IN ('waiting', 'running');
CREATE INDEX erp_uploads_age ON erp_uploads (ended_ms) WHERE ended_ms > 0;
