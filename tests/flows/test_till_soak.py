"""A day at the tills, made up at random: everything is sent twice, some of it in the wrong order, and the worker is
killed with -9 over and over. In the end every sale has the effects of the one version of it that counts, once.

SOAK_SALES makes it longer, SOAK_SEED another day.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from checkout import transaction_queue, transactions
from checkout.models import OfferLock, Revision
from loyalty import points_standing, rules
from loyalty.limits import FOREVER, GLOBAL, PER_USER, POINTS
from loyalty.models import Award, Member, PointAccount, PointLot, TierLevel, TierSystem
from offers.ledger import audit as proof
from offers.ledger.models import Counter as Counted
from offers.lib import clock
from offers.lib.actors import SYSTEM, Actor
from offers.models import Offer, Retailer, UserOffer
from tests.api.client import Answer
from tests.api.sessionm.client import Till
from tests.api.sessionm.wallets import offer
from tests.loyalty.people import kind, person
from tests.loyalty.sales import points_fixed, points_per
from tests.workers import Worker, until

SALES = int(os.environ.get("SOAK_SALES", "30"))
SEED = int(os.environ.get("SOAK_SEED", "7"))
STEP, THANKS = 300, 5000  # an offer for every so many points; one for a sale of so many cents
BUDGET, FEW = 20 * SALES, SALES // 3  # a budget of points; how often a rule fires for all together
KILLS = min(6, max(2, SALES // 20))
OPENED = datetime(2026, 11, 20, 9, tzinfo=UTC)
STAFF = Actor(kind="USER", ident="bob", label="Bob")
pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@dataclass
class Version:
    """One version of a sale: what it costs in cents, who paid how much of it, and whether it is a void."""

    at: datetime
    cents: int
    paid: list[tuple[int | None, int]]
    void: bool = False
    row: int = 0
    poisoned: bool = False


@dataclass
class Purchase:
    """A sale with its versions as they are sent, the coupon it names and how it came to hold it."""

    ident: str
    versions: list[Version]
    coupon: str = ""
    way: str = ""  # lock, unlock, redeem, abandon


@dataclass
class Day:
    """Who buys, what they hold, and what has been answered."""

    till: Till
    people: list[Member]
    account: PointAccount
    sales: list[Purchase] = field(default_factory=list)
    moved: Counter[int] = field(default_factory=Counter)
    spent: Counter[int] = field(default_factory=Counter)

    def send(self, one: Purchase, number: int, again: str = "") -> None:
        """Send the version of a sale that has this number, from 1."""
        body = transaction(self, one, one.versions[number - 1])
        twice(partial(self.till.pos, "send_transaction", body, request_id=f"{one.ident}.{number}{again}"))


@pytest.fixture
def worker(tmp_path: Path, valkey: str) -> Iterator[Worker]:
    made = Worker(tmp_path, valkey, "-B", "--schedule", str(tmp_path / "schedule"), "-c", "2")
    yield made
    made.kill()


@pytest.fixture
def day(shop_a: Retailer) -> Day:
    account = kind(shop_a)
    gifts = [offer(shop_a, "manual_fulfillment", discount_config={}) for _ in range(2)]
    said: list[tuple[str, dict[str, Any]]] = [
        ("Per unit", {"outcomes": [points_per()]}),
        (
            "Thanks",
            {
                "conditions": [{"metric": "eligible_spend", "op": ">=", "value": f"{THANKS / 100:.2f}"}],
                "outcomes": [{"type": "offer", "offer": str(gifts[0].uuid)}],
            },
        ),
        (
            "Step",
            {
                "trigger": "points_changed",
                "conditions": [{"metric": "earned_points", "account": "main", "op": "crosses", "value": STEP}],
                "outcomes": [{"type": "offer", "offer": str(gifts[1].uuid)}],
            },
        ),
    ]
    said[2][1]["conditions"][0]["repeat_every"] = STEP
    kind(shop_a, "bonus")
    club = TierSystem.objects.create(retailer=shop_a, key="club", name="Club")
    TierLevel.objects.create(system=club, key="base", name="Base", rank=1)
    entry = {"metric": "lifetime_points", "op": ">=", "value": 200}
    TierLevel.objects.create(system=club, key="silver", name="Silver", rank=2, entry=entry)
    bonus = {"account": "bonus"}
    said += [
        ("Budget", {"budget": {"points": BUDGET}, "outcomes": [points_per(**bonus)]}),
        ("Few", {"limits": {"global": {"count": FEW, "period": "lifetime"}}, "outcomes": [points_fixed(7, **bonus)]}),
        ("Silver", {"tier_system": "club", "levels": ["silver"], "outcomes": [points_per(2, **bonus)]}),
        ("Once", {"limits": {"per_user": FOREVER}, "outcomes": [{"type": "offer", "offer": str(gifts[0].uuid)}]}),
    ]
    for name, definition in said:
        rules.save(
            retailer_id=shop_a.pk,
            name=name,
            scope="campaign" if "budget" in definition else "economy",
            definition=definition,
            actor=SYSTEM,
            now=clock.now(),
            in_force_from=datetime(2015, 1, 1, tzinfo=UTC),
        )
    till = Till(shop_a, scopes=["pos", "offers.manage", "offers.read", "loyalty"])
    return Day(till, [person(shop_a, first_name=f"P{at}") for at in range(8)], account)


def test_a_day_at_the_tills_adds_up_though_the_worker_is_killed(
    day: Day, worker: Worker, valkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("celery.current_app.conf.task_always_eager", False)
    chance = random.Random(SEED)
    coupon = offer(day.till.shop, "fixed_check_discount", discount_config={"amount": "5.00"})
    day.sales = [plan(chance, number) for number in range(SALES)]
    worker.start()
    with ThreadPoolExecutor(4) as pool:
        parts = [day.sales[at : at + 10] for at in range(0, SALES, 10)]
        running = [pool.submit(play, day, part, coupon, random.Random(f"{SEED}{part[0].ident}")) for part in parts]
        for _ in range(KILLS):  # fewer than the tries after which a revision is given up
            time.sleep(2)
            worker.kill()
            worker.start()
    for done in running:
        done.result()
    settle(day, worker)
    assert_all_adds_up(day)
    for one in day.sales:
        one.versions.append(Version(OPENED + timedelta(days=1), 0, [], void=True))
        day.send(one, len(one.versions))
    settle(day, worker)
    assert_all_adds_up(day)
    for who in day.people:
        assert [one.available for one in points_standing.balances(member=who, now=clock.now())][1:] == [0]
        assert not UserOffer.objects.filter(customer_id=who.customer_id, status=UserOffer.Status.REDEEMED).exists()


def plan(chance: random.Random, number: int) -> Purchase:
    """Make up a sale: first bought, then perhaps changed, returned or voided."""
    payers: list[int | None] = chance.choice([[0], [0], [0, 1], [0, None], [None]])
    people = chance.sample(range(8), 2)
    at, versions = OPENED + timedelta(minutes=number), []
    for _ in range(chance.choice([1, 1, 2, 3, 4])):
        at += timedelta(seconds=chance.randrange(1, 60))
        cents = chance.choice([0, *(chance.randrange(600, 12000) for _ in range(5))])
        weights = [chance.randrange(1, 5) for _ in payers]
        paid = [
            (None if who is None else people[who], 100 * weight) for who, weight in zip(payers, weights, strict=True)
        ]
        versions.append(Version(at, cents, paid, poisoned=chance.random() < 0.12))
        if chance.random() < 0.1:
            people.reverse()  # somebody else's card after all
    if chance.random() < 0.2:
        versions.append(Version(at + timedelta(seconds=5), versions[-1].cents, versions[-1].paid, void=True))
    if chance.random() < 0.3:
        chance.shuffle(versions)
    return Purchase(
        f"sale-{number}", versions, way=chance.choice(["", "", "lock", "lock", "unlock", "redeem", "abandon"])
    )


def play(day: Day, sales: Sequence[Purchase], coupon: Offer, chance: random.Random) -> None:
    """Send sales and all that belongs to them, everything twice; there is time to work on one before it changes."""
    try:
        for one in sales:
            hold(day, one, coupon, chance)
        for number in range(1, 1 + max(len(one.versions) for one in sales)):
            for one in sales:
                if number <= len(one.versions):
                    day.send(one, number)
                    spoil(day, one, one.versions[number - 1])
                    day.send(one, number, "b")
            time.sleep(chance.random() / 2)  # for the worker, who may be faster or not
            if chance.random() < 0.7:
                transaction_queue.drain(now=clock.now())  # as a second worker would, whom nobody kills
        for one in sales:
            if chance.random() < 0.5:
                discard(day, one)
            move_points(day, one, chance)
    finally:
        connection.close()


def hold(day: Day, one: Purchase, coupon: Offer, chance: random.Random) -> None:
    """Issue a coupon, under a key, and take it for this sale in its way."""
    if not one.way:
        return
    who = chance.randrange(8)
    body = {"retailer_id": str(day.till.shop.uuid), "user_id": str(day.people[who].uuid), "offer_id": str(coupon.uuid)}
    header: Any = {"Idempotency-Key": one.ident}
    issued = twice(lambda: day.till.call("offers/acquisition/issue", body, **header))
    one.coupon = issued["payload"]["status_list"][0]["user_offer_id"]
    basket = transaction(day, one, Version(OPENED, 5000, []))
    asked = {"offer_lookup_code": one.coupon, "offer_lookup_type": "userofferid", "transaction": basket}
    word = "redeem" if one.way == "redeem" else "lock"
    twice(lambda: day.till.pos(word, asked, request_id=one.ident))
    if one.way == "unlock":
        twice(lambda: day.till.pos("unlock", {"user_offer_id": one.coupon}, request_id=one.ident))


def transaction(day: Day, one: Purchase, version: Version) -> dict[str, Any]:
    amount = f"{version.cents / 100:.2f}"
    named = one.coupon and one.way != "abandon" and version.at > OPENED
    return {
        "transaction_id": one.ident if one.way != "abandon" or version.at > OPENED else f"{one.ident} elsewhere",
        "is_closed": True,
        "is_voided": version.void,
        "channel": "STORE",
        "open_time": OPENED.isoformat(),
        "modified_time": version.at.isoformat(),
        "subtotal": amount,
        "items": [{"line_id": "1", "item_id": "thing", "quantity": "1", "unit_price": amount, "subtotal": amount}],
        "payments": [
            {"payment_id": str(at), "amount": f"{paid / 100:.2f}", "type": "CASH"}
            | ({} if who is None else {"user_id": str(day.people[who].uuid), "user_id_type": "SessionM_ID"})
            for at, (who, paid) in enumerate(version.paid)
        ],
        "discounts": [
            {
                "reference_id": one.coupon,
                "reference_id_type": "userofferid",
                "status": "LOCKED",
                "discount_source": "sessionm",
                "amount": 5,
            }
        ]
        if named
        else [],
    }


def twice(call: Callable[[], Answer]) -> Answer:
    """Call until it is answered, and once more: the answer is the same."""
    answers: list[Any] = []
    while len(answers) < 2:
        answer = call()
        if answer.status == 409 and answer["errors"]["code"] == "pending_processing":
            continue
        assert answer.status == 200, answer
        answers.append(answer.json)
    assert answers[0] == answers[1]
    return answer


def spoil(day: Day, one: Purchase, version: Version) -> None:
    """Make a version unreadable for the worker, unless it was quicker; note its row in any case."""
    rows = Revision.objects.filter(transaction__store=day.till.store, transaction__transaction_id=one.ident)
    row = rows.order_by("-number").first()
    assert row is not None
    version.row = row.pk
    if version.poisoned:
        Revision.objects.filter(pk=row.pk, state__in=("queued", "stale")).update(payload={})


def discard(day: Day, one: Purchase) -> None:
    """Discard what of the sale is dead by now."""
    dead = Revision.objects.filter(
        transaction__transaction_id=one.ident, transaction__store=day.till.store, state="dead"
    )
    for row in dead.order_by("?"):
        transactions.discard(
            retailer_id=day.till.shop.pk, revision_id=row.pk, actor=STAFF, now=clock.now(), reason="unreadable"
        )


def move_points(day: Day, one: Purchase, chance: random.Random) -> None:
    """Give or take points by hand, under a reference."""
    who, amount = chance.randrange(8), chance.randrange(1, 40)
    word = chance.choice(["deposit", "deposit", "spend"])
    entry = {"account_name": "main", "amount": amount, "reference": one.ident}
    path, name = {"deposit": ("deposit", "deposits"), "spend": ("spend_multiple", "spends")}[word]
    body = {"user_id": str(day.people[who].uuid), name: [entry]}
    for _ in range(2):
        answer = day.till.offer(f"loyalty/{path}", **body)
        if answer.status == 422:
            return
        assert answer.status == 200, answer
    (day.moved if word == "deposit" else day.spent)[who] += amount


def settle(day: Day, worker: Worker) -> None:
    """Wait until nothing waits any more, with everything that is dead discarded."""
    waiting = Revision.objects.filter(state__in=("queued", "retry"))
    for _ in range(10):
        until(lambda: not waiting.exists(), worker.said, 120)
        if not Revision.objects.filter(state="dead").exists():
            return
        for one in day.sales:
            discard(day, one)
    raise AssertionError("there is always something dead")


def in_force(one: Purchase) -> Version | None:
    """Return the version that counts: the last by its time of those nobody discarded."""
    gone = set(Revision.objects.filter(result__has_key="discarded").values_list("pk", flat=True))
    kept = [version for version in one.versions if version.row not in gone]
    return max(kept, key=lambda version: version.at, default=None)


def used_of(kind: str, subject: int | None = None) -> int:
    """Return how much of a limit is used, of one customer's or of all together."""
    rows = Counted.objects.filter(kind=kind)
    rows = rows if subject is None else rows.filter(subject=subject)
    return int(rows.aggregate(taken=Sum("taken"))["taken"] or 0)


