"""A small, realistic retailer to try the product with; everything is made through the verbs staff and shops use."""
