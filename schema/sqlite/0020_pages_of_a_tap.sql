-- What a picker's tap need not write. Kept answers leave in the order of their
-- rows, and a history is never emptied from its end, so that it needs no count
-- of its own to give out ids that were never used. Both only say what is
-- written from now on: no row changes.
DROP INDEX api_requests_age;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, ' AUTOINCREMENT', '')
  WHERE type = 'table' AND name = 'order_history';
DELETE FROM sqlite_sequence WHERE name = 'order_history';
PRAGMA writable_schema = RESET;
