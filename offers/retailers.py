"""Retailers: made and changed, with an audit row each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict
from zoneinfo import available_timezones

from django.db import IntegrityError, transaction

from offers import audit, retailer_settings
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, InvalidPayload, NotFound
from offers.models import Retailer

AUDITED = ("name", "timezone", "currency", "stacking", "settings")


class Fields(TypedDict, total=False):
    """What a caller may set; in a change, a key left out stays as it is. The currency only when it is made."""

    name: str
    timezone: str
    currency: str
    stacking: dict[str, Any]
    settings: dict[str, Any]  # of retailer_settings.Settings; what is not named stays as it is


def create(*, fields: Fields, actor: Actor, now: datetime) -> Retailer:
    """Make a retailer. Refuses `duplicate_found` for a name that is taken, `invalid_settings`, `invalid_payload`."""
    row = Retailer()
    _apply(row, fields)
    return _save(row, {}, "retailer.create", actor, now)


def update(*, retailer_id: int, fields: Fields, actor: Actor, now: datetime) -> Retailer:
    """Change a retailer; what hangs on it follows from the next request on.

    Refuses `not_found`, `duplicate_found`, `invalid_settings`, `invalid_payload` (time zone).
    """
    with transaction.atomic():
        row = Retailer.objects.select_for_update(no_key=True).filter(pk=retailer_id).first()
        if row is None:
            raise NotFound("retailer", retailer_id)
        before = _state(row)
        _apply(row, {name: value for name, value in fields.items() if name != "currency"})  # every amount is in it
        return _save(row, before, "retailer.update", actor, now)


def _apply(row: Retailer, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name == "timezone" and not (isinstance(value, str) and value in available_timezones()):
            raise InvalidPayload(f"{value} is not a time zone such as Europe/Berlin", field="timezone")
        setattr(row, name, retailer_settings.merged(row.settings, value) if name == "settings" else value)


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
