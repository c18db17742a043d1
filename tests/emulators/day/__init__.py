"""A day of orders in minutes: the marketplace, the pickers and what must come of it. See ../README.md."""
