"""Retailers: made and changed, with an audit row each."""

from datetime import datetime
from typing import Any, TypedDict

from django.db import IntegrityError, transaction

from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, NotFound
from offers.models import Retailer

AUDITED = ("name", "timezone", "currency", "stacking")


class Fields(TypedDict, total=False):
    """What a caller may set; in a change, a key left out stays as it is. The currency only when it is made."""

    name: str
    timezone: str
    currency: str
    stacking: dict[str, Any]


def create(*, fields: Fields, actor: Actor, now: datetime) -> Retailer:
    """Make a retailer. Refuses `duplicate_found` for a name that is taken."""
    return _save(Retailer(**fields), {}, "retailer.create", actor, now)


def update(*, retailer_id: int, fields: Fields, actor: Actor, now: datetime) -> Retailer:
    """Change a retailer; what hangs on it follows from the next request on. Refuses `not_found`, `duplicate_found`."""
    with transaction.atomic():
        row = Retailer.objects.select_for_update(no_key=True).filter(pk=retailer_id).first()
        if row is None:
            raise NotFound("retailer", retailer_id)
        before = _state(row)
        for name, value in fields.items():
            if name != "currency":  # every amount there is is in it
                setattr(row, name, value)
        return _save(row, before, "retailer.update", actor, now)


def _save(row: Retailer, before: dict[str, Any], action: str, actor: Actor, now: datetime) -> Retailer:
    try:
        with transaction.atomic():
            row.save()
            old, new = audit.changes(before, _state(row))
            audit.record(
                retailer_id=row.pk,
                actor=actor,
                action=action,
                object_type="retailer",
                object_id=row.public_id,
                before=old if before else None,
                after=new,
                now=now,
            )
    except IntegrityError as error:
        raise Duplicate("There is a retailer of this name", field="name", resource_id=row.name) from error
    return row


def _state(row: Retailer) -> dict[str, Any]:
    return {name: getattr(row, name) for name in AUDITED}
