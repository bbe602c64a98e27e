"""The ledger against a model of it: whatever is done in whatever order, both say the same and the proof holds."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from offers.ledger import audit, counters, entries, expiry, holds
from offers.ledger.counters import Name
from offers.ledger.models import Counter
from offers.lib.errors import Refusal
from tests.ledger.words import NOW, RETAILER, hold, sql, use, want

SINGLE = Name(kind="voucher.uses", owner=1)
SHARDED = Name(kind="voucher.uses", owner=2)
UNLIMITED = Name(kind="voucher.uses", owner=3)
BUDGET = Name(kind="campaign.budget", owner=4)
RULE = Name(kind="voucher.rule", owner=5, scope="1:daily", period="2026-11-21")
SHARDS = {SHARDED: 4}
NAMES = [SINGLE, SHARDED, UNLIMITED, BUDGET]

names = st.sampled_from(NAMES)
references = st.sampled_from(["s1", "s2", "s3"])
items = st.sampled_from(["a", "b"])
amounts = st.integers(0, 6)
limits = st.one_of(st.none(), st.integers(0, 12))
claims = st.lists(st.tuples(items, names, amounts), min_size=1, max_size=4, unique_by=lambda claim: claim[:2])


@dataclass
class Held:
    reference: str
    item: str
    name: Name
    amount: int
    expires_at: datetime
    pinned: bool = False


@dataclass
class Model:
    """What the ledger should say, told without rows, locks or shards."""

    now: datetime = NOW
    granted: dict[Name, int | None] = field(default_factory=dict)
    settled: dict[Name, int] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    used: dict[str, dict[Name, int]] = field(default_factory=dict)

    def live(self, reference: str | None = None, wanted: set[str] | None = None) -> list[Held]:
        return [
            one
            for one in self.held
            if (one.pinned or one.expires_at > self.now)
            and reference in (None, one.reference)
            and (wanted is None or one.item in wanted)
        ]

    def has_lost(self, reference: str, wanted: set[str]) -> bool:
        """Whether something held for these items has expired, swept or not."""
        live = self.live()
        return any(one.reference == reference and one.item in wanted and one not in live for one in self.held)

    def held_of(self, name: Name) -> int:
        return sum(one.amount for one in self.live() if one.name == name)

    def room(self, name: Name) -> int | None:
        limit = self.granted[name]
        return None if limit is None else limit - self.settled[name] - self.held_of(name)

    def open(self, name: Name, limit: int | None, opening: int = 0) -> None:
        if name not in self.granted:
            self.granted[name], self.settled[name] = limit, opening

    def fits(self, reference: str, wanted: list[tuple[str, Name, int]]) -> bool:
        mine = self.live(reference, {item for item, _, _ in wanted})
        for name in {name for _, name, _ in wanted}:
            room = self.room(name)
            if room is None:
                continue
            asked = {item: amount for item, of, amount in wanted if of == name}
            had = {one.item: one.amount for one in mine if one.name == name}
            changes = [asked.get(item, 0) - had.get(item, 0) for item in asked.keys() | had.keys()]
            if any(change > 0 for change in changes) and sum(changes) > room:
                return False
        return True

    def take(self, reference: str, wanted: list[tuple[str, Name, int]], entry: str | None, ttl: int) -> None:
        for one in self.live(reference, {item for item, _, _ in wanted}):
            self.held.remove(one)
        for item, name, amount in wanted:
            if amount and entry is None:
                self.held.append(Held(reference, item, name, amount, self.now + timedelta(seconds=ttl)))
            elif amount and entry is not None:
                self.use(name, amount, entry)

    def use(self, name: Name, amount: int, entry: str) -> None:
        self.settled[name] += amount
        self.used.setdefault(entry, {}).setdefault(name, 0)
        self.used[entry][name] += amount


class Crash(Exception):
    pass


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.serial = 0
        self.transaction = transaction.atomic()
        self.transaction.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def fresh(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}{self.serial}"

    @initialize(limit=limits, budget=limits, opening=st.integers(0, 15))
    def some_counters(self, limit: int | None, budget: int | None, opening: int) -> None:
        for name, granted in ((SHARDED, 9), (SINGLE, limit), (BUDGET, budget)):
            counters.open_counter(
                name,
                retailer_id=RETAILER,
                granted=granted,
                now=NOW,
                opening=opening,
                shards=SHARDS.get(name, 1),
            )
            self.model.open(name, granted, opening)

    def wants(self, wanted: list[tuple[str, Name, int]], entry: str = "") -> list[holds.Want]:
        return [want(amount, name=name, item=item, entry=entry) for item, name, amount in wanted]

    @rule(reference=references, wanted=claims, ttl=st.sampled_from([5, 60]))
    def hold(self, reference: str, wanted: list[tuple[str, Name, int]], ttl: int) -> None:
        for _, name, _ in wanted:
            self.model.open(name, None)
        fits = self.model.fits(reference, wanted)
        try:
            hold(reference, *self.wants(wanted), ttl_seconds=ttl, now=self.model.now)
        except holds.Exceeded as refusal:
            assert not fits
            assert refusal.shortage.available >= 0
        else:
            assert fits
            self.model.take(reference, wanted, None, ttl)

    @rule(reference=references, wanted=claims)
    def use(self, reference: str, wanted: list[tuple[str, Name, int]]) -> None:
        for _, name, _ in wanted:
            self.model.open(name, None)
        fits, entry = self.model.fits(reference, wanted), self.fresh("u")
        try:
            use(reference, *self.wants(wanted, entry), now=self.model.now)
        except holds.Exceeded:
            assert not fits
        else:
            assert fits
            self.model.take(reference, wanted, entry, 0)

    @rule(reference=references, amount=amounts, limit=limits)
    def hold_with_a_limit_of_a_rule(self, reference: str, amount: int, limit: int | None) -> None:
        self.model.open(RULE, limit)
        self.model.granted[RULE] = limit
        fits = self.model.fits(reference, [("r", RULE, amount)])
        try:
            hold(reference, want(amount, limit, RULE, "r", fixed=True, counted=True), now=self.model.now)
        except holds.Exceeded:
            assert not fits
        else:
            assert fits
            self.model.take(reference, [("r", RULE, amount)], None, 600)

    @rule(reference=references, item=st.one_of(st.none(), items), amount=st.one_of(st.none(), amounts))
    def settle(self, reference: str, item: str | None, amount: int | None) -> None:
        mine = self.model.live(reference, {item} if item else None)
        if len({one.name for one in mine}) > 1:
            amount = None
        entry = self.fresh("e")
        try:
            ended = holds.settle(reference=reference, entry=entry, now=self.model.now, item=item, amount=amount)
        except holds.Exceeded as refusal:
            assert amount is not None and amount > refusal.shortage.available == sum(one.amount for one in mine) > 0
            return
        except Refusal as refusal:
            assert not mine and refusal.code.startswith("hold_")
            return
        assert sum(one.amount for one in ended if one.state == "settled") == (
            sum(one.amount for one in mine) if amount is None else amount
        )
        for one in mine:
            self.model.held.remove(one)
            part = one.amount if amount is None else min(amount, one.amount)
            amount = None if amount is None else amount - part
            if part:
                self.model.use(one.name, part, entry)

    @rule(reference=references, item=st.one_of(st.none(), items))
    def void(self, reference: str, item: str | None) -> None:
        mine = self.model.live(reference, {item} if item else None)
        try:
            holds.void(reference=reference, now=self.model.now, item=item)
        except Refusal as refusal:
            assert not mine and refusal.code.startswith("hold_")
        else:
            assert mine
            self.model.held = [one for one in self.model.held if one not in mine]

    @rule(reference=references, used=st.sets(items), given=st.sets(items))
    def finish(self, reference: str, used: set[str], given: set[str]) -> None:
        given -= used
        entry, lost = self.fresh("f"), self.model.has_lost(reference, used)
        mine, gone = self.model.live(reference, used), self.model.live(reference, given)
        try:
            holds.finish(reference=reference, used=sorted(used), given=sorted(given), entry=entry, now=self.model.now)
        except holds.HoldExpired:
            assert lost
            return
        assert not lost
        for one in mine:
            self.model.use(one.name, one.amount, entry)
        self.model.held = [one for one in self.model.held if one not in (*mine, *gone)]

    @rule(reference=references, wanted=st.sets(items), seconds=st.sampled_from([5, 90]))
    def keep_items(self, reference: str, wanted: set[str], seconds: int) -> None:
        until, lost = self.model.now + timedelta(seconds=seconds), self.model.has_lost(reference, wanted)
        try:
            holds.keep(reference=reference, items=sorted(wanted), until=until, now=self.model.now)
        except holds.HoldExpired:
            assert lost
            return
        assert not lost
        for one in self.model.live(reference, wanted):
            one.expires_at = until

    @rule(reference=references, pin=st.booleans())
    def keep(self, reference: str, pin: bool) -> None:
        mine = self.model.live(reference)
        try:
            if pin:
                holds.pin(reference=reference, now=self.model.now)
            else:
                holds.extend(reference=reference, ttl_seconds=90, now=self.model.now)
        except Refusal:
            assert not mine
        for one in mine:
            one.pinned = one.pinned or pin
            one.expires_at = one.expires_at if pin else self.model.now + timedelta(seconds=90)

    @rule(seconds=st.sampled_from([1, 10, 70]))
    def time_passes(self, seconds: int) -> None:
        self.model.now += timedelta(seconds=seconds)

    @rule()
    def sweep(self) -> None:
        expiry.sweep(now=self.model.now)

    @rule(name=names, limit=limits)
    def set_limit(self, name: Name, limit: int | None) -> None:
        counters.set_limit(
            name, limit, reference=self.fresh("l"), now=self.model.now, retailer_id=RETAILER, shards=SHARDS.get(name, 1)
        )
        self.model.open(name, limit)
        self.model.granted[name] = limit

    @precondition(lambda self: any(limit is not None for limit in self.model.granted.values()))
    @rule(data=st.data(), amount=st.integers(1, 5))
    def grant(self, data: Any, amount: int) -> None:
        name = data.draw(st.sampled_from([n for n, limit in self.model.granted.items() if limit is not None]))
        counters.grant(name, amount, reference=self.fresh("g"), now=self.model.now)
        self.model.granted[name] = (self.model.granted[name] or 0) + amount

    @precondition(lambda self: any(limit is not None for limit in self.model.granted.values()))
    @rule(data=st.data(), amount=st.integers(1, 5))
    def withdraw(self, data: Any, amount: int) -> None:
        name = data.draw(st.sampled_from([n for n, limit in self.model.granted.items() if limit is not None]))
        room = self.model.room(name) or 0
        try:
            counters.withdraw(name, amount, reference=self.fresh("w"), now=self.model.now)
        except counters.NotEnoughLeft as refusal:
            assert room < amount
            assert refusal.data == {"available": max(0, room)}
        else:
            assert room >= amount
            self.model.granted[name] = (self.model.granted[name] or 0) - amount

    @precondition(lambda self: self.model.used)
    @rule(data=st.data())
    def reverse(self, data: Any) -> None:
        entry = data.draw(st.sampled_from(sorted(self.model.used)))
        given = entries.reverse(references=[entry], now=self.model.now)
        assert sum(given.values()) == sum(self.model.used[entry].values())
        for name, amount in self.model.used[entry].items():
            self.model.settled[name] -= amount
        self.model.used[entry] = {}

    @rule(name=names)
    def tally(self, name: Name) -> None:
        for counter in Counter.objects.filter(owner=name.owner):
            sql("select ledger_tally(%s)", counter.pk)

    @rule(reference=references, wanted=claims, ending=st.booleans())
    def crash_before_the_commit(self, reference: str, wanted: list[tuple[str, Name, int]], ending: bool) -> None:
        with pytest.raises((Crash, Refusal)), transaction.atomic():
            if ending:
                holds.settle(reference=reference, entry=self.fresh("x"), now=self.model.now)
            else:
                use(reference, *self.wants(wanted, self.fresh("x")), now=self.model.now)
            expiry.sweep(now=self.model.now)
            raise Crash

    @invariant()
    def both_say_the_same(self) -> None:
        found = counters.states(
            kinds=[*{name.kind for name in NAMES}, RULE.kind], owners=range(1, 6), now=self.model.now
        )
        assert {name: (state.granted, state.held, state.settled) for name, state in found.items()} == {
            name: (limit, self.model.held_of(name), self.model.settled[name])
            for name, limit in self.model.granted.items()
        }

    @invariant()
    def nothing_differs(self) -> None:
        assert audit.prove().differences == []


@pytest.mark.django_db
def test_the_ledger_is_its_model() -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
