"""Distributions: made and changed with an audit row, and the state their moments put them in."""

import re
import uuid as uuid_module
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.db import transaction

from checkout.admission.models import Distribution, DrawRun, Experience, LineState, Sequence
from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import InvalidPayload, NotFound

MOMENTS = ("open_at", "close_at", "serve_until", "hard_end_at", "draw_at", "settle_at")
FLAGS = (
    "paused",
    "published",
    "reserve_on_admission",
    "allow_reentry",
    "backfill",
    "require_settled_guest",
    "require_challenge",
    "flagged_last",
)
# name -> least, most, whether null is a value
NUMBERS: dict[str, tuple[int, int, bool]] = {
    "max_capacity": (0, 10_000_000, True),
    "admission_rate": (1, 60_000, True),
    "total_admissions": (0, 10_000_000, True),
    "max_active": (0, 1_000_000, True),
    "max_per_device": (1, 500, True),
    "max_per_network": (1, 500, True),
    "admission_ttl_seconds": (1, 3600, False),
    "pre_queue_minutes": (0, 7 * 24 * 60, False),
    "max_units": (1, 10_000, False),
    "max_extensions": (0, 100, False),
    "extension_seconds": (1, 3600, False),
    "winner_count": (1, 1_000_000, False),
    "capacity": (0, 10_000_000, True),
    "alternates": (0, 1_000_000, False),
    "quantity": (1, 1_000_000, False),
    "auto_extend_seconds": (0, 86_400, False),
}
MONEY = ("start_price", "reserve_price", "min_bid_increment")  # minor units
TEXTS = ("sku", "time_zone", "ordering", "currency")
FIELDS = frozenset({*MOMENTS, *FLAGS, *NUMBERS, *MONEY, *TEXTS})
_CURRENCY = re.compile("[A-Z]{3}")


def state_of(distribution: Distribution, now: datetime) -> str:
    """Return DRAFT, SCHEDULED, OPEN, CLOSED or COMPLETED as the moments say; nothing has to be written down for it.

    A draw that was run is DRAWN, an auction that was settled SETTLED, and COMPLETED once nothing is left to offer.
    """
    if not distribution.published:
        return "DRAFT"
    if distribution.decided_at is not None:
        if distribution.over_at is not None:
            return "COMPLETED"
        return "DRAWN" if distribution.mechanism == Distribution.Mechanism.DRAW else "SETTLED"
    if distribution.open_at and now < distribution.open_at:
        return "SCHEDULED"
    if distribution.close_at is None or now < distribution.close_at:
        return "OPEN"
    if distribution.mechanism == Distribution.Mechanism.QUEUE and not serves(distribution, now):
        return "COMPLETED"
    return "CLOSED"


def serves(distribution: Distribution, now: datetime) -> bool:
    """Whether a queue still admits those inside (pausing apart)."""
    if not distribution.published or (distribution.open_at and now < distribution.open_at):
        return False
    return distribution.serve_until is None or now < distribution.serve_until


def enterable_from(distribution: Distribution) -> datetime | None:
    """Return since when one may enter; None is always."""
    if distribution.open_at is None:
        return None
    if distribution.mechanism != Distribution.Mechanism.QUEUE:
        return distribution.open_at
    return distribution.open_at - timedelta(minutes=distribution.pre_queue_minutes)


def create(
    *,
    retailer_id: int,
    mechanism: str,
    fields: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    experience: Mapping[str, str] | None = None,
    access_code: str = "",
    when_unknown: str = "",
) -> Distribution:
    """Make a distribution with an experience and one general sequence around it. Refuses invalid_payload."""
    if mechanism not in Distribution.Mechanism.values:
        raise InvalidPayload("mechanism should be queue, draw or auction", field="mechanism")
    row = Distribution(retailer_id=retailer_id, mechanism=mechanism, created_at=now)
    given = dict(fields)
    if mechanism == Distribution.Mechanism.QUEUE and given.get("pre_queue_minutes") and not given.get("ordering"):
        given["ordering"] = Distribution.Ordering.SHUFFLE_PREQUEUE.value
    _apply(row, given)
    words = experience or {}
    with transaction.atomic():
        launch = Experience.objects.create(
            retailer_id=retailer_id,
            name=words.get("name") or "Launch",
            description=words.get("description") or "",
            image_url=words.get("image_url") or "",
            when_unknown=_when_unknown(when_unknown or Experience.WhenUnknown.CLOSED.value),
            created_at=now,
        )
        row.sequence = Sequence.objects.create(experience=launch, access_code=_code(access_code))
        row.save()
        if mechanism == Distribution.Mechanism.DRAW:
            DrawRun.objects.create(distribution=row)  # the commitment can be published from now on
        _audit(row, "distribution.create", None, actor, now)
    return row


