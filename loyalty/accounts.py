"""Point accounts, the kinds of points of a retailer: opened, with an audit row each."""

from datetime import datetime
from typing import TypedDict

from django.db import IntegrityError, transaction

from loyalty.models import PointAccount
from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, InvalidPayload

LONGEST = 120


class Fields(TypedDict, total=False):
    """What a caller may set of an account."""

    name: str
    grouping_label: str
    spendable: bool
    default: bool
    allow_negative: bool
    expiry: str
    expiry_days: int | None


def create(*, retailer_id: int, fields: Fields, actor: Actor, now: datetime) -> PointAccount:
    """Open a kind of points; a retailer's first one is its default unless it says otherwise.

    Refuses `invalid_payload` (name, expiry) and `duplicate_found` for a name that is taken or a second default.
    """
    _check(fields)
    wanted = {"default": not PointAccount.objects.filter(retailer_id=retailer_id).exists(), **fields}
    row = PointAccount(retailer_id=retailer_id, created_at=now, **wanted)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            audit.record(
                retailer_id=retailer_id,
                actor=actor,
                action="point_account.create",
                object_type="point_account",
                object_id=str(row.uuid),
                after={name: getattr(row, name) for name in Fields.__annotations__},
                now=now,
            )
    except IntegrityError as error:
        raise Duplicate("There is an account of this name, or another default one", field="name") from error
    return row


def _check(fields: Fields) -> None:
    if not 0 < len(fields.get("name", "").strip()) <= LONGEST or len(fields.get("grouping_label", "")) > LONGEST:
        raise InvalidPayload(f"An account has a name; names and labels have at most {LONGEST} characters")
    expiry, days = fields.get("expiry", PointAccount.Expiry.NEVER), fields.get("expiry_days")
    if expiry not in PointAccount.Expiry.values:
        raise InvalidPayload(f"expiry is one of {', '.join(PointAccount.Expiry.values)}")
    if expiry in (PointAccount.Expiry.ROLLING, PointAccount.Expiry.INACTIVITY) and not (days and days > 0):
        raise InvalidPayload(f"Points that expire {expiry} need expiry_days")
