"""/v1/customers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from checkout.models import Redemption
from offers.models import Customer
from tests.api.client import ApiClient

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = {
    "source_id": "shopper-7",
    "name": "Ann Onymous",
    "email": "ann@example.com",
    "phone": "+4712345678",
    "birthdate": "1990-12-31",
    "description": "likes tea",
    "address": {"city": "Oslo", "country": "Norway"},
    "metadata": {"vip": True},
}


def test_a_customer_comes_back_in_full(api: ApiClient) -> None:
    answer = api.post("/v1/customers", ANN)
    assert answer.status == 200
    found = answer.json
    assert found["id"].startswith("cust_")
    assert {name: found[name] for name in ANN if name != "address"} == {k: v for k, v in ANN.items() if k != "address"}
    assert found["address"] == {
        "city": "Oslo",
        "state": None,
        "line_1": None,
        "line_2": None,
        "country": "Norway",
        "postal_code": None,
    }
    assert found["object"] == "customer"
    assert found["birthday"] == "1990-12-31"
    assert found["summary"]["redemptions"]["total_redeemed"] == 0
    assert found["summary"]["redemptions"]["gift"] == {"redeemed_amount": 0, "amount_to_go": 0}
    assert found["summary"]["orders"]["average_amount"] == 0
    for ident in ("shopper-7", found["id"]):
        assert api.get(f"/v1/customers/{ident}").json == found


def test_a_second_post_changes_only_what_it_sends(api: ApiClient) -> None:
    first = api.post("/v1/customers", ANN)
    second = api.post(
        "/v1/customers",
        {"source_id": "shopper-7", "name": None, "metadata": {"size": "L"}, "address": {"city": "Rome"}},
    )
    assert (second["id"], second["name"], second["email"]) == (first["id"], None, "ann@example.com")
    assert second["metadata"] == {"vip": True, "size": "L"}
    assert (second["address"]["city"], second["address"]["country"]) == ("Rome", "Norway")


def test_put_changes_by_either_id_and_404s_for_nobody(api: ApiClient) -> None:
    ident = api.post("/v1/customers", ANN)["id"]
    assert api.put(f"/v1/customers/{ident}", {"name": "B", "source_id": "other"})["source_id"] == "shopper-7"
    assert api.put("/v1/customers/shopper-7", {"name": "C"})["name"] == "C"
    answer = api.put("/v1/customers/nobody", {"name": "D"})
    assert (answer.status, answer["key"], answer["resource_type"]) == (404, "not_found", "customer")
    assert api.post("/v1/customers", {"id": "cust_unknown"}).status == 404


def test_ids_with_slashes_and_spaces_work_percent_encoded(api: ApiClient) -> None:
    api.post("/v1/customers", {"source_id": "team a/7"})
    assert api.get("/v1/customers/team%20a%2F7")["source_id"] == "team a/7"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": 7}, ".name"),
        ({"name": "x" * 256}, ".name"),
        ({"source_id": ""}, ".source_id"),
        ({"source_id": "a\u200bb"}, ".source_id"),
        ({"metadata": []}, ".metadata"),
        ({"address": {"city": 1}}, ".address.city"),
        ({"birthdate": "yesterday"}, ".birthdate"),
        ({"phone": "1" * 65}, ".phone"),
    ],
)
def test_a_bad_field_is_refused_by_its_path(api: ApiClient, body: dict[str, Any], path: str) -> None:
    answer = api.post("/v1/customers", {"source_id": "x", **body})
    assert (answer.status, answer["key"]) == (400, "invalid_payload")
    assert path in answer["details"]
    assert not Customer.objects.exists()


def test_nothing_but_the_named_fields_can_be_set(api: ApiClient) -> None:
    sneaky = {"retailer_id": 999, "created_at": "2000-01-01T00:00:00Z", "segments": ["vip"], "erased_at": "2000-01-01"}
    answer = api.post("/v1/customers", {**ANN, **sneaky, "summary": {"orders": {"total_amount": 5}}, "unknown": 1})
    assert answer.status == 200
    row = Customer.objects.get()
    assert (row.segments, row.erased_at, row.retailer_id != 999) == ([], None, True)
    assert answer["summary"]["orders"]["total_amount"] == 0


def test_deleting_erases_but_keeps_the_redemption(api: ApiClient, shop_a: Any) -> None:
    ident = api.post("/v1/customers", ANN)["id"]
    row = Customer.objects.get()
    Redemption.objects.create(public_id="r_1", retailer=shop_a, succeeded=True, customer=row, created_at=NOW)
    answer = api.delete("/v1/customers/shopper-7")
    assert (answer.status, answer.text) == (204, "")
    assert api.get(f"/v1/customers/{ident}").status == 404
    assert api.delete(f"/v1/customers/{ident}").status == 404
    assert api.get("/v1/customers")["customers"] == []
    kept = Redemption.objects.get().customer
    assert kept is not None
    assert kept.name is None


def test_permanent_deletion_says_what_it_did(api: ApiClient) -> None:
    ident = api.post("/v1/customers", ANN)["id"]
    answer = api.post(f"/v1/customers/{ident}/permanent-deletion")
    assert (answer["status"], answer["related_object_id"], answer["object"]) == ("DONE", ident, "pernament_deletion")
    assert api.get(f"/v1/customers/{ident}").status == 404


def test_the_list_filters_sorts_and_pages(api: ApiClient) -> None:
    for name, city in (("ann", "Oslo"), ("bea", "Rome"), ("cat", "Oslo")):
        api.post("/v1/customers", {"source_id": name, "name": name, "address": {"city": city}})
    found = api.get("/v1/customers?city=Oslo&order=source_id")
    assert (found["object"], found["data_ref"], found["total"], found["has_more"]) == ("list", "customers", 2, False)
    assert [row["source_id"] for row in found["customers"]] == ["ann", "cat"]
    page = api.get("/v1/customers?limit=2&page=2&order=source_id")
    assert ([row["source_id"] for row in page["customers"]], page["total"]) == (["cat"], 3)
    assert api.get("/v1/customers?name=bea")["customers"][0]["summary"]["orders"]["total_count"] == 0
    assert api.get("/v1/customers?created_at[after]=2999-01-01")["customers"] == []
    assert api.get("/v1/customers?limit=101")["key"] == "invalid_query_params"
    assert api.get("/v1/customers?order=email")["key"] == "invalid_query_params"


def test_scrolling_meets_everybody_once(api: ApiClient) -> None:
    for number in range(7):
        api.post("/v1/customers", {"source_id": f"c{number}"})
        moment = NOW + timedelta(microseconds=400 * number)
        Customer.objects.filter(source_id=f"c{number}").update(created_at=moment)
    seen, after, more = [], "2200-01-01T00:00:00Z", True
    while more:
        found = api.get(f"/v1/customers?starting_after={after}&limit=2").json
        seen += [row["source_id"] for row in found["customers"]]
        after, more = found["customers"][-1]["created_at"], found["has_more"]
    assert seen == [f"c{number}" for number in reversed(range(7))]


def test_another_retailer_sees_nothing(api: ApiClient, api_b: ApiClient) -> None:
    ident = api.post("/v1/customers", ANN)["id"]
    assert api_b.get(f"/v1/customers/{ident}").status == 404
    assert api_b.get("/v1/customers/shopper-7").status == 404
    assert api_b.put(f"/v1/customers/{ident}", {"name": "x"}).status == 404
    assert api_b.delete(f"/v1/customers/{ident}").status == 404
    assert api_b.post("/v1/customers", {"id": ident, "name": "x"}).status == 404
    assert api_b.get("/v1/customers")["total"] == 0
    assert api_b.post("/v1/customers", ANN)["id"] != ident
    assert Customer.objects.get(public_id=ident).name == "Ann Onymous"


def test_a_page_of_customers_takes_a_fixed_number_of_statements(
    api: ApiClient, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        api.post("/v1/customers", {"source_id": f"c{number}"})
    with django_assert_max_num_queries(9):
        assert len(api.get("/v1/customers?limit=20")["customers"]) == 20


@pytest.mark.parametrize("after", ["0001-01-01", "9999-12-31T23:59:59.999999Z", "2026-01-01T00:00:00+05:00"])
def test_scrolling_takes_any_moment_there_is(api: ApiClient, after: str) -> None:
    for order in ("created_at", "-created_at"):
        encoded = after.replace("+", "%2B")
        assert api.get(f"/v1/customers?starting_after={encoded}&order={order}").status == 200
    assert api.get("/v1/customers?starting_after=never")["key"] == "invalid_query_params"


def test_an_empty_filter_asks_for_nothing(api: ApiClient) -> None:
    api.post("/v1/customers", ANN)
    assert api.get("/v1/customers?email=&name=&city=&segment_id=")["total"] == 1


@pytest.mark.parametrize(
    "sent", [{"birthdate": "1990-12-31"}, {"birthdate": "1990-12-31T00:00:00.000Z"}, {"birthday": "1990-12-31"}]
)
def test_a_redemption_takes_birthdays_as_a_customer_does(api: ApiClient, sent: dict[str, str]) -> None:
    api.post("/v1/vouchers/CODE", {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 1}})
    body = {"redeemables": [{"id": "CODE"}], "customer": {"source_id": "shopper-7", **sent}}
    assert api.post("/v1/validations", body)["valid"]
    assert api.post("/v1/redemptions", body).status == 200
    assert api.get("/v1/customers/shopper-7")["birthdate"] == "1990-12-31"


@pytest.mark.parametrize("text", ["1990-02-30", "yesterday", "31.12.1990"])
def test_a_day_that_never_was_is_refused(api: ApiClient, text: str) -> None:
    body = {"redeemables": [{"id": "CODE"}], "customer": {"source_id": "shopper-7", "birthdate": text}}
    for call in ("validations", "redemptions"):
        answer = api.post(f"/v1/{call}", body)
        assert (answer.status, answer["key"]) == (400, "invalid_payload")
        assert answer["details"].startswith("Property .customer")


def test_scrolling_goes_by_the_last_change_when_asked(api: ApiClient, set_clock: Callable[[datetime], None]) -> None:
    for number, name in enumerate(("ann", "bea", "cid")):
        set_clock(datetime(2026, 1, 1 + number, tzinfo=UTC))
        api.post("/v1/customers", {"source_id": name})
    for number, name in enumerate(("cid", "ann")):
        set_clock(datetime(2026, 2, 1 + number, tzinfo=UTC))
        api.put(f"/v1/customers/{name}", {"name": name})

    def page(after: str) -> tuple[list[str], bool]:
        found = api.get(f"/v1/customers?order=updated_at&limit=1&starting_after={after}")
        return [row["source_id"] for row in found["customers"]], found["has_more"]

    assert page("2026-01-01") == (["cid"], True)
    assert page("2026-02-01T00:00:00.000Z") == (["ann"], False)
