"""An ERP that documents and orders are pushed to."""
