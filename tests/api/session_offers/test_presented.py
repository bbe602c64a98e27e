"""What is presented works: no offer is shown whose code nobody could use (session-offers.md 8)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from checkout import carts, showcase
from checkout.cart_orders import place
from checkout.cart_prices import Visit
from checkout.session_offers import authorize as trust
from checkout.session_offers import fingerprint
from offers import vouchers
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer, Voucher
from tests.api.session_offers.visits import CODE, TEN, lay_out, ops

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


@pytest.fixture
def shop(set_clock: Any) -> Retailer:
    set_clock(NOW)
    return lay_out()[0]


def shown(shop: Retailer) -> list[str]:
    found = showcase.present(retailer_id=shop.pk, session_hash=fingerprint("new"), now=clock.now(), cart_total=10_000)
    return sorted(one.code for one in found)


@pytest.mark.parametrize(
    "fields",
    [
        {"active": False},
        {"start_date": NOW + timedelta(seconds=1)},
        {"expiration_date": NOW},
        {"deleted_at": NOW, "code": "deleted:x"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_no_offer_whose_code_is_off_out_of_its_dates_or_gone(shop: Retailer, fields: dict[str, Any]) -> None:
    assert shown(shop) == [CODE, TEN]
    Voucher.objects.filter(code=TEN).update(**fields)
    assert shown(shop) == [CODE]


def test_no_offer_for_which_no_code_was_made_yet(shop: Retailer) -> None:
    ops({"op": "create", "kind": "campaign", "fields": {"channel": "FP_", "code": "FP_SOON"}})
    assert "FP_SOON" not in shown(shop)
    discount = {"type": "PERCENT", "percent_off": 5}
    ops({"op": "create", "kind": "voucher", "fields": {"code": "FP_SOON", "discount": discount, "channel": "FP_"}})
    assert "FP_SOON" in shown(shop)


def test_no_offer_whose_uses_are_used_up(shop: Retailer) -> None:
    ops({"op": "create", "kind": "product", "fields": {"sku": "mug", "name": "Mug", "price": 9000, "on_hand": 50}})
    vouchers.update(retailer_id=shop.pk, ident=TEN, fields={"redemption_limit": 1}, actor=SYSTEM, now=NOW)
    assert shown(shop) == [CODE, TEN]
    who = Visit(retailer=shop, session_hash=fingerprint("first"))
    trust(retailer_id=shop.pk, session_hash=who.session_hash, code=TEN, trusted=True, now=NOW)
    carts.add(visit=who, sku="mug", quantity=1, now=NOW)
    total = carts.add_code(visit=who, code=TEN, now=NOW).total
    place(visit=who, total=total, now=NOW)
    assert shown(shop) == [CODE]
