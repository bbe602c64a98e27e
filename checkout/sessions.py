"""Lock sessions: opened by a validation, extended by the same key, ended by redemption, release or the clock.

What a session holds stands in the ledger under `reference(...)`, item "v<voucher>" or "t<tier>"; the LockSession row
tells staff who locked what. Both change in one statement.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from checkout.asks import TTL_UNITS, SessionAsk
from checkout.facts import Confirm, Facts
from checkout.models import LockSession
from offers import audit
from offers.evaluation.verdicts import Verdict
from offers.ledger import holds
from offers.lib.actors import Actor
from offers.lib.calls import call
from offers.lib.errors import InvalidPayload, NotFound
from offers.lib.ids import new_id
from offers.models import PromotionTier, Voucher

DEFAULT_TTL = 7
DEFAULT_UNIT = "DAYS"
LONGEST = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Session:
    """A session as asked for: `ttl` and `unit` as they will be echoed, `expires_at` what they come to."""

    key: str
    ttl: int | float
    unit: str
    expires_at: datetime


def reference(retailer_id: int, key: str) -> str:
    """Return the ledger reference of a retailer's session key."""
    return f"s{retailer_id}:{key}"


def asked(ask: SessionAsk | None, *, now: datetime) -> Session | None:
    """Return the session a validation asks for, with a fresh key if it names none.

    Refuses `invalid_payload` for a ttl that is not positive or longer than ten years.
    A ttl without unit counts days; a unit without ttl means 7 of it.
    """
    if ask is None:
        return None
    ttl = DEFAULT_TTL if ask.ttl is None else ask.ttl
    unit = ask.ttl_unit or DEFAULT_UNIT
    if not ttl > 0:
        raise InvalidPayload("Property .session.ttl should be greater than 0")
    seconds = Decimal(str(ttl)) * TTL_UNITS[unit]
    if seconds > LONGEST.total_seconds():
        raise InvalidPayload(f"Property .session.ttl should be at most {LONGEST.days} days")
    # The clock counts microseconds; a shorter lock is still one.
    duration = max(timedelta(microseconds=1), timedelta(microseconds=int(seconds * 1_000_000)))
    return Session(ask.key or new_id("ssn_", 32), ttl, unit, now + duration)


def named(ask: SessionAsk | None) -> str:
    """Return the key a redemption names, "" without a session. Refuses `invalid_payload` for one without a key."""
    if ask is None:
        return ""
    if ask.key is None:
        raise InvalidPayload("Property .session should have required property 'key'")
    return ask.key


def rows(facts: Facts, session: Session, verdicts: Sequence[Verdict], *, tracking_id: str) -> list[dict[str, Any]]:
    """Return the lock rows of a session, one per applicable redeemable."""
    made = []
    for verdict in verdicts:
        subject = facts.subject(verdict.redeemable)
        voucher, tier = subject.voucher, subject.tier
        made.append(
            {
                "public_id": new_id("lock_"),
                "key": session.key,
                "object": "voucher" if voucher else "promotion_tier",
                "object_id": voucher.id if voucher else tier.row.pk if tier else 0,
                "object_label": voucher.code if voucher else tier.row.public_id if tier else "",
                "campaign_id": subject.campaign.id if subject.campaign else None,
                "customer_id": facts.customer.id if facts.customer else None,
                "tracking_id": tracking_id,
                "discount_amount": verdict.discount_amount,
                "credits": verdict.from_card,
                "ttl": str(session.ttl),
                "ttl_unit": session.unit,
                "actor": facts.actor.ident,
            }
        )
    return made


def release(
    *,
    retailer_id: int,
    voucher_code: str,
    key: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
    version: int | None = None,
    confirm: Confirm | None = None,
) -> None:
    """Give back what `key` holds on a voucher (code or v_ id).

    Refuses `not_found` for an unknown voucher and for a session that is unknown, released, redeemed or expired.
    One statement when the session is there and the caller's right, remembered at `version`, still is: otherwise
    `confirm` is asked first. Staff releases leave an audit row.
    """
    with transaction.atomic() if actor.kind == "USER" else nullcontext():
        found, actual = _release(retailer_id, voucher_code, key, actor, now, version)
        if version is not None and confirm is not None and actual != version:
            confirm(actual)
            found, _ = _release(retailer_id, voucher_code, key, actor, now, None)
        if not found:
            rows = Voucher.objects.filter(retailer_id=retailer_id, deleted_at__isnull=True)
            known = rows.filter(code=voucher_code).exists() or (rows.filter(public_id=voucher_code).exists())
            raise NotFound("session", key) if known else NotFound("voucher", voucher_code)
        if actor.kind == "USER":
            _record(retailer_id, "voucher", voucher_code, key, actor, reason, now)


def release_tier(
    *, retailer_id: int, tier_public_id: str, key: str, actor: Actor, now: datetime, reason: str = ""
) -> None:
    """Give back what `key` holds on a promotion tier, be it deleted meanwhile; what it holds on others stays.

    Refuses `not_found` for an unknown tier and for a session that is unknown, released, redeemed or expired.
    Staff releases leave an audit row.
    """
    tier = PromotionTier.with_deleted.filter(retailer_id=retailer_id, public_id=tier_public_id).first()
    if tier is None:
        raise NotFound("promotion_tier", tier_public_id)
    with transaction.atomic():
        # The ledger first, as in redeeming: in the other order the two would wait for one another.
        holds.finish(reference=reference(retailer_id, key), used=[], given=[f"t{tier.pk}"], now=now)
        mine = LockSession.objects.filter(object="promotion_tier", object_id=tier.pk, key=key)
        live = mine.filter(state=LockSession.State.LIVE, expires_at__gt=now)
        if not live.update(state=LockSession.State.RELEASED, ended_at=now, ended_by=actor.name):
            raise NotFound("session", key)
        if actor.kind == "USER":
            _record(retailer_id, "promotion_tier", tier_public_id, key, actor, reason, now)


def _record(retailer_id: int, kind: str, ident: str, key: str, actor: Actor, reason: str, now: datetime) -> None:
    audit.record(
        retailer_id=retailer_id,
        actor=actor,
        action="session.release",
        object_type=kind,
        object_id=ident,
        before={"session": key},
        reason=reason,
        now=now,
    )


def _release(
    retailer_id: int, voucher_code: str, key: str, actor: Actor, now: datetime, version: int | None
) -> tuple[bool, int]:
    row = call(
        "SELECT released, version FROM checkout_release(%s, %s, %s, %s, %s, %s, %s)",
        retailer_id,
        voucher_code,
        key,
        reference(retailer_id, key),
        version,
        actor.name,
        now,
    )
    assert row is not None, "the function answers every request"
    released, number = row
    return bool(released), number


def expire(*, now: datetime, batch: int = 500, batches: int = 50) -> int:
    """Mark due lock rows as expired: tidying only, availability is judged by the clock at use. Waits for nobody."""
    ended = 0
    for _ in range(batches):
        with connection.cursor() as cursor:
            cursor.execute(_EXPIRE, [now, batch, now])
            count = cursor.rowcount
        ended += count
        if count < batch:
            break
    return ended


_EXPIRE = """
WITH due AS (
    SELECT id FROM checkout_locksession WHERE state = 'live' AND expires_at <= %s
    ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE checkout_locksession l SET state = 'expired', ended_at = %s FROM due WHERE l.id = due.id
"""
