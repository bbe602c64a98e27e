"""Locks of promotion tiers are released: what the tier held is free again, what else the cart holds stays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import msgspec
import pytest
from django.db import connection

from checkout import redemption, sessions, validation
from checkout.asks import Ask
from checkout.models import LockSession
from offers import campaigns, promotions, voucher_figures, vouchers
from offers.ledger import audit
from offers.ledger.models import Counter
from offers.lib import clock
from offers.lib.actors import SYSTEM, Actor
from offers.lib.errors import NotFound, Refusal
from offers.models import AuditEntry, PromotionTier, Retailer
from tests import factories

RITA = Actor(kind="USER", ident="rita", label="rita")


def tier_of(shop: Retailer) -> PromotionTier:
    """A tier whose campaign has money for one cart."""
    made: dict[str, Any] = {"retailer_id": shop.pk, "actor": SYSTEM, "now": clock.now()}
    campaign = campaigns.create(name="One cart", campaign_type="PROMOTION", fields={"budget": 500}, **made)
    fields: Any = {"name": "Five off", "discount": {"type": "AMOUNT", "amount_off": 500}}
    return promotions.create(campaign=campaign, fields=fields, actor=SYSTEM, now=clock.now())


@pytest.fixture
def tier(db: None) -> PromotionTier:
    return tier_of(factories.retailer())


def asked(key: str, *redeemables: tuple[str, str]) -> Ask:
    body = {
        "redeemables": [{"object": kind, "id": ident} for kind, ident in redeemables],
        "order": {"amount": 9000},
        "session": {"type": "LOCK", "key": key, "ttl": 1, "ttl_unit": "HOURS"},
    }
    return msgspec.convert(body, Ask)


def lock(tier: PromotionTier, key: str, *more: tuple[str, str]) -> bool:
    ask = asked(key, ("promotion_tier", tier.public_id), *more)
    who: dict[str, Any] = {"retailer_id": tier.retailer_id, "actor": SYSTEM, "now": clock.now()}
    return validation.validate(ask=ask, **who).outcome.valid


def release(tier: PromotionTier, key: str, *, actor: Actor = RITA, reason: str = "Stuck cart") -> None:
    sessions.release_tier(
        retailer_id=tier.retailer_id,
        tier_public_id=tier.public_id,
        key=key,
        reason=reason,
        actor=actor,
        now=clock.now(),
    )


def budget(tier: PromotionTier) -> int:
    return sum(Counter.objects.filter(kind="campaign.budget", owner=tier.campaign_id).values_list("taken", flat=True))


def test_what_a_tier_held_is_free_for_the_next_cart(tier: PromotionTier) -> None:
    assert lock(tier, "a")
    assert not lock(tier, "b")
    release(tier, "a")
    row = LockSession.objects.get(key="a")
    assert (row.state, row.ended_by) == ("released", "rita")
    assert budget(tier) == 0
    assert lock(tier, "b")
    assert not audit.prove().differences


def test_what_else_the_cart_holds_stays(tier: PromotionTier) -> None:
    fields: Any = {"discount": {"type": "AMOUNT", "amount_off": 100}, "redemption_limit": 1}
    made: dict[str, Any] = {"retailer_id": tier.retailer_id, "actor": SYSTEM, "now": clock.now()}
    code = vouchers.create(code="BESIDE", fields=fields, **made)
    assert lock(tier, "a", ("voucher", "BESIDE"))
    release(tier, "a")
    assert voucher_figures.of([code], now=clock.now())[code.pk].locked == 1
    assert LockSession.objects.get(key="a", object="voucher").state == "live"


def test_a_tier_that_was_deleted_lets_go_too(tier: PromotionTier) -> None:
    assert lock(tier, "a")
    promotions.delete(retailer_id=tier.retailer_id, ident=tier.public_id, actor=SYSTEM, now=clock.now())
    release(tier, "a")
    assert budget(tier) == 0


def test_only_a_lock_that_is_there_is_released(tier: PromotionTier) -> None:
    other = tier_of(factories.retailer(name="Other"))
    assert lock(tier, "a")
    with pytest.raises(NotFound):
        release(tier, "never")
    with pytest.raises(NotFound):
        release(other, "a")
    with pytest.raises(NotFound):
        sessions.release_tier(
            retailer_id=other.retailer_id, tier_public_id=tier.public_id, key="a", actor=RITA, now=clock.now()
        )
    release(tier, "a")
    with pytest.raises(NotFound):
        release(tier, "a")
    assert AuditEntry.objects.filter(action="session.release").count() == 1


def test_past_its_time_there_is_nothing_to_release(tier: PromotionTier) -> None:
    assert lock(tier, "a")
    LockSession.objects.update(expires_at=clock.now())
    with pytest.raises(NotFound):
        release(tier, "a")
    assert LockSession.objects.get(key="a").state == "live"  # the sweep says expired


def test_staff_leave_a_row_in_the_audit_trail_and_shops_do_not(tier: PromotionTier) -> None:
    assert lock(tier, "a")
    release(tier, "a", actor=SYSTEM)
    assert not AuditEntry.objects.filter(action="session.release").exists()
    assert lock(tier, "b")
    release(tier, "b")
    entry = AuditEntry.objects.get(action="session.release")
    assert (entry.object_type, entry.object_id) == ("promotion_tier", tier.public_id)
    assert (entry.actor, entry.reason, entry.before) == ("rita", "Stuck cart", {"session": "b"})


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_release_and_a_redemption_at_once_agree_on_who_won() -> None:
    tier = tier_of(factories.retailer())
    for number in range(12):
        key = f"cart-{number}"
        assert lock(tier, key)
        start = Barrier(2)

        def attempt(job: Callable[[], object], start: Barrier = start) -> bool:
            try:
                start.wait(20)
                job()
            except Refusal:
                return False
            finally:
                connection.close()
            return True

        def redeem(key: str = key) -> object:
            ask = asked(key, ("promotion_tier", tier.public_id))
            who: dict[str, Any] = {"retailer_id": tier.retailer_id, "actor": SYSTEM, "now": clock.now()}
            return redemption.redeem(ask=ask, **who)

        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(attempt, redeem), pool.submit(attempt, partial(release, tier, key))]
            redeemed, _ = (job.result(60) for job in jobs)
        assert budget(tier) == (500 if redeemed else 0)
        assert LockSession.objects.get(key=key).state in ("redeemed", "released")
        if redeemed:
            break
    assert not audit.prove().differences
