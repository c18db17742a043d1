-- What the marketplace said of an order's goods after they were packed: the
-- next run of invoicing makes a return of it, or a person does.
CREATE TABLE order_later_changes (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id    INTEGER NOT NULL,
  event_ms    INTEGER NOT NULL,
  total_minor INTEGER NOT NULL, -- of the order, -1: it did not say
  body        TEXT NOT NULL,    -- positions (domain/invoice/later_change.h)
  state       TEXT NOT NULL,    -- due, done, nothing, told, settled
  reason      TEXT NOT NULL DEFAULT '', -- told: why a person is needed
  created_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX order_later_changes_due ON order_later_changes (id)
  WHERE state = 'due';
CREATE INDEX order_later_changes_told ON order_later_changes (order_id)
  WHERE state = 'told';
CREATE INDEX order_later_changes_order ON order_later_changes (order_id, id);
