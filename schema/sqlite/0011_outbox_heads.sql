-- Heads of the outbox are put away when their order is over, as those of the
-- inbox (0004): the id and the last number of a head that is gone.
CREATE TABLE outbox_head_idle (
  order_id INTEGER NOT NULL,
  endpoint TEXT NOT NULL,
  head_id  INTEGER NOT NULL UNIQUE,
  last_seq INTEGER NOT NULL,
  PRIMARY KEY (order_id, endpoint)
) STRICT, WITHOUT ROWID;

-- Programs from before 0008 write no feed, those from before 0009 cannot read an
-- answer that is kept with bytes for keys, and those from before this one would
-- begin anew the sequence of a head that was put away.
UPDATE store_meta SET min_reader = 11;
