"""Plain sales are rewarded together exactly as they would be one by one, and none holds up the others."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from checkout import transaction_plain, transaction_queue
from checkout.models import Revision
from loyalty import outcomes, points_standing, rules
from loyalty.models import Award, Member, MemberAccount, PointLot, Purchase
from offers.ledger import audit as proof
from offers.ledger.models import Entry
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer
from tests.api.sessionm.sales import sale
from tests.bench import trips
from tests.checkout.test_transactions import Shop, discount
from tests.loyalty.people import kind, person
from tests.loyalty.sales import points_per

LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)
VOLATILE = {"id", "uuid", "created_at", "earned_at", "expires_at", "xact"}


@pytest.fixture
def shop(shop_a: Retailer) -> Shop:
    kind(shop_a)
    return Shop(shop_a)


def rule(shop: Shop, name: str = "Per dollar", **definition: Any) -> None:
    definition.setdefault("outcomes", [points_per()])
    rules.save(
        retailer_id=shop.retailer.pk,
        name=name,
        scope="economy",
        definition=definition,
        actor=SYSTEM,
        now=clock.now(),
        in_force_from=LONG_AGO,
    )


def send(shop: Shop, prefix: str, people: list[Member]) -> None:
    """Queue sales of every kind that is plain: of several people, twice of one, of a stranger, below a point."""
    for at, who in enumerate([*people, people[0]]):
        shop.send(sale(f"{prefix}{at}", f"{10 + at}.50", "2.00", user_id=str(who.uuid)))
    shop.send(sale(f"{prefix}-stranger", "9.00", user_id="00000000-0000-4000-8000-000000000000"))
    shop.send(sale(f"{prefix}-little", "0.40", user_id=str(people[1].uuid)))


def kept(people: list[Member]) -> dict[str, Any]:
    """Return everything these sales left behind, with names that do not tell the two runs apart."""
    order = {who.pk: at for at, who in enumerate(people)}
    accounts = dict(MemberAccount.objects.filter(member__in=people).values_list("pk", "member_id"))
    counters = {row: pk for pk, row in _counters(list(accounts))}

    def plain(text: str) -> str:
        for who in people:
            text = text.replace(f"|{who.pk}|", f"|{order[who.pk]}|")
        return text.replace("together", "x").replace("alone", "x")

    return {
        "awards": sorted(
            (plain(one.key), order[one.member_id], one.points, plain(str(one.detail)), plain(one.occasion))
            for one in Award.objects.filter(member__in=people)
        ),
        "lots": sorted(
            (order[accounts[one.member_account_id]], plain(one.reference), one.amount, one.left)
            for one in PointLot.objects.filter(member_account__in=accounts)
        ),
        "journal": sorted(
            (order[accounts[counters[one.counter_id]]], one.kind, one.delta, plain(one.reference), one.reason)
            for one in Entry.objects.filter(counter_id__in=counters)
        ),
        "purchases": sorted(
            (order[one.member_id], plain(one.occasion), one.spend, one.voided)
            for one in Purchase.objects.filter(member__in=people)
        ),
        "accounts": sorted(
            (order[one.member_id], one.lifetime, one.shortfall) for one in MemberAccount.objects.filter(pk__in=accounts)
        ),
        "balances": [points_standing.balances(member=who, now=clock.now())[0].available for who in people],
    }


def _counters(owners: list[int]) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT owner, id FROM ledger_counter WHERE kind = 'points' AND owner = ANY (%s)", [owners])
        return list(cursor.fetchall())


def results(prefix: str) -> list[Any]:
    found = []
    for row in Revision.objects.filter(transaction__transaction_id__startswith=prefix).order_by("pk"):
        assert row.state == "processed", row.error
        found.append({**(row.result or {}), "users": len((row.result or {})["users"])})
    return found


def test_together_is_the_same_as_one_by_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rule(shop)
    rule(shop, "Big ones", outcomes=[{"type": "points_fixed", "account": "main", "points": 7}])
    first = [person(shop.retailer) for _ in range(3)]
    second = [person(shop.retailer) for _ in range(3)]
    send(shop, "together", first)
    with monkeypatch.context() as patch:
        patch.setattr(outcomes, "reward", None)  # the long way is not taken
        assert shop.drain() == 6
    send(shop, "alone", second)
    with monkeypatch.context() as patch:
        patch.setattr(transaction_plain, "run", lambda jobs, *, now: {})
        assert shop.drain() == 6
    assert kept(first) == kept(second)
    assert sum(kept(first)["balances"]) > 0
    assert results("together") == results("alone")
    assert proof.prove().total == 0


def test_a_batch_costs_few_statements(shop: Shop) -> None:
    rule(shop)
    people = [person(shop.retailer) for _ in range(5)]
    for turn in range(2):
        for at, who in enumerate(people * 5):
            shop.send(sale(f"t{turn}-{at}", "5.00", user_id=str(who.uuid)))
        with trips.counted() as counted:
            assert shop.drain() == 25
    assert len(counted) <= 30, counted.statements


def test_what_is_not_plain_goes_the_long_way_beside_the_others(shop: Shop) -> None:
    rule(shop)
    people = [person(shop.retailer) for _ in range(4)]
    entry = shop.entry()
    shop.lock(entry, "t0")
    shop.send(sale("t0", "20.00", user_id=str(people[0].uuid), discounts=[discount(entry)]))
    for at, who in enumerate(people[1:], 1):
        shop.send(sale(f"t{at}", "20.00", user_id=str(who.uuid)))
    assert shop.drain() == 4
    assert [points_standing.balances(member=who, now=clock.now())[0].available for who in people[1:]] == [20, 20, 20]
    assert shop.standing("t0").state == "processed"
    assert shop.result("t0")["redeemed"]
    assert proof.prove().total == 0


def test_a_batch_that_fails_is_done_one_by_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rule(shop)
    people = [person(shop.retailer) for _ in range(3)]
    for at, who in enumerate(people):
        shop.send(sale(f"t{at}", "20.00", user_id=str(who.uuid)))
    # The lot of one is there already: what would be written together clashes as a whole.
    from loyalty import plain_sales

    real = plain_sales._open

    def clash(facts: Any) -> None:
        real(facts)
        raise ValueError("no")

    monkeypatch.setattr(plain_sales, "_open", clash)
    assert shop.drain() == 3
    assert [points_standing.balances(member=who, now=clock.now())[0].available for who in people] == [20, 20, 20]
    assert proof.prove().total == 0


def test_doing_a_batch_again_gives_nothing_twice(shop: Shop) -> None:
    rule(shop)
    people = [person(shop.retailer) for _ in range(3)]
    for at, who in enumerate(people):
        shop.send(sale(f"t{at}", "20.00", user_id=str(who.uuid)))
    shop.drain()
    before = kept(people)
    Revision.objects.update(state="queued", next_at=clock.now(), processed_at=None)
    assert transaction_queue.drain(now=clock.now()) == 3
    assert kept(people) == before
