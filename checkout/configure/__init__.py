"""Configuration as code: a document of a retailer's set-up, or of operations, carried out by the product's verbs."""