def update(
    *,
    retailer_id: int,
    uuid: str,
    fields: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    access_code: str | None = None,
    when_unknown: str | None = None,
    reason: str = "",
) -> Distribution:
    """Change a distribution; the next tick and the next request go by it. Refuses not_found, invalid_payload."""
    with transaction.atomic():
        found = Distribution.objects.select_for_update(of=("self",)).select_related("sequence__experience")
        row = found.filter(retailer_id=retailer_id, uuid=as_uuid(uuid)).first()
        if row is None:
            raise NotFound("distribution", uuid)
        before = _facts(row)
        _apply(row, fields)
        row.over_at = None  # more units or winners, say: then there is something to offer again
        row.save()
        LineState.objects.filter(distribution=row).update(forgotten_at=None)
        if access_code is not None:
            row.sequence.access_code = _code(access_code)
            row.sequence.save(update_fields=["access_code"])
        if when_unknown is not None:
            row.sequence.experience.when_unknown = _when_unknown(when_unknown)
            row.sequence.experience.save(update_fields=["when_unknown"])
        _audit(row, "distribution.update", before, actor, now, reason)
    return row


def find(*, retailer_id: int, uuid: str, mechanism: str = "", drafts: bool = False) -> Distribution:
    """Return a published distribution of the retailer, with `drafts` any. Refuses not_found, another's as well."""
    found = Distribution.objects.select_related("sequence__experience").filter(
        retailer_id=retailer_id, uuid=as_uuid(uuid)
    )
    found = found if drafts else found.filter(published=True)
    row = found.filter(mechanism=mechanism).first() if mechanism else found.first()
    if row is None:
        raise NotFound(mechanism or "distribution", uuid)
    return row


def as_uuid(text: object) -> str:
    """Return a text as the UUID it is, or as one that nothing has."""
    try:
        return str(uuid_module.UUID(str(text)))
    except ValueError:
        return "00000000-0000-0000-0000-000000000000"


def _apply(row: Distribution, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name not in FIELDS:
            raise InvalidPayload(f"A distribution has no field {str(name)[:60]}", field=str(name))
        setattr(row, name, _checked(name, value))
    if row.open_at and row.close_at and row.close_at <= row.open_at:
        raise InvalidPayload("close_at should be after open_at", field="close_at")
    if row.close_at and row.serve_until and row.serve_until < row.close_at:
        raise InvalidPayload("serve_until should not be before close_at", field="serve_until")
    # A late bid may have put off the end since: only what is set now is judged.
    moved = fields.keys() & {"open_at", "close_at", "settle_at", "hard_end_at"}
    if moved and row.close_at and row.settle_at and row.settle_at < row.close_at:
        raise InvalidPayload("settle_at should not be before close_at", field="settle_at")
    if moved and row.open_at and row.hard_end_at and row.hard_end_at <= row.open_at:
        raise InvalidPayload("hard_end_at should be after open_at", field="hard_end_at")
    if row.reserve_on_admission and not row.sku:
        raise InvalidPayload("reserve_on_admission needs a sku", field="sku")
    if fields.get("require_challenge") and settings.CHALLENGE_PROVIDER == "none":
        raise InvalidPayload("require_challenge needs a CHALLENGE_PROVIDER (settings)", field="require_challenge")


def _checked(name: str, value: Any) -> Any:
    if name in MOMENTS:
        if value is not None and not (isinstance(value, datetime) and value.tzinfo):
            raise InvalidPayload(f"{name} should be a moment with its time zone", field=name)
    elif name in FLAGS:
        if not isinstance(value, bool):
            raise InvalidPayload(f"{name} should be true or false", field=name)
    elif name in NUMBERS:
        least, most, nullable = NUMBERS[name]
        if value is None and nullable:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InvalidPayload(f"{name} should be a whole number from {least} to {most}", field=name)
    elif name in MONEY:
        if value is None and name == "reserve_price":
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**14:
            raise InvalidPayload(f"{name} should be an amount in minor units", field=name)
    else:
        _check_text(name, value)
    return value


def _check_text(name: str, value: Any) -> None:
    right = isinstance(value, str) and len(value) <= 255 and "\x00" not in value
    if right and name == "time_zone":
        right = value in available_timezones()
    elif right and name == "ordering":
        right = value in Distribution.Ordering.values
    elif right and name == "currency":
        right = bool(_CURRENCY.fullmatch(value))
    if not right:
        raise InvalidPayload(f"{name} is not valid", field=name)


def _code(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 60 or "\x00" in value:
        raise InvalidPayload("access_code should be a text of at most 60 characters", field="access_code")
    return value


def _when_unknown(value: Any) -> str:
    if value not in Experience.WhenUnknown.values:
        raise InvalidPayload("when_unknown should be closed or open", field="when_unknown")
    return str(value)


def _facts(row: Distribution) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value := getattr(row, name), datetime) else value
        for name in ("mechanism", *sorted(FIELDS))
    } | {"when_unknown": row.sequence.experience.when_unknown}


def _audit(
    row: Distribution, action: str, before: dict[str, Any] | None, actor: Actor, now: datetime, reason: str = ""
) -> None:
    after = _facts(row)
    if before is not None:
        before, after = audit.changes(before, after)
    audit.record(
        retailer_id=row.retailer_id,
        actor=actor,
        action=action,
        object_type="distribution",
        object_id=str(row.uuid),
        before=before,
        after=after,
        reason=reason,
        now=now,
    )
