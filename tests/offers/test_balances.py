"""Gift card balances: added to and taken from by hand, each movement listed."""

from typing import Any

import pytest

from offers import balances, voucher_figures, vouchers
from offers.ledger import counters, entries, holds
from offers.lib.errors import Duplicate
from offers.models import AuditEntry, Retailer, Voucher
from tests.offers.test_vouchers import ALICE, NOW, make, use


@pytest.fixture
def card(shop_a: Retailer) -> Voucher:
    return make(shop_a, "CARD", type="GIFT_VOUCHER", gift={"amount": 1000})


def adjust(card: Voucher, amount: int, **more: Any) -> voucher_figures.Figures:
    what: dict[str, Any] = {"retailer_id": card.retailer_id, "ident": card.code, "actor": ALICE, "now": NOW}
    return balances.adjust(**what, amount=amount, **more)[1]


def test_credits_are_added_and_removed(card: Voucher) -> None:
    assert adjust(card, 500).balance == 1500
    figures = adjust(card, -300, reason="typo")
    assert (figures.amount, figures.subtracted, figures.balance) == (1500, 300, 1200)
    row = AuditEntry.objects.filter(action="voucher.balance").latest("id")
    assert (row.before, row.reason) == ({"balance": 1500}, "typo")


def test_the_same_source_moves_a_card_once(card: Voucher) -> None:
    for _ in range(3):
        assert adjust(card, 500, source_id="refund-1").balance == 1500
    assert adjust(card, 500, source_id="refund-2").balance == 2000
    with pytest.raises(Duplicate):
        adjust(card, 400, source_id="refund-1")
    with pytest.raises(Duplicate):
        adjust(card, -500, source_id="refund-1")


def test_no_more_is_removed_than_is_free(card: Voucher) -> None:
    use(card, 600, vouchers.CREDITS, entry="r_1")
    want = holds.Want(kind=vouchers.CREDITS, owner=card.pk, amount=300, granted=1000)
    holds.take(retailer_id=card.retailer_id, wants=[want], reference="s", settle=False, ttl_seconds=60, now=NOW)
    with pytest.raises(balances.InvalidBalance):
        adjust(card, -101)
    assert adjust(card, -100).balance == 300


@pytest.mark.parametrize("amount", [0, 10**15 + 1, -(10**16)])
def test_impossible_amounts_are_refused(card: Voucher, amount: int) -> None:
    with pytest.raises(balances.InvalidBalance):
        adjust(card, amount)


def test_a_card_never_outgrows_its_column(card: Voucher) -> None:
    with pytest.raises(balances.InvalidBalance):
        adjust(card, 10**15)
    assert voucher_figures.of([card], now=NOW)[card.pk].balance == 1000


def test_a_discount_code_has_no_balance(shop_a: Retailer) -> None:
    with pytest.raises(balances.InvalidBalance):
        adjust(make(shop_a, "V"), 100)


def test_movements_tell_what_happened_and_page_both_ways(card: Voucher) -> None:
    assert balances.movements(card, limit=10) == ([], False)
    adjust(card, 500, source_id="top-up", reason="gift")
    use(card, 700, vouchers.CREDITS, entry="r_1")
    entries.reverse(references=["r_1"], now=NOW)
    adjust(card, -100)
    rows, more = balances.movements(card, limit=10)
    assert not more
    assert [(row.type, row.amount, row.balance, row.total) for row in rows] == [
        ("REMOVAL", -100, 1400, 1500),
        ("REFUND", 700, 1500, 1500),
        ("REDEMPTION", -700, 800, 1500),
        ("ADDITION", 500, 1500, 1500),
    ]
    assert (rows[3].source_id, rows[3].reason, rows[2].redemption_id) == ("top-up", "gift", "r_1")
    assert rows[1].related_id == rows[2].id
    first, more = balances.movements(card, limit=3, newest_first=False)
    assert more
    rest, more = balances.movements(card, limit=3, newest_first=False, after=first[-1].id)
    assert not more
    assert [*first, *rest] == rows[::-1]


def test_a_card_reads_the_same_before_and_after_its_first_use(card: Voucher) -> None:
    before = voucher_figures.of([card], now=NOW)[card.pk]
    name = counters.Name(kind=vouchers.CREDITS, owner=card.pk)
    counters.open_counter(name, retailer_id=card.retailer_id, granted=1000, now=NOW)
    assert voucher_figures.of([card], now=NOW)[card.pk] == before
