"""Tier systems as staff set them up: a programme with its ordered levels, made whole, with an audit row."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction

from loyalty.models import TierLevel, TierSystem
from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, InvalidPayload

MOST_SYSTEMS = 5
LONGEST_NAME = 120
OPERATORS = (">=", ">", "<=", "<", "==", "!=")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")


def create(
    *,
    retailer_id: int,
    key: str,
    name: str,
    levels: Sequence[Mapping[str, Any]],
    actor: Actor,
    now: datetime,
    demotion: str = TierSystem.Demotion.NONE,
    review_months: int = 12,
) -> TierSystem:
    """Make a programme; a level is {key, name, rank[, entry][, maintenance]}.

    Refuses `invalid_payload`: keys, ranks, conditions, more than five programmes; `duplicate_found` for a key in use.
    """
    if demotion not in TierSystem.Demotion.values or not 1 <= review_months <= 120:
        raise InvalidPayload(
            f"demotion is one of {', '.join(TierSystem.Demotion.values)}; a review is due in 1..120 months"
        )
    if TierSystem.objects.filter(retailer_id=retailer_id).count() >= MOST_SYSTEMS:
        raise InvalidPayload(f"A retailer has at most {MOST_SYSTEMS} tier systems")
    _named(key, name)
    rows = [_level(level) for level in levels]
    if not rows or len({row.key for row in rows}) < len(rows) or len({row.rank for row in rows}) < len(rows):
        raise InvalidPayload("A tier system has levels, each with a key and a rank of its own", field="levels")
    system = TierSystem(retailer_id=retailer_id, key=key, name=name, demotion=demotion, review_months=review_months)
    try:
        with transaction.atomic():
            system.save(force_insert=True)
            for row in rows:
                row.system = system
            TierLevel.objects.bulk_create(rows)
            audit.record(
                retailer_id=retailer_id,
                actor=actor,
                action="tier_system.create",
                object_type="tier_system",
                object_id=str(system.uuid),
                after={"key": key, "name": name, "levels": [dict(level) for level in levels]},
                now=now,
            )
    except IntegrityError as error:
        raise Duplicate("There is a tier system of this key", field="key") from error
    return system


def _level(level: Mapping[str, Any]) -> TierLevel:
    key, name = _named(level.get("key"), level.get("name"))
    rank = level.get("rank")
    if not isinstance(rank, int) or isinstance(rank, bool) or not 0 <= rank <= 1000:
        raise InvalidPayload("A level has a rank from 0 to 1000", field="rank")
    conditions = {part: _condition(level.get(part)) for part in ("entry", "maintenance")}
    return TierLevel(key=key, name=name, rank=rank, **conditions)


def _named(key: object, name: object) -> tuple[str, str]:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise InvalidPayload("Keys have 1 to 60 letters, digits, - or _", field="key")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME:
        raise InvalidPayload(f"Names have 1 to {LONGEST_NAME} characters", field="name")
    return key, name


def _condition(condition: object) -> dict[str, Any] | None:
    """Return the condition of a level, or nothing: everybody is in."""
    if condition is None:
        return None
    if not isinstance(condition, dict) or condition.get("op") not in OPERATORS:
        raise InvalidPayload(f"A condition has a metric, a value and an op of {' '.join(OPERATORS)}", field="entry")
    try:
        Decimal(str(condition.get("value")))
    except InvalidOperation:
        raise InvalidPayload("The value of a condition is a number", field="value") from None
    return dict(condition)
