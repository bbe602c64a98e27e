"""The back office of launches: building them, and watching a queue run."""

from checkout.admission.admin import launches

__all__ = ["launches"]
