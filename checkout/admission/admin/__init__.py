"""The back office of launches: building them, watching them run, and the admissions they gave."""

from checkout.admission.admin import admissions, flags, launches

__all__ = ["admissions", "flags", "launches"]
