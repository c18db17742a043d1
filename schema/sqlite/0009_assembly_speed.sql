-- How many lines the order has, so that a list needs not look at them; null:
-- of an order saved by an earlier version, which is counted.
ALTER TABLE orders ADD COLUMN line_count INTEGER;
