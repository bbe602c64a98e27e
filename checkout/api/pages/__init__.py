"""The HTML face of the same verbs: waiting, checkout, and what comes of it."""
