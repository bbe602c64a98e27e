"""The back office of launches: building them, watching them run, and the admissions they gave."""

from checkout.admission.admin import admissions, launches

__all__ = ["admissions", "launches"]
