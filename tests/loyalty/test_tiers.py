"""Tiers: rising by points and spend, keeping a level, falling at its review."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty import points, tiers
from loyalty.models import Member, MemberTier, Purchase, TierLevel, TierSystem
from offers.lib.actors import SYSTEM
from offers.models import AuditEntry, Retailer
from tests.loyalty.people import kind, person
from tests.loyalty.sales import NOON

pytestmark = pytest.mark.django_db
YEAR = timedelta(days=365)


@pytest.fixture
def ada(shop_a: Retailer) -> Member:
    kind(shop_a)
    return person(shop_a)


def club(shop: Retailer, demotion: str = "none", key: str = "club", **conditions: Any) -> TierSystem:
    """Base for everybody, silver at 100 and gold at 200 lifetime points, kept by 100 and 200 points a year."""
    system = TierSystem.objects.create(retailer=shop, key=key, name=key, demotion=demotion)
    TierLevel.objects.create(system=system, key="base", name="Base", rank=1)
    for rank, level in enumerate(("silver", "gold"), start=2):
        value = (rank - 1) * 100
        TierLevel.objects.create(
            system=system,
            key=level,
            name=level,
            rank=rank,
            entry={"metric": "period_points", "op": ">=", "value": value, "period_months": 12, **conditions},
            maintenance={"metric": "period_points", "op": ">=", "value": value, "period_months": 12},
        )
    return system


def earn(who: Member, amount: int, at: Any = NOON) -> None:
    account = points.account(retailer_id=who.retailer_id)
    points.earn(member=who, account=account, amount=amount, reference=f"{at} {amount}", now=at)


def test_everybody_holds_the_free_level(shop_a: Retailer, ada: Member) -> None:
    club(shop_a)
    assert tiers.held(member=ada) == {"club": "base"}
    assert tiers.rise(member=ada, now=NOON) == []


def test_a_member_rises_to_the_highest_level_reached_and_once(shop_a: Retailer, ada: Member) -> None:
    club(shop_a, metric="lifetime_points")
    earn(ada, 99)
    assert tiers.rise(member=ada, now=NOON) == []
    earn(ada, 1)
    assert tiers.rise(member=ada, now=NOON) == [("club", "silver")]
    assert tiers.rise(member=ada, now=NOON) == []
    earn(ada, 500)
    assert tiers.rise(member=ada, now=NOON) == [("club", "gold")]
    assert tiers.held(member=ada) == {"club": "gold"}


def test_points_of_a_period_count_only_in_it(shop_a: Retailer, ada: Member) -> None:
    club(shop_a)
    earn(ada, 90, NOON - YEAR - timedelta(days=1))
    earn(ada, 20)
    assert tiers.rise(member=ada, now=NOON) == []
    earn(ada, 80)
    assert tiers.rise(member=ada, now=NOON) == [("club", "silver")]


def test_spend_can_be_what_counts(shop_a: Retailer, ada: Member) -> None:
    club(shop_a, metric="spend", period_months=None)
    for number, cents in enumerate((9999, 1)):
        Purchase.objects.create(member=ada, occasion=str(number), closed_at=NOON - 3 * YEAR, spend=cents)
        expected = [("club", "silver")] if number else []
        assert tiers.rise(member=ada, now=NOON) == expected
    Purchase.objects.create(member=ada, occasion="x", closed_at=NOON, spend=90000, voided=True)
    assert tiers.rise(member=ada, now=NOON) == []


@pytest.mark.parametrize(("demotion", "left"), [("none", "gold"), ("one_level", "silver"), ("to_qualified", "base")])
def test_at_its_review_a_level_is_kept_or_lowered_as_the_system_says(
    shop_a: Retailer, ada: Member, demotion: str, left: str
) -> None:
    club(shop_a, demotion)
    earn(ada, 250)
    tiers.rise(member=ada, now=NOON)
    due = NOON + YEAR
    assert tiers.review(now=due - timedelta(seconds=1)) == 0
    assert tiers.review(now=due + timedelta(days=1)) == 1
    assert tiers.held(member=ada) == {"club": left}
    assert tiers.review(now=due + timedelta(days=1)) == 0


def test_who_keeps_earning_keeps_the_level(shop_a: Retailer, ada: Member) -> None:
    club(shop_a, "one_level")
    earn(ada, 250)
    tiers.rise(member=ada, now=NOON)
    earn(ada, 200, NOON + timedelta(days=300))
    tiers.review(now=NOON + YEAR + timedelta(days=1))
    assert tiers.held(member=ada) == {"club": "gold"}
    row = MemberTier.objects.get()
    assert row.review_at is not None
    assert row.review_at > NOON + YEAR


def test_moving_somebody_by_hand_is_audited_and_once(shop_a: Retailer, ada: Member) -> None:
    club(shop_a)
    gold = TierLevel.objects.get(key="gold")
    assert tiers.move(member=ada, level=gold, actor=SYSTEM, now=NOON, reason="VIP")
    assert not tiers.move(member=ada, level=gold, actor=SYSTEM, now=NOON)
    assert AuditEntry.objects.get(action="tier.move").reason == "VIP"


def test_levels_of_two_systems_are_told_apart(shop_a: Retailer, shop_b: Retailer, ada: Member) -> None:
    club(shop_a)
    crew = club(shop_a, key="crew")
    found = tiers.level(retailer_id=shop_a.pk, named="crew/gold")
    assert found is not None
    assert found.system == crew
    assert tiers.level(retailer_id=shop_b.pk, named="gold") is None
