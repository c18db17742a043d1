-- Marking codes of picked units, one row each. `unit` is GTIN and serial, which
-- name the unit; `code` is the whole code as it was scanned.
CREATE TABLE order_marking_codes (
  order_id INTEGER NOT NULL REFERENCES orders (id),
  line_no  INTEGER NOT NULL,
  position INTEGER NOT NULL, -- from 1, in the sequence of scanning
  unit     TEXT NOT NULL,
  code     TEXT NOT NULL,
  PRIMARY KEY (order_id, line_no, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_marking_codes_unit ON order_marking_codes (unit, order_id);

-- How a store's own EAN-13 labels are laid out (codec/barcode). A store without
-- rows uses those of '': prefix, five digits of article, five of grams.
CREATE TABLE store_labels (
  store_id       TEXT NOT NULL,
  prefix         TEXT NOT NULL,
  article_digits INTEGER NOT NULL,
  value          TEXT NOT NULL,    -- weight, price
  divisor        INTEGER NOT NULL, -- value / divisor is kilograms or roubles
  PRIMARY KEY (store_id, prefix)
) STRICT, WITHOUT ROWID;
INSERT INTO store_labels VALUES
  ('', '20', 5, 'weight', 1000), ('', '21', 5, 'weight', 1000),
  ('', '22', 5, 'weight', 1000), ('', '23', 5, 'weight', 1000),
  ('', '24', 5, 'weight', 1000), ('', '25', 5, 'weight', 1000),
  ('', '26', 5, 'weight', 1000), ('', '27', 5, 'weight', 1000),
  ('', '28', 5, 'weight', 1000), ('', '29', 5, 'weight', 1000);

-- The order's version with which the line last changed: a handheld's journal is
-- held against the lines that it is about, not against the whole order.
ALTER TABLE order_lines ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

-- The order's version after the change that is answered for.
ALTER TABLE api_requests ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

-- What the marketplace changed while the order was here.
CREATE INDEX order_history_changes ON order_history (order_id, id)
  WHERE kind IN ('order.updated', 'order.canceled');

-- Where goods stand, for pick lists; '' stands for all stores.
CREATE TABLE store_places (
  store_id TEXT NOT NULL,
  sku      TEXT NOT NULL,
  zone     TEXT NOT NULL,
  shelf    TEXT NOT NULL,
  PRIMARY KEY (store_id, sku)
) STRICT, WITHOUT ROWID;
