"""GET /v1/redemptions: every documented filter, parameter and order, and what the list looks up before it looks."""

from typing import Any
from urllib.parse import quote

import pytest
from pytest_django import DjangoAssertNumQueries

from checkout.api.common.filters import Condition
from checkout.api.voucherify import redemption_filters
from checkout.models import Redemption
from offers.lib import clock
from offers.models import Retailer
from tests.api.client import ApiClient
from tests.flows import shop
from tests.flows.shop import redeem, redeemable

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(api: ApiClient, shop_a: Retailer) -> dict[str, str]:
    """A history with everything in it; the id of each row by what happened."""
    spring = shop.campaign(shop_a, "Spring")
    shop.code(shop_a, "ONE", limit=5, campaign=spring)
    shop.code(shop_a, "TWO", limit=5)
    tier = shop.tier(shop_a)
    ids = {"one": redeem(api, "ONE", customer={"source_id": "ann"})["redemptions"][0]["id"]}
    stack = redeem(api, "ONE", "TWO", customer={"source_id": "bob"})
    ids |= {"stack": stack["parent_redemption"]["id"]}
    ids |= {f"child {n}": made["id"] for n, made in enumerate(stack["redemptions"])}
    ids["tier"] = redeem(api, redeemable(tier.public_id, kind="promotion_tier"))["redemptions"][0]["id"]
    ids["unknown"] = redeem(api, "NOBODY")["resource_id"]
    ids["undone"] = api.post(f"/v1/redemptions/{ids['one']}/rollback")["id"]
    return ids


def found(api: ApiClient, told: dict[str, str], query: str) -> list[str]:
    names = {ident: name for name, ident in told.items()}
    answer = api.get(f"/v1/redemptions?limit=100&{quote(query, safe='=&')}")
    assert answer.status == 200, answer
    assert answer["total"] == len(answer["redemptions"])
    return sorted(names[row["id"]] for row in answer["redemptions"])


def of(field: str, condition: str) -> str:
    return f"filters[{field}][conditions]{condition}"


ALL = sorted(["one", "stack", "child 0", "child 1", "tier", "unknown", "undone"])
OF_ONE = ["child 0", "one", "undone"]


@pytest.mark.parametrize(
    ("field", "condition", "names"),
    [
        ("voucher_code", "[$is]=ONE", OF_ONE),
        ("voucher_code", "[$in]=['ONE', 'NOBODY']", sorted([*OF_ONE, "unknown"])),
        ("voucher_code", "[$is_unknown]=", ["stack", "tier"]),
        ("voucher_code", "[$has_value]=", sorted([*OF_ONE, "child 1", "unknown"])),
        ("voucher_code", "[$is_not]=ONE", ["child 1", "stack", "tier", "unknown"]),
        ("voucher_code", "[$contains]=o", sorted([*OF_ONE, "child 1", "unknown"])),
        ("voucher_code", "[$starts_with]=TW", ["child 1"]),
        ("voucher_code", "[$ends_with]=BODY", ["unknown"]),
        ("related_object_parent_id", "[$is]=SPRING", OF_ONE),
        ("related_object_parent_id", "[$is_unknown]=", ["child 1", "stack", "unknown"]),
        ("parent_redemption_id", "[$is]=STACK", ["child 0", "child 1"]),
        ("failure_code", "[$is]=not_found", ["unknown"]),
        ("result", "[$is]=FAILURE", ["unknown"]),
        ("result", "[$in]=['SUCCESS', 'FAILURE']", ALL),
        ("result", "[$not_in][0]=FAILURE", sorted(set(ALL) - {"unknown"})),
        ("result", "[$starts_with]=FAIL", ["unknown"]),
        ("result", "[$is_unknown]=", []),
        ("object", "[$is]=redemption_rollback", ["undone"]),
        ("object", "[$is_not]=redemption_rollback", sorted(set(ALL) - {"undone"})),
        ("customer_id", "[$is]=ANN", ["one", "undone"]),
        ("customer_id", "[$is_unknown]=", ["tier", "unknown"]),
        ("campaign_name", "[$is]=Spring", OF_ONE),
        ("campaign_name", "[$contains]=rom", ["tier"]),
        ("user_login", "[$has_value]=", ALL),
    ],
)
def test_every_filter_finds_what_it_says(
    api: ApiClient, told: dict[str, str], field: str, condition: str, names: list[str]
) -> None:
    one = Redemption.objects.select_related("customer", "campaign").get(public_id=told["one"])
    assert one.campaign is not None
    assert one.customer is not None
    known = {"SPRING": one.campaign.public_id, "STACK": told["stack"], "ANN": one.customer.public_id}
    for word, ident in known.items():
        condition = condition.replace(word, ident)
    assert found(api, told, of(field, condition)) == names


