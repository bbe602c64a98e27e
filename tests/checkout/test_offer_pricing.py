"""What offers take off, to the cent: every type, spread over lines, never more than there is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout import transaction_shape
from checkout.item_facts import ItemFacts, of_metadata
from checkout.offer_pricing import Priced, Taken, price

FACTS = {"tea": ItemFacts(category="Tea", brand="Ada"), "mug": ItemFacts(category="Mug", tags=frozenset({"gift"}))}


@dataclass
class Offer:
    offer_type: str
    discount_config: dict[str, Any] = field(default_factory=dict)
    catalog_restrictions: list[dict[str, Any]] = field(default_factory=list)


def line(line_id: str, item: str, cents: int, quantity: str = "1", modifies: str | None = None) -> dict[str, Any]:
    subtotal = str(Decimal(cents).scaleb(-2))
    found = {"line_id": line_id, "item_id": item, "quantity": quantity, "subtotal": subtotal, "unit_price": "0"}
    return found | ({"modifies_line_id": modifies} if modifies else {})


def sale(*lines: dict[str, Any], **fields: Any) -> transaction_shape.Sale:
    return transaction_shape.read({"transaction_id": "t", "items": list(lines), **fields}, finalizing=False)


def worth(offer: Offer, *lines: dict[str, Any], taken: Sequence[Taken] = ()) -> Priced:
    return price(terms=offer, sale=sale(*lines), facts=FACTS, taken=taken)


def parts(priced: Priced) -> dict[str, int]:
    return {part.line_id: part.amount for part in priced.parts}


def only(*values: str, match: str = "item", mode: str = "include") -> list[dict[str, Any]]:
    return [{"mode": mode, "match": match, "values": list(values)}]


@pytest.mark.parametrize(
    ("kind", "config", "off"),
    [
        ("fixed_check_discount", {"amount": 500}, 500),
        ("fixed_check_discount", {"amount": 99_999}, 1101),
        ("fixed_check_discount", {"amount": 500, "min_spend": 1101}, 500),
        ("fixed_check_discount", {"amount": 500, "min_spend": 1102}, 0),
        ("percent_check_discount", {"percent": "10"}, 110),
        ("percent_check_discount", {"percent": "33.33"}, 367),
        ("percent_check_discount", {"percent": "50", "max_amount": 200}, 200),
        ("percent_check_discount", {"percent": "100"}, 1101),
        ("manual_fulfillment", {}, 0),
        ("pos_discount", {"pos_discount_id": "P"}, 0),
        ("fixed_item_discount", {"amount": 50, "target": "lowest"}, 50),
        ("fixed_item_discount", {"amount": 500, "target": "lowest"}, 101),
        ("fixed_item_discount", {"amount": 500, "target": "highest"}, 500),
        ("fixed_item_discount", {"amount": 50, "applications_per_check": 5}, 100),
        ("fixed_item_discount", {"amount": 50, "required_quantity": 2}, 50),
        ("fixed_item_discount", {"amount": 50, "required_quantity": 3}, 0),
        ("percent_item_discount", {"percent": "50", "target": "highest"}, 500),
        ("percent_item_discount", {"percent": "50", "target": "lowest"}, 51),
        ("percent_item_discount", {"percent": "50", "target": "highest", "max_amount": 30}, 30),
        ("set_price_coupon", {"set_price": 400, "items": []}, 600),
        ("set_price_coupon", {"set_price": 400, "items": [{"match": "item", "values": ["mug"]}]}, 0),
        ("set_price_coupon", {"set_price": 0, "items": [{"match": "brand", "values": ["ADA"]}]}, 1000),
        ("bxgy_percent", {"percent": "100"}, 101),
        ("bxgy_fixed", {"amount": 40}, 40),
        ("bxgy_set_price", {"set_price": 1}, 100),
        ("bxgy_percent", {"percent": "100", "buy_quantity": 2}, 0),
    ],
)
def test_what_each_type_takes_off_a_ten_and_a_one_and_a_cent(kind: str, config: dict[str, Any], off: int) -> None:
    assert worth(Offer(kind, config), line("0", "tea", 1000), line("1", "mug", 101)).amount == off


def test_a_check_discount_is_spread_without_losing_a_cent() -> None:
    found = worth(Offer("fixed_check_discount", {"amount": 100}), *(line(str(at), "tea", 333) for at in range(3)))
    assert sorted(parts(found).values()) == [33, 33, 34]


def test_exclude_wins_over_include_and_a_modifier_follows_its_line() -> None:
    lines = [line("0", "tea", 1000), line("1", "milk", 100, modifies="0"), line("2", "mug", 500)]
    half = {"percent": "50"}
    assert parts(worth(Offer("percent_check_discount", half, only("tea")), *lines)) == {"0": 500, "1": 50}
    both = only("tea", "mug") + only("gift", match="tag", mode="exclude")
    assert parts(worth(Offer("percent_check_discount", half, both), *lines)) == {"0": 500, "1": 50}
    assert parts(worth(Offer("percent_check_discount", half, only("milk", mode="exclude")), *lines)) == {
        "0": 500,
        "2": 250,
    }
    assert worth(Offer("percent_check_discount", half, only("milk")), *lines).amount == 0


def test_units_of_one_line_count_one_by_one() -> None:
    three = line("0", "tea", 1000, quantity="3")
    found = worth(Offer("percent_item_discount", {"percent": "100", "applications_per_check": 2}), three)
    assert (found.amount, found.parts[0].quantity) == (666, Decimal(2))
    weighed = line("0", "tea", 1000, quantity="0.735")
    assert worth(Offer("percent_item_discount", {"percent": "100"}), weighed).amount == 1000
    million = line("0", "tea", 1_000_000, quantity="1000000")
    config = {"percent": "100", "applications_per_check": 1_000_000, "required_quantity": 2}
    assert worth(Offer("percent_item_discount", config), million).amount == 500_000


def test_buy_two_teas_get_the_cheapest_mug() -> None:
    config = {
        "percent": "100",
        "buy_quantity": 2,
        "buy_items": [{"match": "item", "values": ["tea"]}],
        "get_quantity": 1,
        "get_items": [{"match": "tag", "values": ["GIFT"]}],
        "applications_per_check": 2,
    }
    offer = Offer("bxgy_percent", config)
    mugs = [line("m1", "mug", 800), line("m2", "mug", 300), line("m3", "mug", 500)]
    assert worth(offer, line("t", "tea", 500, quantity="1"), *mugs).amount == 0
    assert parts(worth(offer, line("t", "tea", 1000, quantity="2"), *mugs)) == {"m2": 300}
    assert parts(worth(offer, line("t", "tea", 4000, quantity="9"), *mugs)) == {"m2": 300, "m3": 500}


def test_a_unit_counts_once_as_bought_or_as_got() -> None:
    offer = Offer("bxgy_percent", {"percent": "100", "buy_quantity": 1, "get_quantity": 1, "applications_per_check": 9})
    assert worth(offer, line("0", "tea", 500)).amount == 0
    assert worth(offer, line("0", "tea", 1500, quantity="3")).amount == 500
    four = [line(str(at), "tea", cents) for at, cents in enumerate((400, 300, 200, 100))]
    assert worth(offer, *four).amount == 300


def test_earlier_discounts_lower_the_base_of_the_lines_they_name() -> None:
    lines = [line("0", "tea", 1000), line("1", "mug", 1000)]
    half = Offer("percent_check_discount", {"percent": "50"})
    assert worth(half, *lines, taken=[Taken(400, ("0",))]).amount == 800
    assert worth(half, *lines, taken=[Taken(400)]).amount == 800
    assert worth(half, *lines, taken=[Taken(99_999)]).amount == 0
    assert worth(half, *lines, taken=[Taken(400, ("unknown",))]).amount == 800


def test_facts_come_from_the_products_metadata() -> None:
    assert of_metadata({"category": "Tea", "tags": ["a", 1]}) == ItemFacts("Tea", "", frozenset({"a", "1"}))
    assert of_metadata({"tags": "a"}) == ItemFacts()


CONFIGS = st.one_of(
    st.builds(lambda a: Offer("fixed_check_discount", {"amount": a}), st.integers(1, 5000)),
    st.builds(lambda p: Offer("percent_check_discount", {"percent": str(Decimal(p) / 100)}), st.integers(1, 10_000)),
    st.builds(
        lambda p, n, k, t: Offer(
            "percent_item_discount",
            {
                "percent": str(Decimal(p) / 100),
                "required_quantity": n,
                "applications_per_check": k,
                "target": t,
            },
        ),
        st.integers(1, 10_000),
        st.integers(1, 3),
        st.integers(1, 9),
        st.sampled_from(["lowest", "highest"]),
    ),
    st.builds(
        lambda a, b, g, k: Offer(
            "bxgy_fixed", {"amount": a, "buy_quantity": b, "get_quantity": g, "applications_per_check": k}
        ),
        st.integers(1, 5000),
        st.integers(1, 3),
        st.integers(1, 3),
        st.integers(1, 9),
    ),
    st.builds(lambda p, k: Offer("set_price_coupon", {"set_price": p, "items": []}), st.integers(0, 900), st.just(1)),
)
LINES = st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 5), st.booleans()), max_size=6)


@given(offer=CONFIGS, rows=LINES, taken=st.integers(0, 4000))
def test_no_offer_exceeds_its_base_and_the_parts_sum_to_it(offer: Offer, rows: list[Any], taken: int) -> None:
    lines = [
        line(str(at), "tea", cents, str(units), modifies="0" if at and modifier else None)
        for at, (cents, units, modifier) in enumerate(rows)
    ]
    found = worth(offer, *lines, taken=[Taken(taken)])
    worths = {one["line_id"]: int(Decimal(one["subtotal"]) * 100) for one in lines}
    assert 0 <= found.amount <= found.base <= max(0, sum(worths.values()))
    assert sum(parts(found).values()) == found.amount
    assert all(0 < amount <= worths[line_id] for line_id, amount in parts(found).items() if found.amount)
    assert len(parts(found)) == len(found.parts)
