"""Finds rows by what callers name them, our public id or the shop's, and sorts them as callers ask."""

from typing import TypeVar

from django.db import models
from django.db.models import F, Q

M = TypeVar("M", bound=models.Model)


def by_ident(rows: "models.QuerySet[M]", ident: str, *, other: str = "source_id") -> M | None:
    """Return the row with this public id, else the one whose `other` field says so, else None."""
    if "\x00" in ident:  # PostgreSQL text can't hold it, so nothing can match
        return None
    found = list(rows.filter(Q(public_id=ident) | Q(**{other: ident}))[:2])
    return next((row for row in found if getattr(row, "public_id", None) == ident), found[0] if found else None)


def ordered(rows: "models.QuerySet[M]", order: str, *, created: str = "id") -> "models.QuerySet[M]":
    """Return the rows by a field (- for descending), those without a value last, ties by key.

    `created_at` is read as `created`: by default the key, which rows get in the order they are made, and which every
    list of a retailer has an index on.
    """
    descending = order.startswith("-")
    name = order.lstrip("-")
    if name == "created_at":
        sign = "-" if descending else ""
        return rows.order_by(*dict.fromkeys([f"{sign}{created}", f"{sign}id"]))
    first = F(name).desc(nulls_last=True) if descending else F(name).asc(nulls_last=True)
    return rows.order_by(first, "-id" if descending else "id")
