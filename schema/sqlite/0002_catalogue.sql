-- The retailer's goods. An import fills a new generation in small
-- transactions, and the row of catalogue_state publishes it at once; readers
-- always name the generation that it holds.
CREATE TABLE catalogue_state (
  id           INTEGER PRIMARY KEY CHECK (id = 1),
  generation   INTEGER NOT NULL, -- published; 0: nothing was imported
  last         INTEGER NOT NULL, -- latest that was begun
  product_rows INTEGER NOT NULL,
  file_hash    TEXT NOT NULL,    -- of the published file
  published_ms INTEGER NOT NULL
) STRICT;
INSERT INTO catalogue_state VALUES (1, 0, 0, 0, '', 0);

CREATE TABLE products (
  generation        INTEGER NOT NULL,
  sku               TEXT NOT NULL,
  name              TEXT NOT NULL,
  unit              TEXT NOT NULL,
  piece_weight_g    INTEGER, -- null: not said
  vat_rate          TEXT NOT NULL, -- '' : not said
  tolerance_percent INTEGER, -- null: the default
  barcodes          TEXT NOT NULL, -- as imported, a space between two
  PRIMARY KEY (generation, sku)
) STRICT, WITHOUT ROWID;

-- One row per barcode, in the form of product_barcode_key(): digits filled up
-- to 14, so that an EAN-13 and the GTIN-14 of a marking code are the same.
CREATE TABLE product_barcodes (
  generation INTEGER NOT NULL,
  barcode    TEXT NOT NULL,
  sku        TEXT NOT NULL,
  PRIMARY KEY (generation, barcode)
) STRICT, WITHOUT ROWID;

-- SKUs that came in orders and that no catalogue knows: the operator is told
-- once of each.
CREATE TABLE unknown_products (
  sku      TEXT PRIMARY KEY,
  order_id INTEGER NOT NULL, -- the first that named it
  seen_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What else a marketplace says of an order.
ALTER TABLE orders ADD COLUMN client_type TEXT NOT NULL DEFAULT ''; -- b2c, b2b
ALTER TABLE orders ADD COLUMN payment_methods TEXT NOT NULL DEFAULT ''; -- a space between two
ALTER TABLE orders ADD COLUMN delivery_cost_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN cancel_code TEXT NOT NULL DEFAULT ''; -- word of the marketplace
ALTER TABLE orders ADD COLUMN courier_assigned_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN courier_arrived_ms INTEGER NOT NULL DEFAULT 0;

-- Of business customers; personal data as the rest of the table.
ALTER TABLE order_customers ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE order_customers ADD COLUMN inn TEXT NOT NULL DEFAULT '';
ALTER TABLE order_customers ADD COLUMN kpp TEXT NOT NULL DEFAULT '';
ALTER TABLE order_customers ADD COLUMN legal_address TEXT NOT NULL DEFAULT '';

-- An order at a past moment: the state after the change that this row tells of
-- (common/domain/order/order_moment.h). '' : nothing that it holds has changed.
ALTER TABLE order_history ADD COLUMN after TEXT NOT NULL DEFAULT '';
