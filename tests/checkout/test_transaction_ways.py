"""Whatever the rules, levels and limits: sales rewarded together leave what they would leave one by one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from checkout import transaction_plain
from checkout.models import Revision
from loyalty import outcomes, points, rules, tier_systems
from loyalty.models import Award, Member, MemberAccount, MemberTier, PointLot, Purchase
from offers import offer_templates
from offers.ledger import audit as proof
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Retailer, UserOffer
from tests.api.sessionm.sales import sale
from tests.bench import trips
from tests.checkout.test_transactions import Shop
from tests.loyalty.people import kind, person
from tests.loyalty.sales import points_fixed, points_per

LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)
OTHER = {**points_per(2), "account": "other"}

RULES: dict[str, dict[str, Any]] = {
    "per dollar": {"outcomes": [points_per()]},
    "other kind, twice": {"outcomes": [OTHER, points_fixed(2)], "priority": 5},
    "once a day": {"outcomes": [points_fixed(7)], "limits": {"per_user": {"count": 1, "period": "day"}}},
    "three for all": {"outcomes": [points_fixed(5)], "limits": {"global": {"count": 3, "period": "lifetime"}}},
    "budget": {"scope": "campaign", "outcomes": [points_per()], "budget": {"points": 40}},
    "gold earns more": {"outcomes": [points_per()], "levels": ["gold"]},
    "silver people": {"scope": "campaign", "outcomes": [points_fixed(3)], "audience": {"levels": ["silver"]}},
    "by level": {
        "outcomes": [points_fixed(1)],
        "conditions": [{"metric": "level", "op": "in", "value": ["gold", "silver"]}],
    },
    "from the second on": {
        "outcomes": [points_fixed(9)],
        "conditions": [{"metric": "purchase_number", "op": ">=", "value": 2}],
    },
    "rich": {
        "outcomes": [points_fixed(4)],
        "conditions": [{"metric": "balance", "account": "main", "op": ">=", "value": 20}],
    },
    "threshold": {
        "trigger": "points_changed",
        "outcomes": [points_fixed(6)],
        "conditions": [
            {"metric": "earned_points", "account": "main", "op": "crosses", "value": 30, "repeat_every": 25}
        ],
    },
    "an offer for much": {
        "trigger": "points_changed",
        "outcomes": [{"type": "offer", "offer": "OFFER"}],
        "conditions": [{"metric": "earned_points", "account": "main", "op": "crosses", "value": 40}],
    },
    "any change": {
        "trigger": "points_changed",
        "outcomes": [OTHER, points_fixed(1)],
        "conditions": [{"metric": "earned_points", "account": "main", "op": ">=", "value": 60}],
        "limits": {"per_user": {"count": 1, "period": "lifetime"}},
    },
    "welcome to the level": {"trigger": "tier_entered", "outcomes": [points_fixed(11)]},
    "tag the big": {
        "outcomes": [{"type": "tag", "tag": "big"}],
        "conditions": [{"metric": "eligible_spend", "op": ">=", "value": 30}],
    },
    "the tagged": {"scope": "campaign", "outcomes": [points_fixed(8)], "audience": {"tags": ["big"]}},
    "first of its kind": {"outcomes": [points_fixed(2)], "exclusive_group": "a", "stop_after": True},
}
ENTRIES: dict[str, dict[str, Any] | None] = {
    "lifetime": {"metric": "lifetime_points", "op": ">=", "value": 25},
    "one account": {"metric": "lifetime_points", "op": ">", "value": 40, "account": "main"},
    "spend": {"metric": "spend", "op": ">=", "value": "35.50"},
    "spend of a year": {"metric": "spend", "op": ">=", "value": 30, "period_months": 12},
    "earned of a year": {"metric": "period_points", "op": ">=", "value": 30, "period_months": 12},
    "earned of one kind": {"metric": "period_points", "op": ">=", "value": 20, "account": "main"},
    "never": {"metric": "spend", "op": ">=", "value": 10**6},
    "free": None,
}
MOMENTS = ("2026-11-21 09:30:00.000", "2026-11-21 23:30:00.000", "2026-11-20 12:00:00.000", "2025-06-01 08:00:00.000")
SALES = st.lists(
    st.tuples(
        st.integers(0, 3),  # who; 3 is a stranger
        st.sampled_from(["0.40", "3.00", "9.99", "12.00", "31.00", "-4.00"]),
        st.sampled_from(MOMENTS),
    ),
    min_size=2,
    max_size=9,
)


@contextmanager
def forgotten() -> Iterator[None]:
    """Do something and undo it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def set_up(shop: Shop, names: list[str], levels: list[str]) -> None:
    body = {
        "offer_type": "manual_fulfillment",
        "publish": True,
        "text_config": [{"title": "Thanks", "culture": "en"}],
        "common_config": {"validity_unit": "days", "validity_period": 10},
        "discount_config": {},
    }
    made = offer_templates.create(retailer_id=shop.retailer.pk, body=body, actor=SYSTEM, now=clock.now()).offer
    if levels:
        tier_systems.create(
            retailer_id=shop.retailer.pk,
            key="club",
            name="Club",
            levels=[
                {"key": key, "name": key, "rank": at, "entry": ENTRIES[entry]}
                for at, (key, entry) in enumerate(zip(("silver", "gold"), levels, strict=False))
            ],
            actor=SYSTEM,
            now=clock.now(),
        )
    for name in names:
        definition = {**RULES[name]}
        if len(levels) < 2 and ("levels" in definition or "levels" in definition.get("audience", {})):
            continue
        definition["outcomes"] = [
            {**one, "offer": str(made.uuid)} if one["type"] == "offer" else one for one in definition["outcomes"]
        ]
        rules.save(
            retailer_id=shop.retailer.pk,
            name=name,
            scope=definition.pop("scope", "economy"),
            definition=definition,
            actor=SYSTEM,
            now=clock.now(),
            in_force_from=LONG_AGO,
        )


