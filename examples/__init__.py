"""Programs beside the product, to read and to copy; nothing imports them."""
