"""The one read behind a validation or redemption: what it finds, and what stands next to it and is somebody else's."""

from typing import Any

import pytest

from checkout import reading, sessions
from checkout.asks import Ask, RedeemableAsk
from checkout.reading import Reading
from offers.ledger import holds
from offers.ledger.holds import Want
from offers.ledger.models import Counter, Hold
from offers.lib import clock
from offers.models import Retailer, Voucher
from tests.flows import shop

pytestmark = pytest.mark.django_db(transaction=True)


def read(owner: Retailer, *codes: str, key: str = "") -> Reading:
    ask = Ask(redeemables=[RedeemableAsk(id=code) for code in codes])
    reference = sessions.reference(owner.pk, key) if key else ""
    return reading.read(retailer_id=owner.pk, ask=ask, reference=reference, periods=[""], now=clock.now())


def hold(owner: Retailer, code: Voucher, key: str, **more: Any) -> None:
    wanted: dict[str, Any] = {"kind": "voucher.uses", "amount": 1, "granted": code.redemption_limit, **more}
    holds.hold(
        retailer_id=owner.pk,
        wants=[Want(owner=code.pk, item=f"v{code.pk}", **wanted)],
        reference=sessions.reference(owner.pk, key),
        ttl_seconds=60,
        now=clock.now(),
    )


def test_what_the_own_session_holds_is_told_and_not_what_another_does(shop_a: Retailer) -> None:
    code = shop.code(shop_a, limit=3)
    hold(shop_a, code, "mine")
    hold(shop_a, code, "theirs")
    mine = Hold.objects.get(reference=sessions.reference(shop_a.pk, "mine"))
    (counter,) = read(shop_a, "CODE", key="mine").vouchers["CODE"].counters
    assert (counter.taken, counter.own, counter.taken_by_others) == (2, 1, 1)
    assert read(shop_a, "CODE", key="mine").vouchers["CODE"].held == mine.pk
    assert read(shop_a, "CODE", key="other").vouchers["CODE"].held is None
    assert read(shop_a, "CODE").vouchers["CODE"].held is None


def test_two_holds_of_the_session_on_one_voucher_are_no_single_one(shop_a: Retailer) -> None:
    code = shop.code(shop_a, limit=3)
    now, reference = clock.now(), sessions.reference(shop_a.pk, "mine")
    wants = [
        Want(owner=code.pk, item=f"v{code.pk}", kind=kind, amount=1, granted=9)
        for kind in ("voucher.uses", "voucher.credits")
    ]
    holds.hold(retailer_id=shop_a.pk, wants=wants, reference=reference, ttl_seconds=60, now=now)
    found = read(shop_a, "CODE", key="mine").vouchers["CODE"]
    assert found.held is None
    assert sorted((one.kind, one.own) for one in found.counters) == [("voucher.credits", 1), ("voucher.uses", 1)]


def test_the_rows_of_a_popular_code_are_added_up(shop_a: Retailer) -> None:
    code = shop.code(shop_a, limit=100, hot=True)
    for number in range(7):
        hold(shop_a, code, f"cart-{number}", shards=64)
    assert Counter.objects.filter(owner=code.pk).count() == 64
    (counter,) = read(shop_a, "CODE", key="cart-3").vouchers["CODE"].counters
    assert (counter.granted, counter.taken, counter.own, counter.taken_by_others) == (100, 7, 1, 6)


def test_a_campaign_of_the_same_number_is_not_the_vouchers(shop_a: Retailer) -> None:
    other = shop.campaign(shop_a, "Other", budget=500)
    own = shop.campaign(shop_a, "Own", budget=900)
    shop.code(shop_a, "OWN", pk=other.pk, campaign=own)
    shop.code(shop_a, "NONE", pk=own.pk, campaign=None, discount=shop.TEN_PERCENT)
    for kind, number in (("campaign.budget", other.pk), ("campaign.budget", own.pk), ("voucher.uses", other.pk)):
        Counter.objects.create(retailer_id=shop_a.pk, kind=kind, owner=number, family=0, granted=number, counted=True)
    assert {one.kind: one.granted for one in read(shop_a, "OWN").vouchers["OWN"].counters} == {
        "campaign.budget": own.pk,
        "voucher.uses": other.pk,
    }
    assert read(shop_a, "NONE").vouchers["NONE"].counters == ()


def test_what_has_expired_is_told_where_it_matters(shop_a: Retailer) -> None:
    code = shop.code(shop_a, limit=2)
    hold(shop_a, code, "mine")
    hold(shop_a, code, "late")
    late = Hold.objects.filter(reference=sessions.reference(shop_a.pk, "late"))
    late.update(expires_at=clock.now())
    (others,) = read(shop_a, "CODE").vouchers["CODE"].counters
    assert (others.due, others.taken_by_others) == (1, 1)
    # The session that holds one needs nothing of what is due.
    (mine,) = read(shop_a, "CODE", key="mine").vouchers["CODE"].counters
    assert (mine.due, mine.own) == (0, 1)


def test_a_code_is_looked_for_in_capitals_only_where_nobody_has_it_as_it_was_sent(shop_a: Retailer) -> None:
    shop.code(shop_a, "Code")
    shop.code(shop_a, "CODE")
    shop.code(shop_a, "OTHER")
    assert set(read(shop_a, "Code", "other").vouchers) & {"Code", "CODE", "OTHER", "other"} == {"Code", "OTHER"}


def test_a_voucher_named_by_its_code_and_its_id_is_found_under_both(shop_a: Retailer) -> None:
    code = shop.code(shop_a)
    found = read(shop_a, "CODE", code.public_id).vouchers
    assert found["CODE"] is found[code.public_id]
    assert read(shop_a, "nobody's", "v_nobody").vouchers == {}
