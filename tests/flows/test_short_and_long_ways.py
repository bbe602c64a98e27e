"""Two shops go through the same, in any order: one by the short calls, one as processes of the release before do.

Both answer the same and leave the same rows: whatever is locked, renewed, redeemed, given back, limited or expires.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.core.management import call_command

from checkout import sessions
from checkout.models import LockSession, Order, Redemption, Validation
from offers import vouchers
from offers.ledger import expiry
from offers.ledger.models import Counter, Entry, Hold
from offers.lib.actors import SYSTEM
from offers.models import Campaign, Customer, PromotionTier, Retailer, Voucher
from offers.outbox.models import Endpoint, Event
from tests import factories
from tests.api.client import Answer, ApiClient
from tests.flows import shop
from tests.flows.long_ways import long_ways
from tests.flows.test_limits import rule

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2024, 3, 4, 12, 0, tzinfo=UTC)
TIER = "TIER"
CODES = ("ONE", "SOME", "FREE", "HOT", "BUDGETED", "PERSONAL", "RULED", "GIFT", "POINTS")


@dataclass
class Side:
    """One of the two shops, and what of its own has been seen: ids are compared by when they first came up."""

    retailer: Retailer
    api: ApiClient
    seen: dict[str, str] = field(default_factory=dict)
    redeemed: list[str] = field(default_factory=list)

    def plain(self, text: str) -> str:
        """Return a text with every id replaced by its number, without moments of the clock on the wall."""
        text = re.sub(r"\bv-[0-9a-f]{18}\b|\b(?!2024-)\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+00:00)?", "", text)
        return re.sub(r"\btrack_[\w+/]{43}=|\b[a-z]+_[A-Za-z0-9]{18,32}\b", self._number, text)

    def same(self, value: Any) -> Any:
        """Return a JSON value with numbered ids, also where they are keys, which then come in another order."""
        return orjson.loads(self.plain(orjson.dumps(value).decode()))

    def heard(self, answer: object) -> Any:
        if not isinstance(answer, Answer):
            return None
        return answer.status, self.same(answer.json if answer.text else None)

    def _number(self, found: re.Match[str]) -> str:
        prefix = found[0].split("_")[0]
        return self.seen.setdefault(found[0], f"{prefix}#{len(self.seen)}")


def laid_out(draw: random.Random) -> Callable[[], Side]:
    """Draw a shop; what is returned opens it, as often as wanted."""
    partial, listened = draw.random() < 0.3, draw.random() < 0.5
    limit, some = draw.choice([1, 1, 2]), draw.choice([2, 3, 4])
    budget, credits = draw.choice([30_000, 90_000]), draw.choice([0, 900, 100_000])
    card_limit = draw.choice([None, 2])

    def open_shop() -> Side:
        retailer = factories.retailer()
        if partial:
            retailer.stacking = {"redeemables_application_mode": "PARTIAL"}
            retailer.save()
        if listened:
            Endpoint.objects.create(retailer=retailer, url="https://example.com/hook", secret="s")
        Customer.objects.create(retailer=retailer, source_id="ada", name="Ada", metadata={"a": 1})
        plain, counted = shop.campaign(retailer, "Plain"), shop.campaign(retailer, "Counted", budget=budget)
        shop.code(retailer, "ONE", limit=limit, campaign=plain)
        shop.code(retailer, "SOME", limit=some)
        shop.code(retailer, "FREE", limit=None, campaign=plain)
        shop.code(retailer, "HOT", limit=70, hot=True)
        shop.code(retailer, "BUDGETED", limit=3, campaign=counted)
        shop.code(retailer, "PERSONAL", limit=3, customer_limit=1)
        rule(shop.code(retailer, "RULED", limit=None), "redemption.count.daily", 2)
        shop.card(retailer, "GIFT", credits=credits, limit=card_limit)
        shop.points_card(retailer, "POINTS", points=credits)
        shop.tier(retailer)
        return Side(retailer, ApiClient.of(retailer, name="Till"))

    return open_shop


Step = Callable[[Side], object]


def carts(draw: random.Random) -> dict[str, Any]:
    """Draw a body as validations and redemptions take it."""
    wanted = draw.sample(CODES, draw.choice([1, 1, 1, 1, 2, 3]))
    if draw.random() < 0.25:
        wanted.append(TIER)
    sent: dict[str, Any] = {"redeemables": wanted, "by_id": draw.random() < 0.15}
    order: dict[str, Any] | None = draw.choice(
        [None, {"amount": 0}, {"amount": 5_000}, {"amount": 5_000}, {"amount": 150_000}]
    )
    if order is not None and draw.random() < 0.3:
        order = {**order, "source_id": draw.choice(["o-1", "o-2"])}
    customer = draw.choice(
        [
            None,
            None,
            {"source_id": "ada"},
            {"source_id": "ada", "name": draw.choice(["Ada", "Eve"])},
            {"source_id": "n"},
        ]
    )
    more = {"order": order, "customer": customer, "metadata": draw.choice([None, {"a": "b"}, {}])}
    return sent | {name: value for name, value in more.items() if value is not None}


def locked(draw: random.Random) -> dict[str, Any]:
    ttl = draw.choice([{}, {"ttl": 30, "ttl_unit": "SECONDS"}, {"ttl": 1.5, "ttl_unit": "HOURS"}])
    return shop.lock_of(draw.choice(["k1", "k2"]), **ttl)


def ask(side: Side, call: str, cart: dict[str, Any]) -> Answer:
    cart = dict(cart)
    by_id, tier = cart.pop("by_id"), PromotionTier.objects.get(retailer=side.retailer).public_id
    known = dict(Voucher.objects.filter(retailer=side.retailer).values_list("code", "public_id"))
    named = [
        shop.redeemable(tier, kind="promotion_tier")
        if one == TIER
        else {
            **(shop.with_points(one) if one == "POINTS" else shop.redeemable(one)),
            "id": known[one] if by_id else one,
        }
        for one in cart["redeemables"]
    ]
    answer = side.api.post(f"/v1/{call}", {**cart, "redeemables": named})
    assert answer.status < 500, answer
    if call == "redemptions" and answer.status == 200:
        parent = answer.json.get("parent_redemption")
        side.redeemed.append((parent or answer["redemptions"][0])["id"])
    return answer


def rolled_back(side: Side, which: int) -> Answer | None:
    if not side.redeemed:
        return None
    return side.api.post(f"/v1/redemptions/{side.redeemed[which % len(side.redeemed)]}/rollbacks")


def limited(side: Side, code: str, limit: int | None) -> None:
    vouchers.update(
        retailer_id=side.retailer.pk, ident=code, actor=SYSTEM, now=NOON, fields={"redemption_limit": limit}
    )


def counted_from_now(side: Side, name: str, to: int | None) -> None:
    """Change what a campaign or a code counts, as an edited form does: the counters follow at their next use."""
    if name == "budget":
        for row in Campaign.objects.filter(retailer=side.retailer, name="Plain"):
            row.budget = to
            row.save()
        return
    voucher = Voucher.objects.get(retailer=side.retailer, code=name)
    voucher.customer_limit = to
    voucher.save()


def pinned(side: Side, key: str) -> None:
    Hold.objects.filter(reference=sessions.reference(side.retailer.pk, key), state="live").update(pinned=True)


def steps(draw: random.Random, clock: Callable[[datetime], None]) -> list[Step]:
    """Draw what happens: mostly carts that are locked and bought, with something in between."""
    now = NOON
    found: list[Step] = []

    def wait(seconds: int) -> None:
        nonlocal now
        now += timedelta(seconds=seconds)
        found.append(lambda side, now=now: clock(now))  # type: ignore[misc]

    def add(step: Step) -> None:
        wait(1)
        found.append(step)

    def something() -> None:
        kind, key, code = draw.randrange(10), draw.choice(["k1", "k2"]), draw.choice(CODES)
        changed = draw.choice(["ONE", "SOME", "FREE", "HOT"])
        number, to = draw.randrange(9), draw.choice([None, 1, 2, 90])
        if kind == 0:
            add(lambda side: shop.release(side.api, code, key))
        elif kind == 1:
            add(lambda side: rolled_back(side, number))
        elif kind == 2:
            add(lambda side: limited(side, changed, to))
        elif kind == 3:
            add(lambda side: counted_from_now(side, "budget", to and to * 1_000))
        elif kind == 4:
            add(lambda side: counted_from_now(side, changed, to))
        elif kind == 5:
            wait(draw.choice([20, 40, 6_000]))
        elif kind == 6:
            moment = now
            add(lambda side: (expiry.sweep(now=moment), sessions.expire(now=moment))[:0])
        elif kind == 7:
            add(lambda side: pinned(side, key))
        else:
            cart = carts(draw)
            call = draw.choice(["validations", "redemptions"])
            add(lambda side: ask(side, call, cart))

    for _ in range(draw.randrange(2, 6)):
        cart = carts(draw)
        cart["session"] = locked(draw)
        renewed = cart | draw.choice([{}, {}, {"order": {"amount": 7_000}}])
        add(lambda side, cart=cart: ask(side, "validations", cart))  # type: ignore[misc]
        if draw.random() < 0.4:
            add(lambda side, cart=renewed: ask(side, "validations", cart))  # type: ignore[misc]
        for _ in range(draw.choice([0, 0, 1, 2])):
            something()
        if draw.random() < 0.8:
            add(lambda side, cart=renewed: ask(side, "redemptions", cart))  # type: ignore[misc]
        if draw.random() < 0.3:
            something()
    return found


def left(side: Side) -> dict[str, list[str]]:
    """Return all rows of a shop, by what they are about instead of by their keys."""
    mine = {"retailer": side.retailer}
    names: dict[str, dict[Any, Any]] = {
        "voucher_id": dict(Voucher.objects.filter(**mine).values_list("pk", "code")),
        "campaign_id": dict(Campaign.objects.filter(**mine).values_list("pk", "name")),
        "tier_id": dict(PromotionTier.objects.filter(**mine).values_list("pk", "name")),
        "customer_id": dict(Customer.objects.filter(**mine).values_list("pk", "source_id")),
        "order_id": dict(Order.objects.filter(**mine).values_list("pk", "public_id")),
        "parent_id": dict(Redemption.objects.filter(**mine).values_list("pk", "public_id")),
        "rolls_back_id": dict(Redemption.objects.filter(**mine).values_list("pk", "public_id")),
    }
    for row in Counter.objects.filter(retailer_id=side.retailer.pk):
        owner = names["campaign_id" if row.kind.startswith("campaign") else "voucher_id"][row.owner]
        subject = names["customer_id"].get(row.subject)
        names.setdefault("counter_id", {})[row.pk] = f"{row.kind} {owner} {subject} {row.scope.split(':')[0]}"
    found: dict[str, list[str]] = {}
    model: type[Any]
    for model in (Validation, LockSession, Order, Redemption, Customer, Event):
        found[model.__name__] = [line(side, row, names) for row in model.objects.filter(**mine).order_by("pk")]
    # Several wants of one call have no order among themselves.
    for model in (Hold, Entry):
        rows = model.objects.filter(counter__retailer_id=side.retailer.pk).exclude(reference__startswith="limit:")
        found[model.__name__] = sorted(line(side, row, names) for row in rows)
    sums: dict[str, list[int]] = {}
    for row in Counter.objects.filter(retailer_id=side.retailer.pk):
        figures = [
            row.granted or 0,
            row.withheld,
            row.withdrawn,
            row.taken,
            row.overdrawn,
            int(row.counted),
            row.shards,
        ]
        before = sums.setdefault(names["counter_id"][row.pk] + row.period, [0] * len(figures))
        sums[names["counter_id"][row.pk] + row.period] = [a + b for a, b in zip(before, figures, strict=True)]
    found["Counter"] = sorted(f"{name} {figures}" for name, figures in sums.items())
    return found


def line(side: Side, row: Any, names: dict[str, dict[Any, Any]]) -> str:
    told = []
    for one in row._meta.concrete_fields:
        value = one.value_from_object(row)
        if one.name in ("id", "retailer", "xact", "fanned_out_at") or value is None:
            continue
        if one.name == "object_id":
            value = names["voucher_id" if row.object == "voucher" else "tier_id"][value]
        elif one.name == "campaign_ids":
            value = [names["campaign_id"][number] for number in value]
        elif one.name in ("item", "reference"):
            value = re.sub(r"^[vts]\d+", one.name, value)
        elif one.attname in names:
            value = names[one.attname][value]
        told.append(f"{one.name}={sorted(side.same(value).items()) if isinstance(value, dict) else value}")
    return side.plain(" ".join(told))


def gone_through(side: Side, happens: list[Step]) -> tuple[list[Any], dict[str, list[str]]]:
    """Return what a shop was answered, and what is left of it."""
    answers = [side.heard(step(side)) for step in happens]
    return answers, left(side)


@pytest.mark.parametrize("seeds", [range(10), range(10, 20)])
def test_two_shops_that_go_through_the_same_end_the_same(
    seeds: range, set_clock: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in seeds:
        draw = random.Random(seed)
        open_shop, happens = laid_out(draw), steps(draw, set_clock)
        set_clock(NOON)
        told, rows = gone_through(open_shop(), happens)
        with monkeypatch.context() as patch:
            long_ways(patch)
            set_clock(NOON)
            told_long, rows_long = gone_through(open_shop(), happens)
        for at, (answer, answer_long) in enumerate(zip(told, told_long, strict=True)):
            assert answer == answer_long, f"seed {seed}, step {at}"
        for name in rows:
            assert rows[name] == rows_long[name], f"seed {seed}, {name}"
    call_command("prove_ledger")