@pytest.mark.parametrize("name", ["one", "child 1", "tier", "stack", "unknown"])
@pytest.mark.parametrize("operator", ["$is", "$starts_with"])
def test_the_related_object_is_the_one_that_is_shown(
    api: ApiClient, told: dict[str, str], name: str, operator: str
) -> None:
    shown = {row["id"]: row["related_object_id"] for row in api.get("/v1/redemptions?limit=100")["redemptions"]}
    wanted = shown[told[name]]
    same = sorted(other for other, ident in told.items() if shown[ident] == wanted)
    assert found(api, told, of("related_object_id", f"[{operator}]={wanted}")) == same
    opposite = {"$is": "$is_not", "$starts_with": "$not_contain"}[operator]
    assert found(api, told, of("related_object_id", f"[{opposite}]={wanted}")) == sorted(set(ALL) - set(same))


def test_filters_join_by_the_junction(api: ApiClient, told: dict[str, str]) -> None:
    both = f"{of('voucher_code', '[$is]=ONE')}&{of('object', '[$is]=redemption_rollback')}"
    assert found(api, told, both) == ["undone"]
    assert found(api, told, f"{both}&filters[junction]=OR") == OF_ONE


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("result=FAILURE", ["unknown"]),
        ("result=SUCCESS&result=FAILURE", ALL),
        ("campaign=Spring", OF_ONE),
        ("campaign=Winter", []),
        ("customer=ann", ["one", "undone"]),
        ("customer=nobody", []),
        ("created_at[after]=2020-01-01&created_at[before]=2999-01-01", ALL),
    ],
)
def test_every_parameter_narrows(api: ApiClient, told: dict[str, str], query: str, names: list[str]) -> None:
    assert found(api, told, query) == names


@pytest.mark.parametrize(
    "query",
    [
        "result=MAYBE",
        of("result", "[$is]=MAYBE"),
        of("secret", "[$is]=1"),
        "filters[voucher_code]=ONE",
        of("voucher_code", "[$more_often]=1"),
        "order=amount",
    ],
)
def test_what_the_list_does_not_know_is_refused_by_name(api: ApiClient, told: dict[str, str], query: str) -> None:
    answer = api.get(f"/v1/redemptions?{query}")
    assert (answer.status, answer["key"]) == (400, "invalid_query_params")
    assert any(word in answer["details"] for word in ("result", "secret", "voucher_code", "order"))


@pytest.mark.parametrize("field", ["created_at", "id", "voucher_code", "tracking_id", "customer_id"])
def test_every_order_goes_both_ways(api: ApiClient, told: dict[str, str], field: str) -> None:
    up = [row["id"] for row in api.get(f"/v1/redemptions?order={field}")["redemptions"]]
    down = [row["id"] for row in api.get(f"/v1/redemptions?order=-{field}")["redemptions"]]
    assert sorted(up) == sorted(down) == sorted(told.values())
    if field == "created_at":
        assert up == down[::-1]
    if field == "id":
        assert up == sorted(up)


@pytest.mark.parametrize(
    ("field", "more"),
    [("voucher_code", 1), ("related_object_parent_id", 1), ("customer_id", 1), ("parent_redemption_id", 1)],
)
def test_what_a_filter_names_is_looked_up_once(
    api: ApiClient, told: dict[str, str], django_assert_max_num_queries: Any, field: str, more: int
) -> None:
    with django_assert_max_num_queries(50) as plain:
        api.get("/v1/redemptions")
    with django_assert_max_num_queries(len(plain.captured_queries) + more):
        assert api.get(f"/v1/redemptions?{of(field, '[$in]=x')}")["total"] == 0


def test_a_code_is_found_along_indexes(
    shop_a: Retailer, told: dict[str, str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    judge = redemption_filters.of(shop_a.pk)["voucher_code"]
    assert callable(judge)
    with django_assert_num_queries(1):
        found = judge(Condition("voucher_code", "$is", ("ONE",)), clock.now())
    text = str(Redemption.objects.filter(found).query)
    assert ("voucher_id" in text, "JOIN" in text) == (True, False)
