"""Stores: opened and changed, with an audit row each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict
from zoneinfo import available_timezones

from django.db import transaction

from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import InvalidPayload, NotFound
from offers.models import Store

LONGEST_NAME, LONGEST_TAG, MOST_TAGS = 200, 60, 100


class Fields(TypedDict, total=False):
    """What a caller may set; in a change, a key left out stays as it is. An empty time zone is the retailer's."""

    name: str
    timezone: str
    tags: list[str]
    prices_include_tax: bool
    active: bool


def create(*, retailer_id: int, fields: Fields, actor: Actor, now: datetime) -> Store:
    """Open a store. Refuses `invalid_payload`."""
    row = Store(retailer_id=retailer_id, created_at=now)
    _apply(row, {"name": "", **fields})
    with transaction.atomic():
        row.save(force_insert=True)
        _record(row, "store.create", actor, now, None, _state(row))
    return row


def update(*, retailer_id: int, store_id: int, fields: Fields, actor: Actor, now: datetime) -> Store:
    """Change a store; tills follow from the next request on. Refuses `not_found`, `invalid_payload`."""
    with transaction.atomic():
        row = Store.objects.select_for_update(no_key=True).filter(retailer_id=retailer_id, pk=store_id).first()
        if row is None:
            raise NotFound("store", store_id)
        before = _state(row)
        _apply(row, fields)
        row.save()
        old, new = audit.changes(before, _state(row))
        if new:
            _record(row, "store.update", actor, now, old, new)
    return row


def _apply(row: Store, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name not in Fields.__annotations__ or value is None or not _CHECKS[name](value):
            raise InvalidPayload(f"{value!r} can't be the {name} of a store", field=name)
        setattr(row, name, value)


def _are_tags(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_TAGS
        and all(isinstance(tag, str) and 0 < len(tag) <= LONGEST_TAG for tag in value)
    )


_CHECKS: dict[str, Any] = {
    "name": lambda value: isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_NAME and "\0" not in value,
    "timezone": lambda value: isinstance(value, str) and (not value or value in available_timezones()),
    "tags": _are_tags,
    "prices_include_tax": lambda value: isinstance(value, bool),
    "active": lambda value: isinstance(value, bool),
}


def _state(row: Store) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Fields.__annotations__}


def _record(
    row: Store, action: str, actor: Actor, now: datetime, before: dict[str, Any] | None, after: dict[str, Any]
) -> None:
    audit.record(
        retailer_id=row.retailer_id,
        actor=actor,
        action=action,
        object_type="store",
        object_id=str(row.uuid),
        before=before,
        after=after,
        now=now,
    )
