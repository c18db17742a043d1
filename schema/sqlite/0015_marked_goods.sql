-- Goods of which each piece has a marking code: an order that has them cannot be
-- finished without the codes.
ALTER TABLE products ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;
