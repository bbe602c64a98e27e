"""What all dialects share: strict JSON, credentials, errors, view bases, lists."""
