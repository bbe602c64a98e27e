"""Points: every movement once, never more than there is, and the journal always adds up to the balance."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty import points, points_standing
from loyalty.models import Member, PointAccount, PointLot
from offers.ledger import audit as proof
from offers.lib.actors import SYSTEM
from offers.models import AuditEntry, Retailer
from tests.loyalty.people import kind, person
from tests.loyalty.sales import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def main(shop_a: Retailer) -> PointAccount:
    return kind(shop_a)


@pytest.fixture
def ada(shop_a: Retailer) -> Member:
    return person(shop_a)


def earn(who: Member, account: PointAccount, amount: int, reference: str, **fields: Any) -> points.Moved:
    return points.earn(member=who, account=account, amount=amount, reference=reference, **{"now": NOON, **fields})


def spend(who: Member, account: PointAccount, amount: int, reference: str, **fields: Any) -> points.Moved:
    return points.spend(member=who, account=account, amount=amount, reference=reference, **{"now": NOON, **fields})


def take_back(
    who: Member, account: PointAccount, amount: int, reference: str, lot: str = "", **fields: Any
) -> points.Moved:
    return points.reverse(
        member=who, account=account, amount=amount, reference=reference, lot=lot, **{"now": NOON, **fields}
    )


def adjust(who: Member, account: PointAccount, amount: int, reference: str, reason: str = "sorry") -> points.Moved:
    return points.adjust(
        member=who, account=account, amount=amount, reference=reference, reason=reason, actor=SYSTEM, now=NOON
    )


def stand(who: Member) -> tuple[int, int]:
    only = points_standing.balances(member=who, now=NOON)[0]
    return only.available, only.lifetime


def test_spending_lowers_the_balance_and_not_what_was_ever_earned(ada: Member, main: PointAccount) -> None:
    earn(ada, main, 100, "a")
    spend(ada, main, 30, "b")
    assert stand(ada) == (70, 100)


def test_the_same_reference_moves_an_account_once(ada: Member, main: PointAccount) -> None:
    assert earn(ada, main, 100, "a").done
    assert not earn(ada, main, 100, "a").done
    assert spend(ada, main, 30, "a").done
    assert not spend(ada, main, 30, "a").done
    adjust(ada, main, -5, "a")
    adjust(ada, main, -5, "a")
    take_back(ada, main, 10, "a")
    take_back(ada, main, 10, "a")
    assert stand(ada) == (55, 90)


def test_nobody_spends_more_than_there_is(ada: Member, main: PointAccount) -> None:
    earn(ada, main, 100, "a")
    with pytest.raises(points.InsufficientPoints):
        spend(ada, main, 101, "b")
    assert stand(ada) == (100, 100)
    spend(ada, main, 100, "b")
    assert stand(ada) == (0, 100)


def test_an_account_can_be_closed_to_spending(ada: Member, shop_a: Retailer) -> None:
    status = kind(shop_a, "status", spendable=False)
    earn(ada, status, 100, "a")
    with pytest.raises(points.NotSpendable):
        spend(ada, status, 1, "b")


def test_a_return_may_take_the_balance_below_zero_and_the_next_purchase_pays_it_back(
    ada: Member, main: PointAccount
) -> None:
    earn(ada, main, 100, "a")
    spend(ada, main, 80, "b")
    take_back(ada, main, 100, "c", lot="a")
    assert stand(ada) == (-80, 0)
    with pytest.raises(points.InsufficientPoints):
        spend(ada, main, 1, "d")
    earn(ada, main, 90, "e")
    assert stand(ada) == (10, 90)
    spend(ada, main, 10, "f")
    assert stand(ada) == (0, 90)


def test_where_an_account_stays_above_zero_a_return_costs_the_retailer_the_rest(ada: Member, shop_a: Retailer) -> None:
    main = kind(shop_a, allow_negative=False)
    earn(ada, main, 100, "a")
    spend(ada, main, 80, "b")
    take_back(ada, main, 100, "c", lot="a")
    assert stand(ada) == (0, 0)
    assert ada.accounts.get().shortfall == 80


def test_an_adjustment_needs_a_reason_and_is_audited_and_is_not_earned(ada: Member, main: PointAccount) -> None:
    with pytest.raises(points.ReasonMissing):
        adjust(ada, main, 50, "a", reason=" ")
    adjust(ada, main, 50, "a")
    adjust(ada, main, -20, "b")
    assert stand(ada) == (30, 0)
    with pytest.raises(points.InsufficientPoints):
        adjust(ada, main, -31, "c")
    rows = AuditEntry.objects.filter(action="points.adjust").order_by("pk")
    assert [(row.reason, row.after) for row in rows] == [
        ("sorry", {"account": "main", "balance": 50}),
        ("sorry", {"account": "main", "balance": 30}),
    ]


def test_points_expire_in_the_order_they_were_earned_and_spending_takes_the_oldest(
    ada: Member, shop_a: Retailer
) -> None:
    rolling = kind(shop_a, expiry="rolling", expiry_days=10)
    earn(ada, rolling, 100, "a")
    earn(ada, rolling, 50, "b", now=NOON + timedelta(days=5))
    spend(ada, rolling, 30, "c", now=NOON + timedelta(days=6))
    assert points.expire(now=NOON + timedelta(days=10) - timedelta(seconds=1)) == 0
    assert points.expire(now=NOON + timedelta(days=10)) == 1
    assert points.expire(now=NOON + timedelta(days=10)) == 0
    assert stand(ada) == (50, 150)
    points.expire(now=NOON + timedelta(days=15))
    assert stand(ada) == (0, 150)


def test_activity_keeps_points_alive_where_they_end_by_inactivity(ada: Member, shop_a: Retailer) -> None:
    idle = kind(shop_a, expiry="inactivity", expiry_days=10)
    earn(ada, idle, 100, "a")
    spend(ada, idle, 10, "b", now=NOON + timedelta(days=9))
    assert points.expire(now=NOON + timedelta(days=18)) == 0
    assert points.expire(now=NOON + timedelta(days=19)) == 1
    assert stand(ada) == (0, 100)


@pytest.mark.parametrize("expiry", ["rolling", "inactivity"])
def test_points_that_are_over_are_gone_though_no_worker_came_by(ada: Member, shop_a: Retailer, expiry: str) -> None:
    account = kind(shop_a, expiry=expiry, expiry_days=10)
    earn(ada, account, 100, "a")
    over = NOON + timedelta(days=10)
    assert points_standing.balances(member=ada, now=over - timedelta(seconds=1))[0].available == 100
    assert points_standing.balances(member=ada, now=over)[0].available == 0
    with pytest.raises(points.InsufficientPoints):
        spend(ada, account, 1, "b", now=over)
    earn(ada, account, 20, "c", now=over)  # and keeps nothing of them alive
    assert points_standing.balances(member=ada, now=over)[0].available == 20
    assert points.expire(now=over) == 0
    assert [(line.kind, line.points) for line in points_standing.statement(member=ada)] == [
        ("earn", 20),
        ("expire", -100),
        ("earn", 100),
    ]
    assert proof.prove().total == 0


LATER = NOON + timedelta(days=10)


def lines(who: Member) -> list[tuple[str, int]]:
    return [(line.kind, line.points) for line in reversed(points_standing.statement(member=who))]


@pytest.mark.parametrize("negative", [True, False])
@pytest.mark.parametrize(
    ("spent", "returned", "balance", "shortfall"),
    [(0, 100, 0, 0), (0, 30, 0, 0), (60, 100, -60, 60), (60, 40, 0, 0), (60, 50, -10, 10)],
)
def test_a_return_does_not_take_again_what_had_expired(
    ada: Member, shop_a: Retailer, negative: bool, spent: int, returned: int, balance: int, shortfall: int
) -> None:
    account = kind(shop_a, expiry="rolling", expiry_days=10, allow_negative=negative)
    earn(ada, account, 100, "a")
    if spent:
        spend(ada, account, spent, "b")
    assert take_back(ada, account, returned, "c", lot="a", now=LATER).balance == (balance if negative else 0)
    assert stand(ada) == (balance if negative else 0, 100 - returned)
    assert ada.accounts.get().shortfall == (0 if negative else shortfall)
    assert points_standing.earned_since(member=ada, since=NOON) == max(
        0, 100 - returned + (0 if negative else shortfall)
    )
    assert proof.prove().total == 0


def test_what_is_left_is_taken_before_what_had_expired_is_forgiven(ada: Member, shop_a: Retailer) -> None:
    account = kind(shop_a, expiry="rolling", expiry_days=10)
    earn(ada, account, 100, "x|0")
    earn(ada, account, 50, "x|0~1", now=NOON + timedelta(days=5))
    earn(ada, account, 70, "y|0", now=NOON + timedelta(days=5))
    for amount, reference, balance in ((30, "c", 90), (60, "d", 70), (60, "e", 70)):
        moved = take_back(ada, account, amount, reference, lot="x|0", family="x|", now=LATER)
        assert (reference, moved.balance) == (reference, balance)
    assert lines(ada)[-2:] == [("lapsed", 60), ("reverse", -60)]
    assert proof.prove().total == 0


def test_a_return_that_is_undone_revives_nothing(ada: Member, shop_a: Retailer) -> None:
    account = kind(shop_a, expiry="rolling", expiry_days=10)
    earn(ada, account, 100, "x|0")
    take_back(ada, account, 100, "c", lot="x|0", family="x|", now=LATER)
    moved = earn(ada, account, 120, "x|1", family="x|", now=LATER)
    assert (moved.balance, moved.lifetime) == (20, 120)
    assert lines(ada) == [
        ("earn", 100),
        ("expire", -100),
        ("lapsed", 100),
        ("reverse", -100),
        ("earn", 120),
        ("lapsed", -100),
    ]
    assert take_back(ada, account, 120, "d", lot="x|1", family="x|", now=LATER).balance == 0
    assert left_in_lots(ada, account) == 0
    assert proof.prove().total == 0


def left_in_lots(who: Member, account: PointAccount) -> int:
    return sum(lot.left for lot in PointLot.objects.filter(member_account__member=who, member_account__account=account))


def test_points_may_end_with_the_year(ada: Member, shop_a: Retailer) -> None:
    yearly = kind(shop_a, expiry="fixed_date", expiry_days=1)
    earn(ada, yearly, 100, "a")
    lot = PointLot.objects.get()
    assert lot.expires_at is not None
    assert f"{lot.expires_at:%Y-%m-%d %H:%M}" == "2027-01-01 00:00"


def test_a_statement_tells_every_movement_newest_first(ada: Member, main: PointAccount) -> None:
    earn(ada, main, 100, "sale 1", reason="Per dollar")
    spend(ada, main, 30, "gift")
    adjust(ada, main, 5, "desk")
    take_back(ada, main, 100, "return 1", lot="sale 1")
    told = [(line.kind, line.points, line.reference, line.reason) for line in points_standing.statement(member=ada)]
    assert told == [
        ("reverse", -100, "return 1", ""),
        ("adjust", 5, "desk", "sorry"),
        ("spend", -30, "gift", ""),
        ("earn", 100, "sale 1", "Per dollar"),
    ]


def test_what_was_earned_in_a_period_leaves_out_gifts_and_takes_off_returns(ada: Member, main: PointAccount) -> None:
    earn(ada, main, 100, "a", now=NOON - timedelta(days=40))
    earn(ada, main, 50, "b")
    adjust(ada, main, 7, "c")
    take_back(ada, main, 20, "d", lot="b")
    assert points_standing.earned_since(member=ada, since=NOON - timedelta(days=1)) == 30
    assert points_standing.earned_since(member=ada, since=NOON - timedelta(days=50)) == 130


def test_an_account_is_found_by_name_and_id_and_only_the_retailers_own(shop_a: Retailer, shop_b: Retailer) -> None:
    main = kind(shop_a)
    for named in ("main", "MAIN", str(main.uuid), str(main.uuid).upper(), ""):
        assert points.account(retailer_id=shop_a.pk, named=named) == main
    for named in ("nope", str(main.uuid)):
        with pytest.raises(points.NoSuchAccount):
            points.account(retailer_id=shop_b.pk, named=named)


MOVES = st.lists(
    st.tuples(st.sampled_from(["earn", "spend", "adjust", "reverse", "expire"]), st.integers(1, 100)), max_size=14
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MOVES, st.booleans())
def test_the_sum_of_the_journal_is_the_balance(shop_a: Retailer, moves: list[tuple[str, int]], negative: bool) -> None:
    who = person(shop_a)
    account = PointAccount.objects.create(
        retailer=shop_a, name=str(who.pk), allow_negative=negative, expiry="rolling", expiry_days=5
    )
    earned, now = 0, NOON
    for number, (move, amount) in enumerate(moves):
        reference, now = f"{who.pk}-{number}", now + timedelta(days=1)
        try:
            if move == "earn":
                earn(who, account, amount, reference, now=now)
                earned += amount
            elif move == "spend":
                spend(who, account, amount, reference, now=now)
            elif move == "adjust":
                adjust(who, account, amount if amount % 2 else -amount, reference)
            elif move == "reverse" and earned >= amount:
                take_back(who, account, amount, reference)
                earned -= amount
            elif move == "expire":
                points.expire(now=now)
        except points.InsufficientPoints:
            pass
    mine = [one for one in points_standing.balances(member=who, now=NOON) if one.account == account]
    row = who.accounts.filter(account=account).first()
    assert mine[0].available == sum(line.points for line in points_standing.statement(member=who, limit=1000))
    assert mine[0].lifetime == earned
    assert negative or mine[0].available >= 0
    if row is not None:
        assert sum(lot.left for lot in row.lots.all()) == max(0, mine[0].available)
    assert proof.prove().total == 0


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_points_are_spent_once_however_many_ask_together(shop_a: Retailer) -> None:
    ada, main = person(shop_a), kind(shop_a)
    earn(ada, main, 100, "a")

    def one(number: int) -> bool:
        try:
            spend(ada, main, 30, f"spend {number}")
        except points.InsufficientPoints:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(8))) == 3
    assert stand(ada) == (10, 100)
    assert proof.prove().total == 0


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_an_account_is_opened_once_and_every_earning_counts(shop_a: Retailer) -> None:
    ada, main = person(shop_a), kind(shop_a)

    def one(number: int) -> None:
        try:
            earn(ada, main, 10, f"earn {number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, [number // 2 for number in range(16)]))
    assert stand(ada) == (80, 80)
