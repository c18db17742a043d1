-- Orders read back from the marketplaces (common/store/pull/pulls.h).

-- How far the listing of a channel's changes has come.
CREATE TABLE pull_cursors (
  channel    TEXT PRIMARY KEY,
  since_ms   INTEGER NOT NULL, -- changes before this moment have been listed
  listing_ms INTEGER NOT NULL, -- when the listing under way began; 0: none is
  page_token TEXT NOT NULL,    -- its next page
  updated_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Orders that are to be read whole. One row per order, so no order is read by
-- two at once.
CREATE TABLE pull_queue (
  channel     TEXT NOT NULL,
  external_id TEXT NOT NULL,
  found_ms    INTEGER NOT NULL,
  attempts    INTEGER NOT NULL DEFAULT 0,
  error       TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (channel, external_id)
) STRICT, WITHOUT ROWID;
