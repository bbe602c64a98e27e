"""Finds a row by what a caller names it: our public id, or the id the shop gave it."""

from typing import TypeVar

from django.db import models
from django.db.models import Q

M = TypeVar("M", bound=models.Model)


def by_ident(rows: "models.QuerySet[M]", ident: str, *, other: str = "source_id") -> M | None:
    """Return the row with this public id, else the one whose `other` field says so, else None."""
    if "\x00" in ident:  # PostgreSQL text can't hold it, so nothing can match
        return None
    found = list(rows.filter(Q(public_id=ident) | Q(**{other: ident}))[:2])
    return next((row for row in found if getattr(row, "public_id", None) == ident), found[0] if found else None)