def kept() -> dict[str, Any]:
    """Return all that sales leave behind, without the keys of rows."""
    accounts = {
        pk: (member, name) for pk, member, name in MemberAccount.objects.values_list("pk", "member_id", "account__name")
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, kind, owner, subject, scope, period, granted, taken FROM ledger_counter")
        counters = {
            pk: (name, accounts[owner] if name == points.KIND else owner, *rest)
            for pk, name, owner, *rest in cursor.fetchall()
        }
        cursor.execute("SELECT counter_id, kind, delta, reference, reason FROM ledger_entry")
        entries = [(counters[counter], *rest) for counter, *rest in cursor.fetchall()]
    awards = Award.objects.values_list(
        "key", "member_id", "rule_id", "version_id", "occasion", "kind", "account_id", "points", "detail"
    )
    offers = {str(one) for one in UserOffer.objects.values_list("uuid", flat=True)}

    def plain(detail: dict[str, Any]) -> list[Any]:
        return sorted((name, str(value)) for name, value in detail.items() if str(value) not in offers)

    return {
        "counters": sorted(map(str, counters.values())),
        "entries": sorted(map(str, entries)),
        "awards": sorted(str((*rest, plain(detail))) for *rest, detail in awards),
        "lots": sorted(
            str((accounts[one.member_account_id], one.reference, one.amount, one.left, one.expires_at))
            for one in PointLot.objects.all()
        ),
        "purchases": sorted(
            Purchase.objects.values_list("member_id", "occasion", "closed_at", "spend", "voided", "seen")
        ),
        "accounts": sorted(MemberAccount.objects.values_list("member_id", "account_id", "lifetime", "shortfall")),
        "levels": sorted(MemberTier.objects.values_list("member_id", "level__key", "entered_at")),
        "tags": sorted(Member.objects.values_list("pk", "tags")),
        "offers": sorted(UserOffer.objects.values_list("customer_id", "offer_id")),
        "told": [
            (one.state, one.error, {name: _told(name, value) for name, value in (one.result or {}).items()})
            for one in Revision.objects.order_by("pk")
        ],
    }


def _told(name: str, value: Any) -> Any:
    return len(value) if name == "offers_issued" else value


def one_by_one(jobs: Any, *, now: datetime) -> dict[int, Any]:
    return {}


@pytest.fixture
def shop(shop_a: Retailer) -> Shop:
    kind(shop_a)
    kind(shop_a, "other")
    return Shop(shop_a)


def both_ways(shop: Shop, batches: list[list[tuple[int, str, str]]], people: list[Member]) -> int:
    """Do the sales both ways, batch by batch; return how many were not rewarded by themselves."""
    users = [*(str(who.uuid) for who in people), "00000000-0000-4000-8000-000000000000"]
    found, alone = [], 0
    moment = clock.now()
    for patched in (False, True):
        with forgotten():
            with (
                mock.patch.object(transaction_plain, "run", one_by_one if patched else transaction_plain.run),
                mock.patch.object(outcomes, "reward", wraps=outcomes.reward) as asked,
            ):
                for at, batch in enumerate(batches):
                    for number, (who, amount, closed) in enumerate(batch):
                        fields = {"modified_time": closed, "user_id": users[who]}
                        shop.send(sale(f"t{at}-{number}", amount, **fields), now=moment)
                    assert shop.drain(now=moment) == len(batch)
            found.append(kept())
            assert proof.prove().total == 0
            alone = alone if patched else asked.call_count
    assert found[0] == found[1]
    return alone


@pytest.mark.django_db
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # making it smaller takes minutes
)
@given(
    names=st.lists(st.sampled_from(sorted(RULES)), min_size=1, max_size=6, unique=True),
    levels=st.lists(st.sampled_from(sorted(ENTRIES)), max_size=2),
    batches=st.lists(SALES, min_size=1, max_size=2),
)
@example(
    names=["per dollar", "an offer for much", "three for all"],
    levels=[],
    batches=[[(0, "0.40", MOMENTS[0]), (1, "3.00", MOMENTS[0]), (1, "41.00", MOMENTS[0]), (0, "0.40", MOMENTS[0])]],
)
def test_together_leaves_what_one_by_one_leaves(
    shop: Shop, names: list[str], levels: list[str], batches: list[list[tuple[int, str, str]]]
) -> None:
    with forgotten():
        set_up(shop, names, levels)
        both_ways(shop, batches, [person(shop.retailer) for _ in range(3)])


