"""What purchases earn: the worked examples and every edge of a rule, without a database."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.earning import (
    MemberFacts,
    Metric,
    PointsChanged,
    RuleFacts,
    Sale,
    SaleDiscount,
    TierEntered,
    TransactionClosed,
    Trigger,
    evaluate,
)
from tests.loyalty.sales import NOON, line, member, points_fixed, points_per, rule, sale

FIVE = {"type": "offer", "offer": "five-dollars"}
REACHES_200 = {"metric": "earned_points", "account": "main", "op": "crosses", "value": 200}


def points(*rules: RuleFacts, of: Sale, who: MemberFacts | None = None) -> int:
    found = evaluate(trigger=TransactionClosed(), rules=rules, member=who or member(), sale=of, now=NOON)
    return sum(one.points for one in found.wanted)


def why(
    one: RuleFacts, *, of: Sale | None = None, who: MemberFacts | None = None, trigger: Trigger | None = None
) -> str:
    found = evaluate(trigger=trigger or TransactionClosed(), rules=[one], member=who or member(), sale=of, now=NOON)
    return str(found.trace[0]["why_not"])


def times(one: RuleFacts, before: int, after: int, **standing: int) -> int:
    who = member(standing={1: standing["standing"]} if standing else {})
    trigger = PointsChanged("main", before, after)
    return len(evaluate(trigger=trigger, rules=[one], member=who, sale=None, now=NOON).wanted)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(190, 230, 1), (199, 200, 1), (0, 199, 0), (230, 260, 0), (200, 201, 0), (0, 1000, 1), (260, 150, 0)],
)
def test_example_1_an_offer_at_200_earned_points(before: int, after: int, expected: int) -> None:
    assert times(rule(FIVE, trigger="points_changed", conditions=[REACHES_200]), before, after) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"), [(190, 430, 2), (190, 230, 1), (399, 400, 1), (400, 599, 0), (0, 1000, 5)]
)
def test_example_1_repeated_every_200(before: int, after: int, expected: int) -> None:
    every = rule(FIVE, trigger="points_changed", conditions=[{**REACHES_200, "repeat_every": 200}])
    assert times(every, before, after) == expected


def test_example_1_what_still_stands_is_not_given_again() -> None:
    one = rule(FIVE, trigger="points_changed", conditions=[REACHES_200])
    assert times(one, 150, 230, standing=1) == 0
    assert times(one, 150, 230, standing=0) == 1


def test_example_1_as_an_automatic_purchase() -> None:
    buys = {"type": "auto_purchase", "offer": "five-dollars", "account": "main", "points": 200}
    one = rule(buys, trigger="points_changed")
    for balance, expected in ((199, 0), (200, 1), (450, 2), (-10, 0)):
        who = member(points={"main": Metric(lifetime=1000, balance=balance)})
        found = evaluate(trigger=PointsChanged("main", 0, 1000), rules=[one], member=who, sale=None, now=NOON)
        assert [(w.kind, w.points, w.value) for w in found.wanted] == [("purchase", 200, "five-dollars")] * expected


def test_example_2_a_point_per_dollar_but_not_for_gift_cards() -> None:
    one = rule(points_per(), exclusions=[{"match": "category", "values": ["giftcard"]}])
    assert points(one, of=sale(line(4000), line(2500, "GC25", category="giftcard"))) == 40


def test_example_3_gold_earns_double_and_not_triple() -> None:
    base = rule(points_per(1), rule_id=1, tier_system="club", levels=["silver"])
    gold = rule(points_per(2), rule_id=2, tier_system="club", levels=["gold"])
    assert points(base, gold, of=sale(line(4000)), who=member(levels={"club": "gold"})) == 80
    assert points(base, gold, of=sale(line(4000)), who=member(levels={"club": "silver"})) == 40
    assert points(base, gold, of=sale(line(4000)), who=member()) == 0


def test_example_4_double_points_on_gloves_in_november() -> None:
    base = rule(points_per(), rule_id=1)
    extra = rule(
        points_per(),
        rule_id=2,
        scope="campaign",
        starts_at="2026-11-01T00:00:00Z",
        ends_at="2026-12-01T00:00:00Z",
        catalog_restrictions=[{"mode": "include", "match": "category", "values": ["gloves"]}],
    )
    goods = (line(3000, category="Gloves"), line(1000))
    assert points(base, extra, of=sale(*goods)) == 70
    for month in (10, 12):
        assert points(base, extra, of=sale(*goods, closed_at=datetime(2026, month, 1, tzinfo=UTC))) == 40
    assert points(base, extra, of=sale(*goods, closed_at=datetime(2026, 11, 1, tzinfo=UTC))) == 70


@pytest.mark.parametrize(("pieces", "expected"), [(2, 0), (3, 150), (4, 200)])
def test_example_5_three_saplings_fifty_points_each(pieces: int, expected: int) -> None:
    one = rule(
        points_per(50, unit="1", basis="quantity", hurdle=3),
        catalog_restrictions=[{"mode": "include", "match": "item", "values": ["sapling"]}],
    )
    assert points(one, of=sale(line(pieces * 700, "sapling", pieces), line(100, quantity=9))) == expected


def test_example_6_happy_hour_at_the_kiosk() -> None:
    one = rule(
        points_fixed(30),
        scope="campaign",
        audience={"tags": ["local"]},
        conditions=[
            {"metric": "channel", "op": "in", "value": ["kiosk"]},
            {"metric": "time", "op": "between", "value": ["15:00", "18:00"]},
        ],
    )
    local = member(tags=frozenset({"local"}))
    berlin: dict[str, Any] = {"timezone": "Europe/Berlin", "channel": "KIOSK"}

    def at(hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 11, 10, hour, minute, tzinfo=UTC)

    assert points(one, of=sale(line(100), closed_at=at(14), **berlin), who=local) == 30
    assert points(one, of=sale(line(100), closed_at=at(16, 59), **berlin), who=local) == 30
    assert points(one, of=sale(line(100), closed_at=at(17), **berlin), who=local) == 0
    assert points(one, of=sale(line(100), closed_at=at(13, 59), **berlin), who=local) == 0
    assert why(one, of=sale(line(100), closed_at=at(14), **berlin)) == "audience"
    store = sale(line(100), closed_at=at(14), timezone="Europe/Berlin", channel="store")
    assert why(one, of=store, who=local) == "condition_channel"


def test_example_7_a_welcome_offer_at_silver() -> None:
    one = rule(FIVE, trigger="tier_entered", tier_system="club", levels=["silver"])
    assert why(one, trigger=TierEntered("club", "silver")) == ""
    assert why(one, trigger=TierEntered("club", "gold")) == "tier"
    assert why(one, trigger=TierEntered("crew", "silver")) == "tier"


def test_both_kinds_of_rules_add_up_unless_they_exclude_each_other() -> None:
    base, extra = rule(points_per(1), rule_id=1), rule(points_per(1), rule_id=2, scope="campaign")
    assert points(base, extra, of=sale(line(1000))) == 20
    low = rule(points_per(1), rule_id=1, exclusive_group="x", priority=1)
    high = rule(points_per(3), rule_id=2, exclusive_group="x", priority=9)
    assert points(low, high, of=sale(line(1000))) == 30


def test_the_highest_priority_of_a_group_wins_whatever_its_kind() -> None:
    base = rule(points_fixed(1), rule_id=1, exclusive_group="x", priority=1)
    special = rule(points_fixed(10), rule_id=2, exclusive_group="x", priority=9, scope="campaign")
    beside = rule(points_fixed(100), rule_id=3, scope="campaign", priority=99)
    assert points(base, special, beside, of=sale(line(1000))) == 110
    equal = rule(points_fixed(1000), rule_id=4, exclusive_group="x", priority=9)
    assert points(special, equal, of=sale(line(1000))) == 1000


def test_a_rule_that_does_not_apply_leaves_its_exclusive_group_to_the_next() -> None:
    low = rule(points_per(1), rule_id=1, exclusive_group="x", priority=1)
    high = rule(points_per(3), rule_id=2, exclusive_group="x", priority=9, audience={"tags": ["vip"]})
    assert points(low, high, of=sale(line(1000))) == 10


def test_stop_after_ends_the_rules_of_its_scope_only() -> None:
    first = rule(points_fixed(1), rule_id=1, priority=5, stop_after=True)
    second = rule(points_fixed(10), rule_id=2)
    campaign = rule(points_fixed(100), rule_id=3, scope="campaign")
    assert points(first, second, campaign, of=sale(line(1000))) == 101


def test_points_are_rounded_down_once() -> None:
    assert points(rule(points_per(1)), of=sale(line(999), line(999))) == 19
    assert points(rule(points_per("1.5")), of=sale(line(4099))) == 61


def test_yen_have_no_cents() -> None:
    assert points(rule(points_per(1, unit="100")), of=sale(line(5500), currency="JPY")) == 55


def test_discounts_earn_nothing_and_neither_do_lines_given_away() -> None:
    goods = (line(6000, line_id="a"), line(4000, "cake", line_id="b"))
    assert points(rule(points_per(1)), of=sale(*goods, discounts=(SaleDiscount(amount=1000),))) == 90
    free = sale(*goods, discounts=(SaleDiscount(amount=4000, line_ids=("b",)),))
    assert points(rule(points_per(10, unit="1", basis="quantity")), of=free) == 10
    cake = rule(points_fixed(5), catalog_restrictions=[{"mode": "include", "match": "item", "values": ["cake"]}])
    assert why(cake, of=free) == "no_eligible_lines"


def test_a_discount_that_names_no_line_of_the_receipt_is_spread_over_all() -> None:
    off = SaleDiscount(amount=1000, line_ids=("nowhere",))
    assert points(rule(points_per(1)), of=sale(line(6000), line(4000), discounts=(off,))) == 90


def test_a_discount_never_takes_more_than_there_is() -> None:
    assert points(rule(points_per(1)), of=sale(line(1000), discounts=(SaleDiscount(amount=9900),))) == 0


def test_a_modifier_earns_where_its_parent_earns() -> None:
    one = rule(points_per(1), catalog_restrictions=[{"mode": "include", "match": "item", "values": ["burger"]}])
    goods = (line(1000, "burger", line_id="0"), line(200, "cheese", modifies="0"), line(300, "cola"))
    assert points(one, of=sale(*goods)) == 12


def test_goods_brought_back_count_against_the_sale() -> None:
    assert points(rule(points_per(1)), of=sale(line(5000), line(-2000, quantity=-1))) == 30
    assert why(rule(points_fixed(9)), of=sale(line(5000), line(-5000, quantity=-1))) == "no_eligible_lines"
    assert why(rule(points_fixed(9)), of=sale()) == "no_eligible_lines"


def test_excluding_wins_over_including() -> None:
    one = rule(
        points_per(1),
        catalog_restrictions=[
            {"mode": "include", "match": "category", "values": ["food"]},
            {"mode": "exclude", "match": "item", "values": ["WINE"]},
        ],
    )
    assert points(one, of=sale(line(1000, "wine", category="food"), line(500, "bread", category="food"))) == 5


@pytest.mark.parametrize(
    ("match", "value", "fields"),
    [
        ("store", "A", {"store": "a"}),
        ("channel", "web", {"channel": "Web"}),
        ("tender", "voucher", {"tenders": frozenset({"VOUCHER"})}),
    ],
)
def test_whole_sales_can_be_excluded(match: str, value: str, fields: dict[str, Any]) -> None:
    one = rule(points_per(1), exclusions=[{"match": match, "values": [value]}])
    assert why(one, of=sale(line(1000), **fields)) == f"excluded_{match}"
    assert why(rule(points_per(1), exclusions=[{"match": match, "values": ["z"]}]), of=sale(line(1000), **fields)) == ""


def test_tagged_members_can_be_excluded() -> None:
    one = rule(points_per(1), exclusions=[{"match": "user_tag", "values": ["staff"]}])
    assert why(one, of=sale(line(1000)), who=member(tags=frozenset({"staff"}))) == "excluded_user_tag"


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({"metric": "subtotal", "op": ">=", "value": "50.00"}, True),
        ({"metric": "subtotal", "op": ">=", "value": "50.01"}, False),
        ({"metric": "eligible_spend", "op": ">", "value": "49.99"}, True),
        ({"metric": "quantity", "op": ">=", "value": 3}, True),
        ({"metric": "quantity", "op": ">=", "value": 4}, False),
        ({"metric": "item", "op": "in", "value": ["pear", "plum"]}, True),
        ({"metric": "item", "op": "all", "value": ["pear", "plum"]}, False),
        ({"metric": "pairing", "op": "all", "value": ["pear", "APPLE"]}, True),
        ({"metric": "pairing", "op": "all", "value": ["pear", "plum"]}, False),
        ({"metric": "category", "op": "not_in", "value": ["fruit"]}, False),
        ({"metric": "weekday", "op": "in", "value": ["tue"]}, True),
        ({"metric": "weekday", "op": "in", "value": ["wed"]}, False),
        ({"metric": "purchase_number", "op": "==", "value": 1}, True),
        ({"metric": "purchase_number", "op": "==", "value": 2}, False),
        ({"metric": "promo_code", "op": "in", "value": ["spring"]}, True),
        ({"metric": "time", "op": "between", "value": ["22:00", "13:00"]}, True),
        ({"metric": "time", "op": "between", "value": ["12:01", "24:00"]}, False),
        ({"metric": "balance", "account": "main", "op": ">=", "value": 10}, True),
        ({"metric": "balance", "account": "other", "op": ">=", "value": 0}, False),
        ({"metric": "level", "op": "in", "value": ["gold"]}, True),
        ({"metric": "earned_points", "account": "main", "op": "crosses", "value": 1}, False),
    ],
)
def test_conditions(condition: dict[str, Any], met: bool) -> None:
    basket = sale(
        line(3000, "apple", 2, category="fruit"), line(2000, "pear"), promo_codes=frozenset({"SPRING"}), store="a"
    )
    who = member(points={"main": Metric(lifetime=0, balance=10)}, levels={"club": "gold"})
    expected = "" if met else f"condition_{condition['metric']}"
    assert why(rule(points_fixed(1), conditions=[condition]), of=basket, who=who) == expected


def test_any_of_several_conditions_is_enough_when_the_rule_says_so() -> None:
    asked = [{"metric": "channel", "op": "in", "value": ["web"]}, {"metric": "subtotal", "op": ">=", "value": "1.00"}]
    assert why(rule(points_fixed(1), match="any", conditions=asked), of=sale(line(100))) == ""
    assert why(rule(points_fixed(1), match="all", conditions=asked), of=sale(line(100))) == "condition_channel"


def test_two_who_pay_together_earn_their_shares() -> None:
    assert points(rule(points_per(1)), of=sale(line(10000), share=(3, 4))) == 75
    assert points(rule(points_per(1)), of=sale(line(10000), share=(1, 4))) == 25


@given(
    st.lists(st.integers(-10_000, 10_000), max_size=8),
    st.lists(st.integers(0, 20_000), max_size=4),
    st.integers(1, 5),
)
def test_points_never_exceed_what_was_paid(subtotals: list[int], off: list[int], rate: int) -> None:
    basket = sale(*(line(one) for one in subtotals), discounts=tuple(SaleDiscount(amount=one) for one in off))
    assert 0 <= points(rule(points_per(rate)), of=basket) <= max(0, sum(subtotals)) * rate // 100


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 3000), st.integers(1, 500), st.integers(1, 500))
def test_thresholds_do_not_depend_on_the_steps(a: int, b: int, c: int, value: int, every: int) -> None:
    low, middle, high = sorted((a, b, c))
    condition = {**REACHES_200, "value": value, "repeat_every": every}
    one = rule(FIVE, trigger="points_changed", conditions=[condition])
    if high // every < 90:
        assert times(one, low, high) == times(one, low, middle) + times(one, middle, high)