def assert_all_adds_up(day: Day) -> None:
    earned: Counter[int] = Counter(day.moved)
    thanked: list[tuple[int, str]] = []
    for one in day.sales:
        version = in_force(one)
        assert_coupon(one, version)
        if version is None or version.void:
            continue
        net = max(0, version.cents - (500 if one.coupon and one.way != "abandon" else 0))
        whole = sum(paid for _, paid in version.paid)
        for who, paid in version.paid:
            if who is not None:
                earned[who] += net * paid // (100 * whole)
                if net >= THANKS:
                    thanked.append((who, one.ident))
    for at in range(len(day.people)):
        assert_member(day, at, earned[at], [ident for who, ident in thanked if who == at])
    standing: Counter[str] = Counter()
    for award in Award.objects.filter(rule__name__in=("Budget", "Few")).select_related("rule"):
        standing[award.rule.name] += award.points
    assert standing["Budget"] == used_of(POINTS) <= BUDGET
    assert standing["Few"] == 7 * used_of(GLOBAL) <= 7 * FEW
    assert not OfferLock.objects.filter(state="claimed").exists()
    assert proof.prove().total == 0


def assert_coupon(one: Purchase, version: Version | None) -> None:
    """The coupon of a sale is used once, and its owner's again where the sale no longer stands."""
    if not one.coupon:
        return
    entry = UserOffer.objects.get(uuid=one.coupon)
    used = one.way in ("lock", "redeem") and version is not None and not version.void
    if one.way == "redeem" and version is None:
        used = True  # given back by the job for redemptions nobody sent
    found = (one.ident, one.way, UserOffer.Status(entry.status).label)
    assert found == (one.ident, one.way, "Redeemed" if used else "Issued"), one
    kinds = Counter(entry.events.values_list("kind", flat=True))
    assert kinds["redeemed"] - kinds["reinstated"] == int(used), (one, kinds)


def assert_member(day: Day, at: int, earned: int, thanked: list[str]) -> None:
    """Points, what is left of them to spend, and the offers that rules gave, each once."""
    who = day.people[at]
    stands, _ = points_standing.balances(member=who, now=clock.now())
    assert (at, stands.lifetime, stands.available) == (at, earned, earned - day.spent[at])
    lots = PointLot.objects.filter(member_account__member=who, member_account__account=day.account)
    assert (at, sum(lot.left for lot in lots)) == (at, max(0, stands.available))
    held = UserOffer.objects.filter(customer_id=who.customer_id, status=UserOffer.Status.ISSUED)
    assert (at, held.filter(source__rule="Step").count()) == (at, stands.lifetime // STEP)
    got = [row.source["occasion"].rpartition(":")[2] for row in held.filter(source__rule="Thanks")]
    assert (at, sorted(got)) == (at, sorted(thanked))
    once = held.filter(source__rule="Once").count()
    assert (at, once) == (at, used_of(PER_USER, who.customer_id))
    assert once <= 1
