"""Vouchers: made, changed, switched, deleted, found, and what was used of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from offers import campaign_terms, campaigns, categories, codes, voucher_figures, vouchers
from offers.ledger import counters, holds
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, InvalidPayload, NotFound
from offers.models import AuditEntry, Retailer, Voucher

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALICE = Actor(kind="USER", ident="alice", label="alice")
TEN: dict[str, Any] = {"type": "PERCENT", "percent_off": 10}


def make(shop: Retailer, code: str | None = None, **fields: Any) -> Voucher:
    terms = {"discount": TEN, **fields}
    return vouchers.create(retailer_id=shop.pk, actor=ALICE, now=NOW, code=code, fields=terms)  # type: ignore[arg-type]


def use(voucher: Voucher, amount: int = 1, kind: str = vouchers.USES, *, entry: str, subject: int = 0) -> None:
    granted = voucher.gift_amount if kind == vouchers.CREDITS else voucher.redemption_limit
    want = holds.Want(kind=kind, owner=voucher.pk, amount=amount, granted=granted, entry=entry, subject=subject)
    holds.take(retailer_id=voucher.retailer_id, wants=[want], reference="", settle=True, now=NOW)


def test_a_voucher_without_a_code_gets_a_random_one(shop_a: Retailer) -> None:
    assert len(make(shop_a).code) == 8
    gift = make(shop_a, type="GIFT_VOUCHER", gift={"amount": 1000})
    assert (gift.gift_amount, gift.discount, len(gift.code)) == (1000, None, 11)


def test_code_settings_shape_the_random_code(shop_a: Retailer) -> None:
    config = {"pattern": "AB-##", "charset": "01"}
    what = {"retailer_id": shop_a.pk, "actor": ALICE, "now": NOW, "fields": {"discount": TEN}, "code_config": config}
    made = {vouchers.create(**what).code for _ in range(4)}  # type: ignore[arg-type]
    assert made == {"AB-00", "AB-01", "AB-10", "AB-11"}
    with pytest.raises(codes.InvalidCodeConfig):
        vouchers.create(**what)  # type: ignore[arg-type]


def test_a_code_exists_once_per_retailer_and_case_counts(shop_a: Retailer, shop_b: Retailer) -> None:
    make(shop_a, "SAVE")
    make(shop_a, "save")
    make(shop_b, "SAVE")
    with pytest.raises(Duplicate) as refusal:
        make(shop_a, "SAVE")
    assert refusal.value.data["resource_id"] == "SAVE"


@pytest.mark.parametrize(
    "fields",
    [
        {"discount": None},
        {"type": "GIFT_VOUCHER"},
        {"type": "X"},
    ],
)
def test_a_voucher_worth_nothing_is_refused(shop_a: Retailer, fields: dict[str, Any]) -> None:
    with pytest.raises(vouchers.InvalidVoucher):
        make(shop_a, "X", **fields)


def test_a_voucher_is_found_by_code_and_id_and_only_by_its_retailer(shop_a: Retailer, shop_b: Retailer) -> None:
    voucher = make(shop_a, "A/B c")
    for ident in ("A/B c", voucher.public_id):
        assert vouchers.get(retailer_id=shop_a.pk, ident=ident) == voucher
        with pytest.raises(NotFound):
            vouchers.get(retailer_id=shop_b.pk, ident=ident)


def test_only_sent_fields_change_and_metadata_merges(shop_a: Retailer) -> None:
    make(shop_a, "V", metadata={"a": 1, "b": 2}, additional_info="old", start_date=NOW)
    fields: vouchers.Fields = {"metadata": {"b": None, "c": 3}, "start_date": None}
    changed = vouchers.update(retailer_id=shop_a.pk, ident="V", actor=ALICE, now=NOW, fields=fields)
    changed.refresh_from_db()
    assert changed.metadata == {"a": 1, "c": 3}
    assert (changed.additional_info, changed.start_date, changed.updated_at) == ("old", None, NOW)


@pytest.mark.parametrize("fields", [{"type": "GIFT_VOUCHER"}, {"discount": {"type": "AMOUNT", "amount_off": 5}}])
def test_neither_type_nor_discount_type_changes(shop_a: Retailer, fields: Any) -> None:
    make(shop_a, "V")
    with pytest.raises(vouchers.InvalidVoucher):
        vouchers.update(retailer_id=shop_a.pk, ident="V", actor=ALICE, now=NOW, fields=fields)


def test_a_new_limit_reaches_the_ledger_and_the_audit_trail(shop_a: Retailer) -> None:
    voucher = make(shop_a, "V", redemption_limit=1, customer_limit=1)
    use(voucher, entry="r_1")
    use(voucher, kind=vouchers.CUSTOMER_USES, entry="r_1", subject=7)
    with pytest.raises(holds.Exceeded):
        use(voucher, entry="r_2")
    fields: vouchers.Fields = {"redemption_limit": 2, "customer_limit": 5}
    vouchers.update(retailer_id=shop_a.pk, ident="V", actor=ALICE, now=NOW, fields=fields, reason="more")
    use(voucher, entry="r_2")
    seventh = counters.state(counters.Name(kind=vouchers.CUSTOMER_USES, owner=voucher.pk, subject=7), now=NOW)
    assert seventh is not None
    assert seventh.granted == 5
    row = AuditEntry.objects.get(action="voucher.update")
    assert row.before == {"redemption_limit": 1, "customer_limit": 1}
    assert row.after == {"redemption_limit": 2, "customer_limit": 5}
    assert (row.actor, row.reason) == ("alice", "more")


def test_a_request_that_read_the_old_limit_does_not_open_the_counter_with_it(shop_a: Retailer) -> None:
    stale = make(shop_a, "V", redemption_limit=10)
    fields: vouchers.Fields = {"redemption_limit": 1}
    vouchers.update(retailer_id=shop_a.pk, ident="V", actor=ALICE, now=NOW, fields=fields)
    use(stale, entry="r1")
    with pytest.raises(holds.Exceeded):
        use(stale, entry="r2")


def test_figures_of_many_vouchers_take_one_statement(shop_a: Retailer, django_assert_num_queries: Any) -> None:
    rows = [make(shop_a, f"V{n}", redemption_limit=9) for n in range(3)]
    card = make(shop_a, "CARD", type="GIFT_VOUCHER", gift={"amount": 500})
    use(rows[1], entry="r_1")
    use(card, 200, vouchers.CREDITS, entry="r_2")
    with django_assert_num_queries(1):
        found = voucher_figures.of([*rows, card], now=NOW)
    assert [found[row.pk].redeemed for row in rows] == [0, 1, 0]
    assert (found[card.pk].spent, found[card.pk].balance) == (200, 300)


def test_a_deleted_voucher_is_gone_and_its_code_keeps_its_place(shop_a: Retailer) -> None:
    make(shop_a, "V")
    vouchers.delete(retailer_id=shop_a.pk, ident="V", actor=ALICE, now=NOW)
    with pytest.raises(NotFound):
        vouchers.get(retailer_id=shop_a.pk, ident="V")
    assert not vouchers.search(retailer_id=shop_a.pk).exists()
    with pytest.raises(Duplicate):
        make(shop_a, "V")


def test_force_frees_the_code_of_an_unused_voucher_only(shop_a: Retailer) -> None:
    make(shop_a, "UNUSED")
    use(make(shop_a, "USED"), entry="r_1")
    for code in ("UNUSED", "USED"):
        vouchers.delete(retailer_id=shop_a.pk, ident=code, actor=ALICE, now=NOW, force=True)
    make(shop_a, "UNUSED")
    with pytest.raises(Duplicate):
        make(shop_a, "USED")


def test_switching_leaves_a_trace_once(shop_a: Retailer) -> None:
    make(shop_a, "V")
    for _ in range(2):
        assert not vouchers.switch(retailer_id=shop_a.pk, ident="V", active=False, actor=ALICE, now=NOW).active
    assert AuditEntry.objects.filter(action="voucher.disable").count() == 1
    assert vouchers.switch(retailer_id=shop_a.pk, ident="V", active=True, actor=ALICE, now=NOW).active


def test_a_standalone_campaign_takes_one_voucher_on_its_terms(shop_a: Retailer) -> None:
    public = campaigns.create(
        retailer_id=shop_a.pk,
        actor=ALICE,
        now=NOW,
        name="Public",
        fields={"type": "STANDALONE", "discount": TEN, "redemption_limit": 7},
    )
    what: dict[str, Any] = {"retailer_id": shop_a.pk, "actor": ALICE, "now": NOW, "campaign": public, "fields": {}}
    voucher = vouchers.create(code="BLACK", **what)
    assert (voucher.discount, voucher.redemption_limit, voucher.campaign) == (None, 7, public)
    with pytest.raises(vouchers.InvalidCampaign):
        vouchers.create(code="SECOND", **what)
    public.refresh_from_db()
    assert public.vouchers_count == 1
    vouchers.delete(retailer_id=shop_a.pk, ident="BLACK", actor=ALICE, now=NOW)
    vouchers.create(code="SECOND", **what)
    public.refresh_from_db()
    assert public.vouchers_count == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_standalone_campaign_gets_one_voucher_from_eight_callers(shop_a: Retailer) -> None:
    fields: campaign_terms.Fields = {"type": "STANDALONE", "discount": TEN}
    public = campaigns.create(retailer_id=shop_a.pk, actor=ALICE, now=NOW, name="Public", fields=fields)

    def ask(number: int) -> bool:
        try:
            vouchers.create(
                retailer_id=shop_a.pk, actor=ALICE, now=NOW, campaign=public, fields={}, code=f"CODE{number}"
            )
        except vouchers.InvalidCampaign:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 1
    assert Voucher.objects.count() == 1


def test_windows_and_category_are_checked(shop_a: Retailer) -> None:
    categories.create(retailer_id=shop_a.pk, name="VIP", hierarchy=1, now=NOW)
    assert make(shop_a, "V", category="VIP").category is not None
    with pytest.raises(NotFound):
        make(shop_a, "W", category="other")
    with pytest.raises(InvalidPayload):
        make(shop_a, "W", start_date=NOW, expiration_date=NOW - timedelta(days=1))
    with pytest.raises(NotFound):
        make(shop_a, "W", rules=["val_none"])
    assert not Voucher.objects.filter(code="W").exists()


def test_search_narrows_by_everything_given(shop_a: Retailer, shop_b: Retailer) -> None:
    one, two = make(shop_a, "ONE"), make(shop_a, "TWO")
    make(shop_b, "ONE")
    search = vouchers.search
    assert set(search(retailer_id=shop_a.pk)) == {one, two}
    assert list(search(retailer_id=shop_a.pk, code="ONE")) == [one]
    assert list(search(retailer_id=shop_a.pk, ids=[two.public_id])) == [two]
    assert not search(retailer_id=shop_a.pk, campaign="none").exists()
    assert not search(retailer_id=shop_a.pk, customer="none").exists()
