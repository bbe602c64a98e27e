"""A shop on another origin that sells only to those Offerkeep admitted; it knows nothing but the REST calls."""
