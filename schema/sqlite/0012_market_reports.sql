-- Reports of a marketplace that were held against our documents. What was found
-- is the document; here is what recognises a file and what people are told.
CREATE TABLE market_reports (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  channel       TEXT NOT NULL,
  file_name     TEXT NOT NULL,
  hash          TEXT NOT NULL, -- SHA-256 of the file, hexadecimal
  revision      INTEGER NOT NULL, -- of this file; more than 1: asked for again
  outcome       TEXT NOT NULL, -- done, failed
  reason        TEXT NOT NULL DEFAULT '', -- failed: what is wrong with the file
  document_id   INTEGER NOT NULL DEFAULT 0,
  name          TEXT NOT NULL DEFAULT '', -- of the document: REP-000001
  from_date     TEXT NOT NULL DEFAULT '',
  to_date       TEXT NOT NULL DEFAULT '',
  partial       INTEGER NOT NULL DEFAULT 0,
  order_count   INTEGER NOT NULL DEFAULT 0,
  missing       INTEGER NOT NULL DEFAULT 0,
  extra         INTEGER NOT NULL DEFAULT 0,
  different     INTEGER NOT NULL DEFAULT 0,
  duplicate     INTEGER NOT NULL DEFAULT 0,
  created_ms    INTEGER NOT NULL,
  -- A later report of the same file, name or days says what holds now.
  superseded_ms INTEGER NOT NULL DEFAULT 0,
  exported_ms   INTEGER NOT NULL DEFAULT 0,
  UNIQUE (hash, revision)
) STRICT;
CREATE INDEX market_reports_to_export ON market_reports (id)
  WHERE outcome = 'done' AND exported_ms = 0;
CREATE INDEX market_reports_open ON market_reports (created_ms)
  WHERE superseded_ms = 0;
-- What was sold on the days of a report.
CREATE INDEX documents_by_day ON documents (business_date, id);
