-- A store that is on its way to another engine, or has gone there: nobody may
-- work in it (common/store/move). No row: it is the installation's.
CREATE TABLE store_move (
  id           INTEGER PRIMARY KEY CHECK (id = 1),
  role         TEXT NOT NULL, -- source: it has gone; target: it is coming
  installation TEXT NOT NULL,
  began_ms     INTEGER NOT NULL
) STRICT;
