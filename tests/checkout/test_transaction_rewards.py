"""Sales that earn: points and offers once, corrections, voids and returns, the window of twelve months, two payers."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from checkout import transaction_queue
from checkout.models import Revision
from loyalty import members, points, points_standing, rules
from loyalty.models import Member, PointAccount, Purchase, TierLevel, TierSystem
from offers.ledger import audit as proof
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Customer, Offer, Product, Retailer, UserOffer
from tests.api.sessionm.sales import sale
from tests.checkout.test_transactions import Shop, discount
from tests.loyalty.people import kind, person
from tests.loyalty.sales import points_fixed, points_per

LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)


@pytest.fixture
def shop(shop_a: Retailer) -> Shop:
    kind(shop_a)
    return Shop(shop_a)


@pytest.fixture
def ada(shop: Shop) -> Member:
    return person(shop.retailer)


def rule(shop: Shop, name: str = "Per dollar", scope: str = "economy", **definition: Any) -> None:
    definition.setdefault("outcomes", [points_per()])
    rules.save(
        retailer_id=shop.retailer.pk,
        name=name,
        scope=scope,
        definition=definition,
        actor=SYSTEM,
        now=clock.now(),
        in_force_from=LONG_AGO,
    )


def paid(*parts: tuple[Member | str | None, str]) -> list[dict[str, str]]:
    """Return payments: by whom, and how much."""
    found = []
    for at, (who, amount) in enumerate(parts):
        user_id = str(who.uuid) if isinstance(who, Member) else who
        named = {"user_id": user_id, "user_id_type": "SessionM_ID"} if user_id else {}
        found.append({"payment_id": str(at), "type": "CREDIT", "amount": amount, **named})
    return found


def balance(who: Member) -> int:
    return points_standing.balances(member=who, now=clock.now())[0].available


def buy(shop: Shop, who: Member, *amounts: str, at: str = "2026-11-21 09:30:00", **fields: Any) -> Any:
    transaction_id = fields.pop("transaction_id", "t1")
    shop.send(sale(transaction_id, *amounts, user_id=str(who.uuid), modified_time=at, **fields))
    shop.drain()
    found = shop.standing(transaction_id)
    assert found.state == "processed", found.error
    return found.result


def test_o91_t7_t11_the_paying_member_earns_by_the_rules(shop: Shop, ada: Member) -> None:
    rule(shop)
    told = buy(shop, ada, "40.00", "2.50")
    assert balance(ada) == 42
    assert list(told["points"].values()) == [42]
    assert told["users"] == [str(ada.uuid)]


def test_t9_without_rules_nothing_is_awarded(shop: Shop, ada: Member) -> None:
    assert buy(shop, ada, "40.00")["points"] == {}


def test_t42_t65_an_external_id_and_ours_earn_the_same(shop: Shop, ada: Member) -> None:
    rule(shop)
    members.add_external(member=ada, external_id_type="crm", external_id="X1", actor=SYSTEM, now=clock.now())
    payment = {"payment_id": "1", "amount": "10.00", "type": "CREDIT", "user_id": "X1", "user_id_type": "External_ID"}
    shop.send(sale("t1", payments=[payment]))
    shop.send(sale("t2", user_id=str(ada.uuid).upper()))
    shop.drain()
    assert [shop.result(name)["users"] for name in ("t1", "t2")] == [[str(ada.uuid)]] * 2
    assert balance(ada) == 20


def test_a_user_nobody_knows_is_no_error(shop: Shop) -> None:
    rule(shop)
    for number, user_id in enumerate(("7a5d1ba6-b1e3-11e8-842b-88002c64166c", "no uuid at all")):
        shop.send(sale(f"t{number}", user_id=user_id))
    shop.drain()
    assert [(shop.standing(f"t{n}").state, shop.result(f"t{n}")["users"]) for n in range(2)] == [("processed", [])] * 2


def test_t43_where_the_shops_id_is_the_record_anybody_exists(shop: Shop) -> None:
    shop.retailer.settings = {"identity_mode": "external_is_sor"}
    shop.retailer.save()
    rule(shop)
    shop.send(sale(user_id="shopper-7"))
    shop.drain()
    member = Member.objects.get(sor_id="shopper-7")
    assert (shop.result()["users"], balance(member)) == (["shopper-7"], 10)


def test_two_payers_share_the_points_by_what_they_paid(shop: Shop, ada: Member) -> None:
    rule(shop)
    bea = person(shop.retailer)
    shop.send(sale("t1", "40.00", payments=paid((ada, "30.00"), (bea, "10.00"))))
    shop.drain()
    assert (balance(ada), balance(bea)) == (30, 10)


@pytest.mark.parametrize("together", [False, True], ids=["alone", "in a batch"])
def test_what_nobody_known_paid_earns_for_nobody(shop: Shop, ada: Member, together: bool) -> None:
    rule(shop)
    stranger = "7a5d1ba6-b1e3-11e8-842b-88002c64166c"
    for name, payments in {
        "cash": paid((ada, "30.00"), (None, "10.00")),
        "stranger": paid((ada, "30.00"), (stranger, "5.00"), (None, "5.00")),
        "change": paid((ada, "40.00"), (None, "-2.00")),
        "told": paid((ada, "0"), (None, "40.00")),
    }.items():
        before = balance(ada)
        shop.send(sale(name, "40.00", payments=payments))
        if together:
            shop.send(sale(f"{name} beside", "40.00", payments=paid((person(shop.retailer), "40.00"))))
        shop.drain()
        assert (name, balance(ada) - before) == (name, 30 if name in ("cash", "stranger") else 40)


def test_a_part_that_is_returned_gives_back_a_part(shop: Shop, ada: Member) -> None:
    rule(shop)
    half = paid((ada, "20.00"), (None, "20.00"))
    buy(shop, ada, "30.00", "10.00", payments=half)
    assert balance(ada) == 20
    buy(shop, ada, "30.00", at="2026-11-21 10:00:00", payments=half)
    assert balance(ada) == 15
    everything = paid((ada, "20.00"), (None, "20.00"), (ada, "-20.00"), (None, "-20.00"))
    buy(shop, ada, "0.00", at="2026-11-21 11:00:00", payments=everything)
    assert balance(ada) == 0
    assert Purchase.objects.get().spend == 0


def test_t67_what_the_catalogue_says_of_items_counts(shop: Shop, ada: Member) -> None:
    Product.objects.create(retailer=shop.retailer, source_id="item-1", metadata={"category": "giftcard"})
    rule(shop, exclusions=[{"match": "category", "values": ["giftcard"]}])
    buy(shop, ada, "40.00", "25.00")
    assert balance(ada) == 40


def test_discounts_lower_what_earns(shop: Shop, ada: Member) -> None:
    rule(shop)
    entry = shop.entry("fixed_check_discount")
    shop.lock(entry)
    buy(shop, ada, "40.00", discounts=[discount(entry)])
    assert balance(ada) == 35


def test_a_return_is_judged_by_the_level_of_the_sale_not_by_what_the_sale_lifted_to(shop: Shop, ada: Member) -> None:
    system = TierSystem.objects.create(retailer=shop.retailer, key="club", name="Club")
    TierLevel.objects.create(system=system, key="base", name="Base", rank=1)
    entry = {"metric": "lifetime_points", "op": ">=", "value": 100}
    TierLevel.objects.create(system=system, key="silver", name="Silver", rank=2, entry=entry)
    rule(shop, "Base", tier_system="club", levels=["base"])
    rule(shop, "Silver", tier_system="club", levels=["silver"], outcomes=[points_per(2)])
    assert buy(shop, ada, "200.00")["levels"] == ["club/silver"]
    assert balance(ada) == 200
    told = buy(shop, ada, "150.00", at="2026-11-21 10:00:00")
    assert (list(told["points"].values()), balance(ada)) == ([-50], 150)
    buy(shop, ada, "10.00", transaction_id="t2")
    assert balance(ada) == 170


def test_a_return_takes_no_points_that_have_expired_meanwhile(shop: Shop, ada: Member) -> None:
    PointAccount.objects.update(expiry=PointAccount.Expiry.ROLLING, expiry_days=10)
    rule(shop)
    buy(shop, ada, "200.00")
    later = clock.now() + timedelta(days=30)
    found = []
    for number, amount in enumerate(("150.00", "0.00", "170.00", "250.00", "0.00")):
        moment = f"2026-11-21 1{number}:00:00"
        shop.send(sale("t1", amount, user_id=str(ada.uuid), modified_time=moment), now=later)
        shop.drain(now=later)
        stands = points_standing.balances(member=ada, now=later)[0]
        found.append((stands.lifetime, stands.available))
    assert found == [(150, 0), (0, 0), (170, 0), (250, 50), (0, 0)]
    assert proof.prove().total == 0


def test_points_that_are_over_count_for_no_condition_in_a_batch_either(shop: Shop, ada: Member) -> None:
    account = PointAccount.objects.get(retailer=shop.retailer)
    account.expiry, account.expiry_days = PointAccount.Expiry.ROLLING, 10
    account.save()
    rule(shop)
    rich = {"metric": "balance", "op": ">=", "value": 50, "account": str(account.uuid)}
    rule(shop, "Rich", conditions=[rich], outcomes=[points_fixed(1000)])
    for number, days in ((0, 11), (1, 9)):
        who, earned = person(shop.retailer), clock.now() - timedelta(days=days)
        points.earn(member=who, account=account, amount=60, reference="old", now=earned)
        shop.send(sale(f"t{number}", user_id=str(who.uuid)))
    shop.drain()
    assert [sum(shop.result(f"t{number}")["points"].values()) for number in range(2)] == [10, 1010]


def test_a_return_is_judged_alike_after_a_batch_of_plain_sales(shop: Shop, ada: Member) -> None:
    bea = person(shop.retailer)
    rule(shop)
    rule(shop, "Local", scope="campaign", audience={"tags": ["local"]})
    for number, who in enumerate((ada, bea)):
        shop.send(sale(f"t{number}", "40.00", user_id=str(who.uuid)))
    shop.drain()
    assert Purchase.objects.filter(seen={"tags": []}).count() == 2
    Member.objects.update(tags=["local"])
    buy(shop, ada, "30.00", transaction_id="t0", at="2026-11-21 10:00:00")
    assert balance(ada) == 30


def test_t56_a_correction_books_the_difference(shop: Shop, ada: Member) -> None:
    rule(shop)
    buy(shop, ada, "40.00")
    told = buy(shop, ada, "25.00", at="2026-11-21 10:00:00")
    assert balance(ada) == 25
    assert list(told["points"].values()) == [-15]
    buy(shop, ada, "60.00", at="2026-11-21 11:00:00")
    assert balance(ada) == 60


def test_t57_a_void_takes_points_back_and_reinstates_the_offer(shop: Shop, ada: Member) -> None:
    rule(shop)
    entry = shop.entry("fixed_check_discount")
    shop.lock(entry)
    buy(shop, ada, "40.00", discounts=[discount(entry)])
    buy(shop, ada, "40.00", at="2026-11-21 10:00:00", is_voided="true", discounts=[discount(entry)])
    entry.refresh_from_db()
    assert (balance(ada), entry.status) == (0, UserOffer.Status.ISSUED)
    assert proof.prove().total == 0


@pytest.mark.parametrize("brought_back", [[], [("0", "-40.00")]])
def test_a_full_return_takes_points_back(shop: Shop, ada: Member, brought_back: list[tuple[str, str]]) -> None:
    rule(shop)
    buy(shop, ada, "40.00")
    lines = [
        {"line_id": at, "item_id": "item-0", "quantity": "-1", "unit_price": "40.00", "subtotal": amount}
        for at, amount in brought_back
    ]
    buy(shop, ada, at="2026-11-21 10:00:00", items=lines)
    assert balance(ada) == 0


@pytest.mark.parametrize(
    ("at", "left", "told"),
    [
        ("2026-10-21 09:30:00", 0, {}),  # eleven months
        ("2026-11-21 09:30:00", 0, {}),  # exactly twelve
        ("2026-11-22 09:30:00", 40, "skipped_return_window"),
    ],
)
def test_t62_t63_t64_returns_move_points_for_twelve_months(
    shop: Shop, ada: Member, at: str, left: int, told: Any
) -> None:
    rule(shop)
    buy(shop, ada, "40.00", at="2025-11-21 09:30:00")
    result = buy(shop, ada, at=at, items=[])
    assert balance(ada) == left
    assert isinstance(result["points"], dict) if told == {} else result["points"] == told


def test_a_sale_paid_by_somebody_else_after_all_moves_the_points(shop: Shop, ada: Member) -> None:
    rule(shop)
    bea = person(shop.retailer)
    buy(shop, ada, "40.00")
    buy(shop, bea, "40.00", at="2026-11-21 10:00:00")
    assert (balance(ada), balance(bea)) == (0, 40)


def test_t61_the_same_sale_twenty_times_earns_once(shop: Shop, ada: Member) -> None:
    rule(shop)
    for _ in range(20):
        buy(shop, ada, "40.00")
    Revision.objects.update(state="queued", next_at=clock.now())  # and delivered twice
    shop.drain()
    assert balance(ada) == 40


def five_dollars(shop: Shop) -> None:
    row = Offer(
        retailer=shop.retailer,
        key="five-dollars",
        offer_type="fixed_check_discount",
        status=Offer.Status.PUBLISHED,
        texts=[{"id": "1", "culture": "en", "title": "$5 off", "description": "", "terms": ""}],
        discount_config={"amount": "5.00"},
        created_at=clock.now(),
    )
    row.root = row.uuid
    row.save()
    crosses = {"metric": "earned_points", "account": "main", "op": "crosses", "value": 200}
    rule(
        shop,
        "Five dollars",
        trigger="points_changed",
        conditions=[crosses],
        outcomes=[{"type": "offer", "offer": "five-dollars"}],
        limits={"per_user": {"count": 1, "period": "lifetime"}},
    )


def wallet(who: Member) -> int:
    return UserOffer.objects.filter(customer_id=who.customer_id, status=UserOffer.Status.ISSUED).count()


def test_o45_o47_o48_t12_five_dollars_at_two_hundred_points_once(shop: Shop, ada: Member) -> None:
    rule(shop)
    five_dollars(shop)
    buy(shop, ada, "199.00")
    assert wallet(ada) == 0
    buy(shop, ada, "1.00", transaction_id="t2")
    assert wallet(ada) == 1
    buy(shop, ada, "300.00", transaction_id="t3")
    assert wallet(ada) == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_tills_crossing_two_hundred_together_issue_one_offer(shop: Shop, ada: Member) -> None:
    rule(shop)
    five_dollars(shop)
    for number in range(6):
        shop.send(sale(f"t{number}", "120.00", user_id=str(ada.uuid)))
    begin = threading.Barrier(2)

    def work() -> None:
        begin.wait()
        for step in range(12):
            transaction_queue.drain(now=clock.now() + timedelta(seconds=1 + step), batch=1)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(Revision.objects.values_list("state", flat=True)) == {"processed"}
    assert (balance(ada), wallet(ada)) == (720, 1)
    assert proof.prove().total == 0


def test_t54_a_sale_of_a_thousand_items_is_worked_off_in_time(shop: Shop, ada: Member) -> None:
    rule(shop)
    began = clock.now()
    buy(shop, ada, *["1.00"] * 1000)
    assert balance(ada) == 1000
    assert clock.now() - began < timedelta(seconds=5)


def test_customers_without_membership_stay_as_they_are(shop: Shop) -> None:
    known = Customer.objects.create(retailer=shop.retailer, source_id="c1")
    rule(shop)
    shop.send(sale(user_id="c1"))
    shop.drain()
    assert not Member.objects.filter(customer=known).exists()