@pytest.mark.parametrize(
    ("names", "levels", "most_alone"),
    [
        (["per dollar", "gold earns more", "by level"], ["free", "never"], 0),
        (["per dollar"], ["spend", "never"], 0),
        (["per dollar", "once a day", "three for all", "budget"], [], 0),
        (["per dollar", "from the second on", "rich"], ["earned of a year", "never"], 0),
        (["per dollar", "threshold", "an offer for much"], [], 0),
    ],
)
def test_levels_limits_and_thresholds_send_nobody_the_long_way_by_themselves(
    shop: Shop, names: list[str], levels: list[str], most_alone: int
) -> None:
    set_up(shop, names, levels)
    batch = [(who, "3.00", MOMENTS[at % 3]) for at in range(2) for who in range(3)]
    assert both_ways(shop, [batch], [person(shop.retailer) for _ in range(3)]) <= most_alone


def test_a_batch_of_a_shop_with_levels_and_limits_costs_few_statements(shop: Shop) -> None:
    set_up(shop, ["per dollar", "gold earns more", "threshold", "from the second on"], ["free", "never"])
    people = [person(shop.retailer) for _ in range(20)]
    for turn in range(2):
        for at, who in enumerate(people):
            shop.send(sale(f"t{turn}-{at}", "5.00", user_id=str(who.uuid)))
        with trips.counted() as counted:
            assert shop.drain() == 20
    assert len(counted) <= 32, counted.statements


def test_a_sale_that_needs_more_holds_up_no_others_of_its_member(shop: Shop) -> None:
    """Behind a sale that reached a level the member's next ones go on together."""
    set_up(shop, ["per dollar", "welcome to the level"], ["spend", "never"])
    batch = [(0, "12.00", MOMENTS[0])] * 12
    assert both_ways(shop, [batch], [person(shop.retailer)]) == 1
