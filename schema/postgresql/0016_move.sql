-- A store that is on its way to another engine, or has gone there: nobody may
-- work in it (common/store/move). No row: it is the installation's.
CREATE TABLE store_move (
  id           bigint PRIMARY KEY CHECK (id = 1),
  role         text COLLATE "C" NOT NULL, -- source: it has gone; target: it is coming
  installation text COLLATE "C" NOT NULL,
  began_ms     bigint NOT NULL
);
