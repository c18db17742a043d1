-- Files for the ERP. A run of invoicing opens a batch with its first document;
-- whoever exports seals the batch, which ends it and fixes what its files look
-- like, so that they can be made again byte for byte.
CREATE TABLE document_batches (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  state          TEXT NOT NULL, -- open, sealed, done
  document_count INTEGER NOT NULL,
  formats        TEXT NOT NULL DEFAULT '', -- names with a space between
  decimal_comma  INTEGER NOT NULL DEFAULT 0,
  upd_version    TEXT NOT NULL DEFAULT '',
  upd_encoding   TEXT NOT NULL DEFAULT '',
  signer         TEXT NOT NULL DEFAULT '',
  created_ms     INTEGER NOT NULL,
  sealed_ms      INTEGER NOT NULL DEFAULT 0,
  done_ms        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX document_batches_due ON document_batches (id) WHERE state <> 'done';

-- 0: exported before there were batches.
ALTER TABLE documents ADD COLUMN batch_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN actor TEXT NOT NULL DEFAULT '';
CREATE INDEX documents_batch ON documents (batch_id, id);
DROP INDEX documents_to_export;

INSERT INTO document_batches (state, document_count, created_ms)
  SELECT 'open', count(*), max(created_ms) FROM documents WHERE state = 'made'
  HAVING count(*) > 0;
UPDATE documents SET batch_id = 1 WHERE state = 'made';

-- Every file that was written: of a batch (document_id 0) or of one document.
CREATE TABLE document_files (
  batch_id    INTEGER NOT NULL,
  document_id INTEGER NOT NULL,
  format      TEXT NOT NULL,
  file_name   TEXT NOT NULL,
  bytes       INTEGER NOT NULL,
  hash        TEXT NOT NULL, -- SHA-256, hexadecimal
  written_ms  INTEGER NOT NULL,
  PRIMARY KEY (batch_id, document_id, format)
) STRICT, WITHOUT ROWID;
CREATE INDEX document_files_document ON document_files (document_id, format);

-- Reports go through the orders by store and time.
CREATE INDEX orders_report ON orders (store_id, created_ms, id);
