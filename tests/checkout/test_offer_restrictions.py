"""Purchase and location restrictions, each by its name and to its edge."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from checkout import transaction_queue, transaction_shape
from checkout.models import Revision
from checkout.offer_restrictions import Purchase, RestrictionFailed, check_location, check_purchase
from checkout.shops import StoreFacts
from offers.lib import clock
from offers.models import Offer, Retailer
from tests.api.sessionm.client import Till
from tests.api.sessionm.sales import sale
from tests.api.sessionm.wallets import asks, basket, in_wallet
from tests.pace import quickest

SUNDAY = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def fails(one: dict[str, Any], *, local: datetime = SUNDAY, others: int = 0, **sale: Any) -> str:
    """Return the name of the restriction that refused, "" for none."""
    body = {"transaction_id": "t", **basket("10", "15"), **sale}
    offer = Offer(purchase_restrictions=[one])
    try:
        check_purchase(offer, Purchase(transaction_shape.read(body, finalizing=False), {}, local, others))
    except RestrictionFailed as refusal:
        return str(refusal.data["details"][0]["restriction"])
    return ""


@pytest.mark.parametrize(
    ("one", "passes"),
    [
        ({"kind": "min_subtotal", "amount": 2500}, True),
        ({"kind": "min_subtotal", "amount": 2501}, False),
        ({"kind": "min_item_count", "count": 2}, True),
        ({"kind": "min_item_count", "count": 3}, False),
        ({"kind": "channel", "values": ["store"]}, True),
        ({"kind": "channel", "values": ["web"]}, False),
        ({"kind": "weekdays", "days": ["sunday"]}, True),
        ({"kind": "weekdays", "days": ["monday"]}, False),
        ({"kind": "time_window", "start": "12:30", "end": "12:31"}, True),
        ({"kind": "time_window", "start": "12:00", "end": "12:30"}, False),
        ({"kind": "time_window", "start": "22:00", "end": "12:31"}, True),
        ({"kind": "time_window", "start": "22:00", "end": "06:00"}, False),
    ],
)
def test_each_restriction_at_its_edge(one: dict[str, Any], passes: bool) -> None:
    assert fails(one) == ("" if passes else one["kind"])


def test_discounts_on_a_check_are_counted_with_ours() -> None:
    most = {"kind": "max_discounts_on_check", "count": 2}
    assert (fails(most, others=1), fails(most, others=2)) == ("", "max_discounts_on_check")


def test_stores_are_named_by_id_or_tag() -> None:
    place = StoreFacts(1, uuid4(), "UTC", ("city",), False)
    by_tag = {"store_ids": [], "store_tags": ["city", "north"]}
    by_id = {"store_ids": [str(place.uuid)], "store_tags": []}
    check_location([{"mode": "include", **by_tag}, {"mode": "include", **by_id}], place)
    for refused in ({"mode": "exclude", **by_tag}, {"mode": "exclude", **by_id}):
        with pytest.raises(RestrictionFailed):
            check_location([refused], place)
    with pytest.raises(RestrictionFailed):
        check_location([{"mode": "include", "store_ids": [str(uuid4())], "store_tags": []}], place)


@pytest.mark.django_db
def test_a_welcome_offer_is_for_the_first_purchase_only(shop_a: Retailer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction_queue, "nudge", lambda: None)
    till = Till(shop_a)
    entry = in_wallet(shop_a, purchase_restrictions=[{"kind": "first_purchase_only"}])
    user_id = str(entry.customer.member.uuid).upper()

    def refused() -> bool:
        answer = till.pos("lock", asks(entry, basket("10")))
        return answer.status != 200 and str(answer["errors"]["details"][0]["restriction"]) == "first_purchase_only"

    till.pos("send_transaction", sale("t1", user_id=user_id))  # the one it is locked for does not count
    assert not refused()
    till.pos("send_transaction", sale("before", user_id=user_id))
    assert refused()  # it waits
    transaction_queue.drain(now=clock.now())
    assert not Revision.objects.exclude(state="processed").exists()
    assert refused()
    till.pos("send_transaction", sale("before", user_id=user_id, is_voided="true"))
    transaction_queue.drain(now=clock.now())
    assert not refused()


@pytest.mark.django_db
def test_t54_a_thousand_items_lock_within_a_second(shop_a: Retailer) -> None:
    till, entry = Till(shop_a), in_wallet(shop_a, "percent_item_discount", discount_config={"percent": "50"})

    def lock(_: int) -> None:
        assert till.pos("lock", asks(entry, basket(*["1.00"] * 1000))).status == 200

    quickest(lock, within=1)
