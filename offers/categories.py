"""Categories: found by id or name, made, changed and deleted."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from offers.lib import lookups
from offers.lib.errors import Duplicate, NotFound
from offers.models import Category


def get(*, retailer_id: int, ident: str) -> Category:
    """Return the category with this id or name. Refuses `not_found`."""
    category = lookups.by_ident(Category.objects.filter(retailer_id=retailer_id), ident, other="name")
    if category is None:
        raise NotFound("category", ident)
    return category


def search(*, retailer_id: int) -> QuerySet[Category]:
    """Return the retailer's categories, the first in the stacking hierarchy first."""
    return Category.objects.filter(retailer_id=retailer_id).order_by("hierarchy", "id")


def create(*, retailer_id: int, name: str, hierarchy: int, now: datetime) -> Category:
    """Make a category. Refuses `duplicate_found` for a name that is taken."""
    category = Category(retailer_id=retailer_id, name=name, hierarchy=hierarchy, created_at=now, updated_at=now)
    return _save(category)


def update(
    *, retailer_id: int, ident: str, now: datetime, name: str | None = None, hierarchy: int | None = None
) -> Category:
    """Rename a category or move it; None leaves as it is. Refuses `not_found`, `duplicate_found`."""
    category = get(retailer_id=retailer_id, ident=ident)
    category.name = category.name if name is None else name
    category.hierarchy = category.hierarchy if hierarchy is None else hierarchy
    category.updated_at = now
    return _save(category)


def delete(*, retailer_id: int, ident: str) -> None:
    """Delete a category; what was in it stays without one. Refuses `not_found`."""
    get(retailer_id=retailer_id, ident=ident).delete()


def _save(category: Category) -> Category:
    try:
        with transaction.atomic():
            category.save()
    except IntegrityError as error:
        raise Duplicate(resource_id=category.name, resource_type="category") from error
    return category
