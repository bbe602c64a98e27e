"""Lists take the query forms that clients send, refuse what they cannot honour, and never count a million rows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from pytest_django import DjangoAssertNumQueries

from checkout.api.common import lists
from offers.models import Category, Retailer
from tests.api.client import ApiClient

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def items(shop_a: Retailer, shop_b: Retailer) -> list[str]:
    """item00 is the oldest; hierarchy is the number; another retailer has some too."""
    for number in range(25):
        row = Category.objects.create(retailer=shop_a, name=f"item{number:02}", hierarchy=number)
        Category.objects.filter(pk=row.pk).update(created_at=START + timedelta(days=number))
    Category.objects.create(retailer=shop_b, name="foreign")
    return [f"item{number:02}" for number in range(25)]


def test_the_newest_ten_come_first(api: ApiClient, items: list[str]) -> None:
    assert api.get("/v1/items").json == {
        "object": "list",
        "data_ref": "items",
        "items": items[:14:-1],
        "total": 25,
        "has_more": True,
    }


def test_pages_follow_one_another_and_end_empty(api: ApiClient, items: list[str]) -> None:
    pages = [api.get(f"/v1/items?limit=10&page={page}&order=created_at") for page in (1, 2, 3, 4)]
    assert [page["items"] for page in pages] == [items[:10], items[10:20], items[20:], []]
    assert [page["total"] for page in pages] == [25] * 4
    assert [page["has_more"] for page in pages] == [True, True, False, False]


def test_order_goes_by_allowed_fields_only(api: ApiClient, items: list[str]) -> None:
    assert api.get("/v1/items?order=-name&limit=1")["items"] == ["item24"]
    for order in ("hierarchy", "retailer__name", "--name", "name;drop"):
        assert api.get(f"/v1/items?order={quote(order)}")["key"] == "invalid_query_params"


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=1.5", "page=0", "limit=٣"])
def test_a_limit_out_of_range_is_an_error_not_a_clamp(api: ApiClient, query: str) -> None:
    answer = api.get(f"/v1/items?{query}")
    assert (answer.status, answer["key"]) == (400, "invalid_query_params")


def test_pages_beyond_a_thousand_are_over_the_limit(api: ApiClient) -> None:
    assert api.get("/v1/items?page=1000").json["items"] == []
    assert api.get("/v1/items?page=1001")["key"] == "page_over_limit"


@pytest.mark.parametrize(
    "query",
    [
        "created_at[after]=2026-01-20T00:00:00Z",
        "[created_at][after]=2026-01-20",
        "created_at[after]=2026-01-20T02:00:00%2B02:00",
        "created_at[after]=2026-01-20T02:00:00+02:00",
        "created_at[after]=2026-01-20T00:00:00.000000",
        "filters[created_at][conditions][$after]=2026-01-20",
        "[filters][created_at][conditions][$after][0]=2026-01-20",
    ],
)
def test_dates_come_in_many_forms(api: ApiClient, items: list[str], query: str) -> None:
    assert api.get(f"/v1/items?{query}")["items"] == ["item24", "item23", "item22", "item21", "item20"]


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00+99:00"])
def test_a_date_that_is_none_is_refused(api: ApiClient, text: str) -> None:
    answer = api.get(f"/v1/items?created_at[before]={quote(text)}")
    assert (answer.status, answer["key"]) == (400, "invalid_query_params")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("filters[name][conditions][$is]=item03", ["item03"]),
        ("filters[name][conditions][$is][0]=item03", ["item03"]),
        ("filters[name][conditions][$is]=item03&filters[name][conditions][$in]=None", ["item03"]),
        ("filters[name][conditions][$is]=item03&filters[junction]=None", ["item03"]),
        ("filters[name][conditions][$in]=['item03', 'item01']", ["item03", "item01"]),
        ('filters[name][conditions][$in]=["item03"]', ["item03"]),
        ("filters[name][conditions][$in]=item03,item01", ["item03", "item01"]),
        ("filters[name][conditions][$in][0]=item03&filters[name][conditions][$in][1]=item01", ["item03", "item01"]),
        (
            "filters[name][conditions][$starts_with]=item2&filters[hierarchy][conditions][$less_than]=22",
            ["item21", "item20"],
        ),
        ("filters[name][conditions][$ends_with]=3&filters[name][conditions][$not_contain]=m1", ["item23", "item03"]),
        ("filters[hierarchy][conditions][$more_than_equal]=24", ["item24"]),
        (
            "filters[junction]=or&filters[name][conditions][$is]=item01&filters[hierarchy][conditions][$is]=2",
            ["item02", "item01"],
        ),
        ("filters[name][conditions][$is_unknown]=true", []),
        ("filters[name][conditions][$in]=[]", []),
        ("filters[name][$is]=item03", ["item03"]),
        ("filters[name]=None&filters[hierarchy][conditions][$is]=3", ["item03"]),
    ],
)
def test_filters(api: ApiClient, items: list[str], query: str, found: list[str]) -> None:
    answer = api.get(f"/v1/items?{quote(query, safe='=&')}")
    assert (answer.status, answer["items"], answer["total"]) == (200, found, len(found))


@pytest.mark.parametrize(
    "query",
    [
        "filters[secret][conditions][$is]=1",
        "filters[name][conditions][$regex]=.*",
        "filters[hierarchy][conditions][$is]=many",
        "filters[hierarchy][conditions][$is]=99999999999999999999",
        "filters[created_at][conditions][$before]=soon",
        "filters[name][conditions][$in]=[__import__('os')]",
        "filters[name][conditions][$in]=" + "[" * 300 + "]" * 300,
        "filters[junction]=xor",
        "filters[secret]=1",
        "filters[name]=item03",
        "filters[name][conditions]=item03",
        "filters[name][conditions][$is][0][1]=item03",
        "filters=name",
        "filters[hierarchy][conditions][$contains]=1",
        "filters[created_at][conditions][$more_than_ago]=soon",
        "filters[created_at][conditions][$less_than_future]=99999999",
        "created_at=2026-01-01",
        "created_at[since]=2026-01-01",
        "&".join(f"filters[name][conditions][$in][{n}]={n}" for n in range(101)),
    ],
)
def test_a_filter_that_cannot_be_honoured_is_refused(api: ApiClient, query: str) -> None:
    answer = api.get(f"/v1/items?{quote(query, safe='=&')}")
    assert (answer.status, answer["key"]) == (400, "invalid_query_params")


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("[$more_than]=2", ["item22", "item21", "item20"]),
        ("[$more_than_ago]=P2D", ["item22", "item21", "item20"]),
        ("[$less_than]=2", ["item24", "item23"]),
        ("[$less_than_ago]=1", ["item24"]),
        ("[$is_days_ago]=1", ["item23"]),
        ("[$is_days_in_future]=0", ["item24"]),
        ("[$more_than_future]=1", []),
        ("[$less_than_future]=1", []),
        ("[$more_than]=2026-01-22", ["item24", "item23", "item22"]),
    ],
)
def test_dates_are_counted_in_days_from_now(
    api: ApiClient, items: list[str], set_clock: Callable[[datetime], None], condition: str, found: list[str]
) -> None:
    set_clock(datetime(2026, 1, 25, 12, tzinfo=UTC))
    recent = "created_at[after]=2026-01-20&limit=100&filters[created_at][conditions]"
    answer = api.get(f"/v1/items?{quote(recent + condition, safe='=&')}")
    assert (answer.status, answer["items"]) == (200, found)


def test_nobody_sees_another_retailers_rows(api_b: ApiClient, items: list[str]) -> None:
    assert api_b.get("/v1/items").json["items"] == ["foreign"]


def test_a_short_list_is_not_counted(
    shop_b: Retailer, items: list[str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rows = lists.apply(Category.objects.filter(retailer=shop_b), lists.Query())
    with django_assert_num_queries(1):
        assert lists.answer(rows, lists.Query(), "items", str)["total"] == 1


def test_a_total_beyond_the_last_page_is_estimated(
    shop_a: Retailer, items: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = lists.apply(Category.objects.filter(retailer=shop_a, name__startswith="item"), lists.Query())
    assert lists.total(rows) == 25
    monkeypatch.setattr(lists, "COUNTED", 20)
    assert lists.total(rows) >= 21
    monkeypatch.setattr(lists, "estimate", lambda queryset: 1_000_000)
    assert lists.total(rows) == 1_000_000


def test_the_estimate_reads_no_row(shop_a: Retailer) -> None:
    assert lists.estimate(Category.objects.filter(retailer=shop_a, name="x")) >= 0
