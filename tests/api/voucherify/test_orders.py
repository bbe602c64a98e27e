"""/v1/orders."""

from typing import Any

import pytest

from checkout.models import Order
from offers.models import Customer
from tests.api.client import ApiClient

ORDER = {
    "source_id": "o-1",
    "status": "PAID",
    "items": [
        {"source_id": "mug", "related_object": "product", "quantity": 2, "price": 1000, "metadata": {"gift": True}},
        {"product": {"source_id": "cup", "name": "Cup"}, "amount": 500},
    ],
    "customer": {"source_id": "ann", "name": "Ann"},
    "metadata": {"till": 7},
}


def test_an_order_comes_back_in_full(api: ApiClient) -> None:
    found = api.post("/v1/orders", ORDER).json
    assert found["id"].startswith("ord_")
    assert (found["source_id"], found["status"], found["object"]) == ("o-1", "PAID", "order")
    assert (found["amount"], found["initial_amount"], found["total_amount"]) == (2500, 2500, 2500)
    assert "discount_amount" not in found
    first, second = found["items"]
    assert first["object"] == "order_item"
    assert (first["quantity"], first["price"], first["amount"], first["subtotal_amount"]) == (2, 1000, 2000, 2000)
    assert (first["related_object"], first["source_id"], first["metadata"]) == ("product", "mug", {"gift": True})
    assert (second["quantity"], second["product"]["name"]) == (1, "Cup")
    assert found["customer"] == {"id": found["customer_id"], "object": "customer"}
    assert found["customer_id"] == Customer.objects.get(source_id="ann").public_id
    assert found["metadata"] == {"till": 7}
    for ident in ("o-1", found["id"]):
        assert api.get(f"/v1/orders/{ident}").json == found


def test_the_default_status_is_created(api: ApiClient) -> None:
    assert api.post("/v1/orders", {"amount": 5})["status"] == "CREATED"


def test_posting_again_and_put_change_only_what_they_send(api: ApiClient) -> None:
    first = api.post("/v1/orders", ORDER)
    second = api.post("/v1/orders", {"source_id": "o-1", "status": "FULFILLED"})
    assert (second["id"], second["status"], second["amount"]) == (first["id"], "FULFILLED", 2500)
    third = api.put(f"/v1/orders/{first['id']}", {"items": [{"amount": 10}], "customer": {}})
    assert (third["amount"], third["total_amount"], third["customer_id"]) == (10, 10, first["customer_id"])
    assert third["updated_at"] is not None
    assert api.put("/v1/orders/o-1", {"customer": None, "source_id": "o-2"})["customer"] is None
    assert api.get("/v1/orders/o-2")["id"] == first["id"]
    assert api.put("/v1/orders/nothing", {})["resource_type"] == "order"


def test_the_customers_summary_follows_its_orders(api: ApiClient) -> None:
    api.post("/v1/orders", ORDER)
    api.post("/v1/orders", {"source_id": "o-2", "amount": 99, "customer": {"source_id": "ann"}})
    summary = api.get("/v1/customers/ann")["summary"]["orders"]
    assert (summary["total_count"], summary["total_amount"], summary["last_order_amount"]) == (1, 2500, 2500)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"amount": -1}, ".amount"),
        ({"amount": 1.5}, ".amount"),
        ({"amount": 10**16}, ".amount"),
        ({"status": "SENT"}, ".status"),
        ({"items": [{"quantity": -1}]}, ".items[0].quantity"),
        ({"items": [{"price": 1}, {"price": "1"}]}, ".items[1].price"),
        ({"items": [{"related_object": "gift"}]}, ".items[0].related_object"),
        ({"items": [{"amount": 10**15}, {"amount": 1}]}, ".items"),
        ({"items": [{}] * 501}, ".items"),
        ({"items": {}}, ".items"),
        ({"customer": {"name": 5}}, ".customer.name"),
        ({"created_at": "then"}, ".created_at"),
        ({"metadata": 5}, ".metadata"),
    ],
)
def test_a_bad_field_is_refused_by_its_path(api: ApiClient, body: dict[str, Any], path: str) -> None:
    answer = api.post("/v1/orders", {"source_id": "o-1", **body})
    assert (answer.status, answer["key"]) == (400, "invalid_payload")
    assert path in answer["details"]
    assert not Order.objects.exists()


def test_discounts_cannot_be_set_from_outside(api: ApiClient) -> None:
    sneaky = {"discount_amount": 900, "total_discount_amount": 900, "total_amount": 1, "initial_amount": 1}
    items = [
        {"amount": 100, "discount_amount": 90, "discount_quantity": 1, "initial_quantity": 5, "subtotal_amount": 1}
    ]
    found = api.post("/v1/orders", {"items": items, **sneaky, "revision": 5, "redemptions": {"r_1": {}}}).json
    assert (found["total_amount"], found["redemptions"]) == (100, None)
    assert "discount_amount" not in found["items"][0]
    row = Order.objects.get()
    assert (row.total_discount_amount, row.revision, row.redemptions) == (0, 0, {})


def test_an_unknown_customer_id_is_404(api: ApiClient) -> None:
    answer = api.post("/v1/orders", {"amount": 1, "customer": {"id": "cust_none"}})
    assert (answer.status, answer["resource_type"]) == (404, "customer")
    assert not Order.objects.exists()


def test_the_list_pages_newest_first(api: ApiClient) -> None:
    for number in range(3):
        api.post("/v1/orders", {"source_id": f"o-{number}"})
    found = api.get("/v1/orders?limit=2")
    assert (found["data_ref"], [row["source_id"] for row in found["orders"]], found["total"]) == (
        "orders",
        ["o-2", "o-1"],
        3,
    )
    assert [row["source_id"] for row in api.get("/v1/orders?limit=2&page=2")["orders"]] == ["o-0"]
    assert [row["source_id"] for row in api.get("/v1/orders?order=created_at")["orders"]] == ["o-0", "o-1", "o-2"]
    assert api.get("/v1/orders?page=99")["orders"] == []


def test_another_retailer_sees_nothing(api: ApiClient, api_b: ApiClient) -> None:
    ident = api.post("/v1/orders", ORDER)["id"]
    assert api_b.get(f"/v1/orders/{ident}").status == 404
    assert api_b.put("/v1/orders/o-1", {"amount": 1}).status == 404
    assert api_b.get("/v1/orders")["orders"] == []
    assert api_b.post("/v1/orders", {"source_id": "o-1", "id": ident, "amount": 1})["id"] != ident
    assert Order.objects.get(public_id=ident).amount == 2500
    assert api_b.get("/v1/customers")["total"] == 0
