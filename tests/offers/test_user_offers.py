"""Wallet entries: issued within inventory and frequency, used once, given back, revoked, and told about."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from offers import offer_templates, user_offer_counts, user_offers, wallets
from offers.ledger import counters
from offers.lib.actors import SYSTEM
from offers.models import Customer, Offer, Retailer, UserOffer
from offers.offer_limits import inventory_name

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Status = UserOffer.Status


def make_offer(shop: Retailer, common: dict[str, Any] | None = None, **body: Any) -> Offer:
    body = {
        "offer_type": "manual_fulfillment",
        "publish": True,
        "text_config": [{"title": "Coffee", "culture": "en"}],
        "common_config": {"validity_unit": "days", "validity_period": 10, **(common or {})},
        **body,
    }
    return offer_templates.create(retailer_id=shop.pk, body=body, actor=SYSTEM, now=NOW).offer


def somebody(shop: Retailer) -> Customer:
    return Customer.objects.create(retailer=shop)


def issue(offer: Offer, customer: Customer, now: datetime = NOW, **more: Any) -> list[UserOffer]:
    return user_offers.issue(
        retailer_id=offer.retailer_id, offer=offer, customer_id=customer.pk, actor=SYSTEM, now=now, **more
    )


def redeem(entry: UserOffer, now: datetime = NOW, **more: Any) -> UserOffer:
    return user_offers.redeem(user_offer_id=entry.pk, redeemed_in="s:1", amount=500, actor=SYSTEM, now=now, **more)


@pytest.fixture
def dora(shop_a: Retailer) -> Customer:
    return somebody(shop_a)


def test_an_issued_entry_is_valid_for_the_validity_of_its_offer(shop_a: Retailer, dora: Customer) -> None:
    [entry] = issue(make_offer(shop_a), dora)
    assert (entry.starts_at, entry.ends_at) == (NOW, NOW + timedelta(days=10))
    assert wallets.status_of(entry, NOW + timedelta(days=10)) == Status.EXPIRED
    assert wallets.status_of(entry, NOW + timedelta(days=10, microseconds=-1)) == Status.ISSUED


def test_o16_an_offer_that_does_not_expire_gives_entries_without_end(shop_a: Retailer, dora: Customer) -> None:
    [entry] = issue(make_offer(shop_a, {"does_not_expire": True}), dora)
    assert entry.ends_at is None


@pytest.mark.parametrize(("outlives", "days"), [(False, 3), (True, 10)])
def test_o17_an_entry_ends_with_its_offer_unless_valid_after_end_date(
    shop_a: Retailer, dora: Customer, outlives: bool, days: int
) -> None:
    common = {"acquisition_end_date": "2026-11-25T12:00:00Z", "valid_after_end_date": outlives}
    [entry] = issue(make_offer(shop_a, common), dora)
    assert entry.ends_at == NOW + timedelta(days=days)


def test_o19_a_hundred_years(shop_a: Retailer, dora: Customer) -> None:
    common = {"validity_unit": "years", "validity_period": 100, "valid_after_end_date": True}
    [entry] = issue(make_offer(shop_a, common), dora)
    assert entry.ends_at == NOW.replace(year=2126)


def test_months_end_with_the_month(shop_a: Retailer, dora: Customer) -> None:
    offer = make_offer(shop_a, {"validity_unit": "months", "validity_period": 1})
    [entry] = issue(offer, dora, datetime(2027, 1, 31, tzinfo=UTC))
    assert entry.ends_at == datetime(2027, 2, 28, tzinfo=UTC)


def test_an_issue_key_issues_once(shop_a: Retailer, dora: Customer) -> None:
    offer = make_offer(shop_a)
    first = issue(offer, dora, issue_key="rule:1:sale:9", quantity=3)
    again = issue(offer, dora, issue_key="rule:1:sale:9", quantity=3)
    assert [one.pk for one in again] == [one.pk for one in first]
    assert UserOffer.objects.count() == 3


@pytest.mark.parametrize("status", ["draft", "paused", "expired", "archived", "early", "late"])
def test_only_a_published_offer_in_its_window_is_issued(shop_a: Retailer, dora: Customer, status: str) -> None:
    window = {"acquisition_start_date": "2026-11-22 11:00:00", "acquisition_end_date": "2026-11-23 11:00:00"}
    offer = make_offer(shop_a, window, publish=status != "draft")
    do: dict[str, Callable[..., Any]] = {"paused": offer_templates.pause, "expired": offer_templates.expire}
    if status == "archived":
        offer_templates.pause(retailer_id=shop_a.pk, offer_id=offer.uuid, actor=SYSTEM, now=NOW)
        offer_templates.archive(retailer_id=shop_a.pk, offer_id=offer.uuid, actor=SYSTEM, now=NOW)
    elif status in do:
        do[status](retailer_id=shop_a.pk, offer_id=offer.uuid, actor=SYSTEM, now=NOW)
    now = {"early": NOW - timedelta(hours=2), "late": NOW + timedelta(hours=23)}.get(status, NOW)
    with pytest.raises(user_offers.OfferNotAvailable):
        issue(Offer.objects.get(pk=offer.pk), dora, now)


def test_an_offer_is_issued_by_its_key_and_by_any_revision(shop_a: Retailer, dora: Customer) -> None:
    offer = make_offer(shop_a, {"key": "five-dollars"})
    issue(offer, dora)
    body = {"common_config": {"validity_period": 20}}
    newer = offer_templates.update(retailer_id=shop_a.pk, offer_id=offer.uuid, body=body, actor=SYSTEM, now=NOW)
    assert newer.revisioned
    for ident in ("five-dollars", offer.uuid, str(offer.uuid), newer.offer.uuid):
        [entry] = user_offers.issue(retailer_id=shop_a.pk, offer=ident, customer_id=dora.pk, actor=SYSTEM, now=NOW)
        assert entry.offer_id == newer.offer.pk
    [entry] = user_offers.issue(
        retailer_id=shop_a.pk, offer=offer.uuid, customer_id=dora.pk, actor=SYSTEM, now=NOW, exact=True
    )
    assert entry.offer_id == offer.pk


def test_another_retailers_offer_is_not_found(shop_a: Retailer, shop_b: Retailer, dora: Customer) -> None:
    offer = make_offer(shop_b)
    with pytest.raises(offer_templates.OfferNotFound):
        user_offers.issue(retailer_id=shop_a.pk, offer=offer.uuid, customer_id=dora.pk, actor=SYSTEM, now=NOW)


def test_the_inventory_is_all_there_is_for_all_revisions(shop_a: Retailer, dora: Customer) -> None:
    offer = make_offer(shop_a, use_restrictions=[{"kind": "inventory", "count": 3}])
    issue(offer, dora, quantity=2)
    with pytest.raises(user_offer_counts.InventoryExhausted):
        issue(offer, dora, quantity=2)
    assert UserOffer.objects.count() == 2
    body = {"use_restrictions": [{"kind": "inventory", "count": 4}]}
    newer = offer_templates.update(retailer_id=shop_a.pk, offer_id=offer.uuid, body=body, actor=SYSTEM, now=NOW)
    assert newer.revisioned
    issue(newer.offer, dora, quantity=2)
    with pytest.raises(user_offer_counts.InventoryExhausted):
        issue(offer, dora)


def test_an_inventory_set_later_counts_what_was_issued(shop_a: Retailer, dora: Customer) -> None:
    offer = make_offer(shop_a)
    issue(offer, dora, quantity=4)
    body = {"use_restrictions": [{"kind": "inventory", "count": 5}]}
    offer_templates.update(retailer_id=shop_a.pk, offer_id=offer.uuid, body=body, actor=SYSTEM, now=NOW)
    issue(offer_templates.newest(offer), dora)
    with pytest.raises(user_offer_counts.InventoryExhausted):
        issue(offer_templates.newest(offer), dora)


def test_issuance_per_customer_and_day_in_the_retailers_zone(shop_a: Retailer, dora: Customer) -> None:
    Retailer.objects.filter(pk=shop_a.pk).update(timezone="America/New_York")
    offer = make_offer(shop_a, use_restrictions=[{"kind": "issuance", "per": "user", "count": 1, "period": "day"}])
    issue(offer, dora, datetime(2026, 11, 23, 4, 59, tzinfo=UTC))
    with pytest.raises(user_offer_counts.FrequencyExceeded):
        issue(offer, dora, datetime(2026, 11, 22, 5, 0, tzinfo=UTC))
    issue(offer, somebody(shop_a), datetime(2026, 11, 23, 4, 59, tzinfo=UTC))
    issue(offer, dora, datetime(2026, 11, 23, 5, 0, tzinfo=UTC))


def test_an_entry_is_redeemed_once(shop_a: Retailer, dora: Customer) -> None:
    [entry] = issue(make_offer(shop_a), dora)
    redeemed = redeem(entry)
    assert (redeemed.status, redeemed.redeemed_in, redeemed.redeemed_amount) == (Status.REDEEMED, "s:1", 500)
    with pytest.raises(user_offers.AlreadyRedeemed):
        redeem(entry)


def test_an_entry_is_not_redeemed_before_its_start_or_at_its_end(shop_a: Retailer, dora: Customer) -> None:
    [entry] = issue(make_offer(shop_a), dora, starts_at=NOW + timedelta(hours=1))
    with pytest.raises(user_offers.OfferNotStarted):
        redeem(entry)
    assert entry.ends_at is not None
    with pytest.raises(user_offers.OfferExpired):
        redeem(entry, entry.ends_at)
    assert redeem(entry, entry.ends_at, promised=True).status == Status.REDEEMED


@pytest.mark.parametrize("outlives", [False, True])
def test_an_expire_call_ends_entries_unless_they_outlive_the_offer(
    shop_a: Retailer, dora: Customer, outlives: bool
) -> None:
    offer = make_offer(shop_a, {"valid_after_end_date": outlives})
    [entry] = issue(offer, dora)
    offer_templates.expire(retailer_id=shop_a.pk, offer_id=offer.uuid, actor=SYSTEM, now=NOW)
    if outlives:
        assert redeem(entry).status == Status.REDEEMED
        return
    assert wallets.wallet(retailer_id=shop_a.pk, customer_id=dora.pk, now=NOW) == ([], 0)
    with pytest.raises(user_offers.OfferExpired):
        redeem(entry)


def test_a_paused_offer_is_still_redeemed(shop_a: Retailer, dora: Customer) -> None:
    offer = make_offer(shop_a)
    [entry] = issue(offer, dora)
    offer_templates.pause(retailer_id=shop_a.pk, offer_id=offer.uuid, actor=SYSTEM, now=NOW)
    assert redeem(entry).status == Status.REDEEMED


def test_o23_once_a_day_is_refused_the_second_time(shop_a: Retailer, dora: Customer) -> None:
    offer = make_offer(shop_a, use_restrictions=[{"kind": "redemption", "per": "user", "count": 1, "period": "day"}])
    first, second = issue(offer, dora, quantity=2)
    redeem(first)
    with pytest.raises(user_offer_counts.FrequencyExceeded):
        user_offers.check(user_offer=second, now=NOW)
    with pytest.raises(user_offer_counts.FrequencyExceeded):
        redeem(second)
    assert UserOffer.objects.get(pk=second.pk).status == Status.ISSUED
    redeem(second, NOW + timedelta(days=1))


def test_reinstating_gives_the_use_back(shop_a: Retailer, dora: Customer) -> None:
    offer = make_offer(shop_a, use_restrictions=[{"kind": "redemption", "per": "user", "count": 1}])
    first, second = issue(offer, dora, quantity=2)
    for _ in range(2):  # more than once, at the same moment
        redeem(first)
        back = user_offers.reinstate(user_offer_id=first.pk, actor=SYSTEM, now=NOW)
        assert (back.status, back.ends_at) == (Status.ISSUED, first.ends_at)
    with pytest.raises(user_offers.NotRedeemed):
        user_offers.reinstate(user_offer_id=first.pk, actor=SYSTEM, now=NOW)
    redeem(second)


def test_a_reinstated_entry_past_its_end_is_expired_unless_extended(shop_a: Retailer, dora: Customer) -> None:
    [entry] = issue(make_offer(shop_a), dora)
    redeem(entry)
    later = NOW + timedelta(days=30)
    back = user_offers.reinstate(user_offer_id=entry.pk, actor=SYSTEM, now=later)
    assert wallets.status_of(back, later) == Status.EXPIRED
    redeem(entry, promised=True)
    longer = later + timedelta(days=1)
    back = user_offers.reinstate(user_offer_id=entry.pk, actor=SYSTEM, now=later, extend_to=longer)
    assert wallets.status_of(back, later) == Status.ISSUED


def test_revoking_gives_the_inventory_back_and_twice_changes_nothing(shop_a: Retailer, dora: Customer) -> None:
    offer = make_offer(shop_a, use_restrictions=[{"kind": "inventory", "count": 1}])
    [entry] = issue(offer, dora)
    for _ in range(2):
        assert user_offers.revoke(user_offer_id=entry.uuid, actor=SYSTEM, now=NOW).status == Status.REVOKED
    assert [event.kind for event in entry.events.order_by("id")] == ["issued", "revoked"]
    with pytest.raises(user_offers.OfferRevoked):
        redeem(entry)
    [other] = issue(offer, dora)
    redeem(other)
    with pytest.raises(user_offers.AlreadyRedeemed):
        user_offers.revoke(user_offer_id=other.uuid, actor=SYSTEM, now=NOW)


def test_a_later_end_revives_an_expired_entry(shop_a: Retailer, dora: Customer) -> None:
    [entry] = issue(make_offer(shop_a), dora)
    later = NOW + timedelta(days=30)
    user_offers.update(user_offer_id=entry.pk, actor=SYSTEM, now=later, ends_at=later + timedelta(days=1))
    assert redeem(entry, later).status == Status.REDEEMED


def test_o49_the_wallet_holds_what_can_be_used_soonest_end_first(shop_a: Retailer, dora: Customer) -> None:
    long = make_offer(shop_a, {"does_not_expire": True})
    short = make_offer(shop_a, {"validity_period": 1})
    [endless] = issue(long, dora)
    [early] = issue(short, dora, NOW - timedelta(hours=2))
    [late] = issue(short, dora)
    issue(short, dora, NOW - timedelta(days=2))
    issue(short, dora, starts_at=NOW + timedelta(hours=1))
    [used], [gone] = issue(short, dora), issue(short, dora)
    redeem(used)
    user_offers.revoke(user_offer_id=gone.pk, actor=SYSTEM, now=NOW)
    held, total = wallets.wallet(retailer_id=shop_a.pk, customer_id=dora.pk, now=NOW)
    assert ([one.pk for one in held], total) == ([early.pk, late.pk, endless.pk], 3)
    page, total = wallets.wallet(retailer_id=shop_a.pk, customer_id=dora.pk, now=NOW, skip=1, take=1)
    assert ([one.pk for one in page], total) == ([late.pk], 3)


def test_o65_the_history_shows_expired_without_a_job_and_what_was_rolled_back(shop_a: Retailer, dora: Customer) -> None:
    offer = make_offer(shop_a)
    [old] = issue(offer, dora, NOW - timedelta(days=11))
    [entry] = issue(offer, dora)
    redeem(entry)
    user_offers.reinstate(user_offer_id=entry.pk, actor=SYSTEM, now=NOW)

    def told(option: int) -> list[tuple[int, int, bool]]:
        lines, total = wallets.history(retailer_id=shop_a.pk, customer_ids=[dora.pk], now=NOW, rollback_option=option)
        assert total == len(lines)
        return [(line.user_offer.pk, line.status, line.undone is not None) for line in lines]

    entries = [(entry.pk, 1, False), (old.pk, 4, False)]
    undone = (entry.pk, 2, True)
    assert told(0) == entries
    assert told(1) == [entries[0], undone, entries[1]]
    assert told(2) == [undone]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_hundred_parallel_issues_of_an_inventory_of_ten_issue_ten() -> None:
    shop = Retailer.objects.create(name="Race")
    offer = make_offer(shop, use_restrictions=[{"kind": "inventory", "count": 10}])
    people = [somebody(shop) for _ in range(100)]

    def one(customer: Customer) -> bool:
        try:
            issue(offer, customer)
        except user_offer_counts.InventoryExhausted:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(16) as pool:
        issued = list(pool.map(one, people))
    assert sum(issued) == 10
    assert UserOffer.objects.filter(offer=offer).count() == 10
    state = counters.state(inventory_name(offer.pk), now=NOW)
    assert state is not None and (state.settled, state.available) == (10, 0)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_fifty_parallel_redeems_of_one_entry_redeem_once() -> None:
    shop = Retailer.objects.create(name="Race")
    [entry] = issue(make_offer(shop), somebody(shop))

    def one(number: int) -> bool:
        try:
            user_offers.redeem(user_offer_id=entry.pk, redeemed_in=f"s:{number}", amount=number, actor=SYSTEM, now=NOW)
        except user_offers.AlreadyRedeemed:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(50))) == 1
    assert entry.events.filter(kind="redeemed").count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_issues_under_one_key_issue_once() -> None:
    shop = Retailer.objects.create(name="Race")
    offer, customer = make_offer(shop), somebody(shop)

    def one(_: int) -> int:
        try:
            return issue(offer, customer, issue_key="award:1")[0].pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(one, range(20)))) == 1
    assert UserOffer.objects.count() == 1
