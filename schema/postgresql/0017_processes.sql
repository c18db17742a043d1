-- Who works with this store, of which machine. Only where machines share one:
-- of a file, the lock files in its run directory know more.
CREATE TABLE processes (
  place      text COLLATE "C" NOT NULL, -- of the run directory (common/app/instance.h)
  service    text COLLATE "C" NOT NULL,
  number     bigint NOT NULL,
  host       text COLLATE "C" NOT NULL,
  owner      text COLLATE "C" NOT NULL, -- as in leases
  pid        bigint NOT NULL,
  version    text COLLATE "C" NOT NULL,
  started_ms bigint NOT NULL,           -- these are by the database's clock
  seen_ms    bigint NOT NULL,
  PRIMARY KEY (place, service, number)
);
