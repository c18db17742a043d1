-- Who works with this store, of which machine. Only where machines share one:
-- of a file, the lock files in its run directory know more.
CREATE TABLE processes (
  place      TEXT NOT NULL,    -- of the run directory (common/app/instance.h)
  service    TEXT NOT NULL,
  number     INTEGER NOT NULL,
  host       TEXT NOT NULL,
  owner      TEXT NOT NULL,    -- as in leases
  pid        INTEGER NOT NULL,
  version    TEXT NOT NULL,
  started_ms INTEGER NOT NULL, -- these are by the database's clock
  seen_ms    INTEGER NOT NULL,
  PRIMARY KEY (place, service, number)
) STRICT;
