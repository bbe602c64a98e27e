"""Redeeming for an order that is stored already, and what comes with an order: owner, referrer, products, amounts."""

from typing import Any

import pytest

from checkout.models import Order, Redemption
from offers.models import Customer, Product, Retailer
from tests.api.client import ApiClient
from tests.flows import shop
from tests.flows.shop import redeemable

pytestmark = pytest.mark.django_db
HUNDRED = {"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ORDER"}


def ask(api: ApiClient, call: str, code: str, **order: Any) -> Any:
    answer = api.post(f"/v1/{call}", {"redeemables": [redeemable(code)], "order": order})
    assert answer.status == 200, answer
    return answer.json


def test_a_stored_order_stays_its_owners(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)
    people = {"customer": {"source_id": "ada", "name": "Ada"}, "referrer": {"source_id": "bob"}}
    made = api.post("/v1/orders", {"source_id": "o-1", "amount": 1000, **people}).json
    checked = ask(api, "validations", "CODE", source_id="o-1")
    for order in (checked["order"], checked["redeemables"][0]["order"]):
        assert (order["customer_id"], order["referrer_id"]) == (made["customer_id"], made["referrer_id"])
    done = ask(api, "redemptions", "CODE", id=made["id"])
    history = api.get(f"/v1/redemptions/{done['redemptions'][0]['id']}").json
    for order in (done["order"], done["redemptions"][0]["order"], history["order"]):
        assert order["customer"] == made["customer"]
        assert order["referrer"] == made["referrer"]
        assert (order["customer_id"], order["referrer_id"]) == (made["customer_id"], made["referrer_id"])
    # Who pays was not said: the redemption counts for nobody.
    assert done["redemptions"][0]["customer_id"] is history["customer_id"] is None


def test_a_stack_shows_the_owner_too(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, "A", discount=HUNDRED)
    shop.code(shop_a, "B", discount=HUNDRED)
    made = api.post("/v1/orders", {"amount": 1000, "customer": {"source_id": "ada"}}).json
    body = {"redeemables": [redeemable("A"), redeemable("B")], "order": {"id": made["id"]}}
    done = api.post("/v1/redemptions", body).json
    assert done["parent_redemption"]["order"]["customer_id"] == made["customer_id"]


def test_a_referrer_is_found_by_either_id(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)
    bob = api.post("/v1/customers", {"source_id": "bob"})["id"]
    for named in ({"id": bob}, {"source_id": "bob"}):
        for call in ("validations", "redemptions"):
            assert ask(api, call, "CODE", amount=1000, referrer=named)["order"]["referrer_id"] == bob
    answer = api.post("/v1/validations", shop.body("CODE") | {"order": {"amount": 1, "referrer": {"id": "cust_no"}}})
    assert (answer.status, answer["resource_type"]) == (404, "customer")


def test_a_new_referrer_is_stored_by_a_redemption_alone(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)
    assert ask(api, "validations", "CODE", amount=1000, referrer={"source_id": "new"})["order"]["referrer_id"] is None
    assert not Customer.objects.exists()
    referrer = ask(api, "redemptions", "CODE", amount=1000, referrer={"source_id": "new"})["order"]["referrer_id"]
    assert Customer.objects.get().public_id == referrer == Order.objects.get().referrer_id


def test_products_that_override_are_stored_with_the_order(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)
    sent = {"source_id": "mug", "name": "Mug", "price": 700, "metadata": {"red": True}, "override": True}
    items = [{"quantity": 2, "product": sent}]
    assert ask(api, "validations", "CODE", items=items)["order"]["amount"] == 1400
    assert not Product.objects.exists()
    done = ask(api, "redemptions", "CODE", items=items)
    mug = Product.objects.get()
    assert (mug.source_id, mug.name, mug.price, mug.metadata) == ("mug", "Mug", 700, {"red": True})
    assert done["order"]["items"][0]["product_id"] == mug.public_id


def test_a_refused_redemption_stores_no_product(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, active=False)
    items = [{"product": {"source_id": "mug", "price": 700, "override": True}}]
    answer = api.post("/v1/redemptions", {"redeemables": [redeemable("CODE")], "order": {"items": items}})
    assert (answer.status, answer["key"]) == (400, "voucher_disabled")
    assert Redemption.objects.get().public_id == answer["resource_id"]
    assert not Product.objects.exists()


def test_an_amount_counts_where_no_line_has_a_price(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, discount=HUNDRED, limit=None)
    items = [{"product_id": "prod_unknown", "quantity": 2}]
    for call in ("validations", "redemptions"):
        order = ask(api, call, "CODE", amount=1000, items=items)["order"]
        assert (order["amount"], order["total_discount_amount"], order["total_amount"]) == (1000, 100, 900)
    assert api.post("/v1/orders", {"amount": 1000, "items": items})["amount"] == 1000
    priced = [*items, {"price": 50, "quantity": 1}]
    assert ask(api, "validations", "CODE", amount=1000, items=priced)["order"]["amount"] == 50
    assert api.post("/v1/orders", {"amount": 1000, "items": priced})["amount"] == 50
    assert api.post("/v1/orders", {"items": items})["amount"] == 0


def test_a_gift_for_an_order_without_lines_leaves_its_amount(api: ApiClient, shop_a: Retailer) -> None:
    mug = api.post("/v1/products", {"source_id": "mug", "price": 300})["id"]
    shop.code(shop_a, "MUG", discount={"type": "UNIT", "unit_off": 1, "unit_type": mug, "effect": "ADD_NEW_ITEMS"})
    shop.code(shop_a, "OFF", discount=HUNDRED)
    first = ask(api, "redemptions", "MUG", source_id="o-1", amount=5000)
    assert (first["order"]["amount"], first["order"]["total_amount"]) == (5300, 5000)
    second = ask(api, "redemptions", "OFF", source_id="o-1")["order"]
    assert (second["amount"], second["total_discount_amount"], second["total_amount"]) == (5300, 400, 4900)
    api.post(f"/v1/redemptions/{first['redemptions'][0]['id']}/rollback")
    left = api.get("/v1/orders/o-1").json
    assert (left["amount"], left["total_discount_amount"], left["total_amount"]) == (5000, 100, 4900)


@pytest.mark.parametrize("effect", ["ADD_NEW_ITEMS", "ADD_MISSING_ITEMS"])
def test_free_units_go_with_their_rollback(api: ApiClient, shop_a: Retailer, effect: str) -> None:
    mug = api.post("/v1/products", {"source_id": "mug", "price": 300})["id"]
    off = 2 if effect == "ADD_NEW_ITEMS" else 5
    shop.code(shop_a, "MUG", discount={"type": "UNIT", "unit_off": off, "unit_type": mug, "effect": effect})
    shop.code(shop_a, "OFF", discount=HUNDRED)
    made = api.post(
        "/v1/orders", {"source_id": "o-1", "items": [{"product_id": mug, "quantity": 3}, {"price": 500}]}
    ).json
    assert made["amount"] == 1400
    free = ask(api, "redemptions", "MUG", source_id="o-1")
    assert free["order"]["items"][0]["quantity"] == 5
    ask(api, "redemptions", "OFF", source_id="o-1")
    api.post(f"/v1/redemptions/{free['redemptions'][0]['id']}/rollback")
    left = api.get("/v1/orders/o-1").json
    assert (left["amount"], left["total_discount_amount"], left["total_amount"]) == (1400, 100, 1300)
    line = left["items"][0]
    assert (line["quantity"], line["amount"], line["subtotal_amount"]) == (3, 900, 900)
    assert not line.get("discount_amount") and not line.get("discount_quantity")


@pytest.mark.parametrize("part", ["product", "sku"])
def test_a_name_too_long_to_store_is_refused(api: ApiClient, shop_a: Retailer, part: str) -> None:
    shop.code(shop_a, limit=None)
    sent: dict[str, Any] = {"product": {"source_id": "mug", "override": True}, "sku": {"source_id": "red", "price": 5}}
    sent[part] |= {"name" if part == "product" else "sku": "x" * 256}
    assert ask(api, "validations", "CODE", items=[sent])["order"]["amount"] == 5
    sent["sku"]["override"] = True
    answer = api.post("/v1/redemptions", {"redeemables": [redeemable("CODE")], "order": {"items": [sent]}})
    assert (answer.status, answer["key"]) == (400, "invalid_payload")
    assert (api.post("/v1/orders", {"items": [sent]}).status, Product.objects.count()) == (400, 0)


def changed(api: ApiClient, code: str, bought: list[dict[str, Any]], **order: Any) -> dict[str, Any]:
    """Return the order after `code` was redeemed on it and its lines were sent anew."""
    api.post("/v1/orders", {"source_id": "o-1", "items": bought})
    ask(api, "redemptions", code, source_id="o-1")
    answer = api.put("/v1/orders/o-1", order)
    assert answer.status == 200, answer
    shown: dict[str, Any] = api.get("/v1/orders/o-1").json
    on_lines = sum(line.get("discount_amount") or 0 for line in shown["items"])
    assert on_lines == shown.get("items_discount_amount", 0)
    assert shown["total_amount"] == shown["amount"] - shown["total_discount_amount"] >= 0
    return shown


def test_lines_sent_anew_keep_their_discounts(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, "TEN", discount={"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ITEMS"})
    items = [{"source_id": "a", "price": 1000, "quantity": 2}, {"source_id": "b", "price": 500}]
    left = changed(api, "TEN", items, items=[*reversed(items), {"source_id": "c", "price": 100}], status="FULFILLED")
    assert [line.get("discount_amount") for line in left["items"]] == [50, 200, None]
    assert (left["amount"], left["total_discount_amount"]) == (2600, 250)


def test_a_line_that_is_gone_leaves_its_discount_to_the_order(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, "TEN", discount={"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ITEMS"})
    shop.code(shop_a, "OFF", discount=HUNDRED)
    items = [{"source_id": "a", "price": 1000, "quantity": 2}, {"source_id": "b", "price": 500}]
    left = changed(api, "TEN", items, items=items[1:])
    assert (left["amount"], left["items_discount_amount"], left["discount_amount"]) == (500, 50, 200)
    more = ask(api, "redemptions", "OFF", source_id="o-1")["order"]
    assert (more["total_discount_amount"], more["total_amount"]) == (350, 150)
    first = next(iter(more["redemptions"]))
    undone = api.post(f"/v1/redemptions/{first}/rollback")["order"]
    assert (undone["amount"], undone["total_discount_amount"], undone["total_amount"]) == (500, 100, 400)
    assert undone["discount_amount"] == 100 and "items_discount_amount" not in undone


def test_units_that_the_shop_took_out_are_not_taken_out_again(api: ApiClient, shop_a: Retailer) -> None:
    mug = api.post("/v1/products", {"source_id": "mug", "price": 300})["id"]
    shop.code(shop_a, "MUG", discount={"type": "UNIT", "unit_off": 2, "unit_type": mug, "effect": "ADD_NEW_ITEMS"})
    shop.code(shop_a, "OFF", discount=HUNDRED)
    items = [{"product_id": mug, "quantity": 3}]
    left = changed(api, "MUG", items, items=items)
    assert (left["amount"], left["total_discount_amount"]) == (900, 600)
    ask(api, "redemptions", "OFF", source_id="o-1")
    api.post(f"/v1/redemptions/{next(iter(left['redemptions']))}/rollback")
    undone = api.get("/v1/orders/o-1").json
    assert (undone["items"][0]["quantity"], undone["amount"], undone["total_discount_amount"]) == (3, 900, 100)


@pytest.mark.parametrize("call", ["orders", "redemptions"])
def test_an_override_is_about_what_its_line_names(api: ApiClient, shop_a: Retailer, call: str) -> None:
    """The second example of the public document for POST /v1/orders."""
    shop.code(shop_a)
    phone = {"name": "Phone", "price": 60000, "metadata": {"color": ["purple"]}, "override": True}
    book = {"source_id": "Books", "name": "Comic books", "price": 2100, "override": True}
    comic = {"sku": "Comics1", "price": 1700, "override": True}
    items = [
        {"source_id": "prod_1", "related_object": "product", "quantity": 2, "product": phone},
        {"source_id": "ComicBook_1", "related_object": "sku", "quantity": 1, "product": book, "sku": comic},
    ]
    body = {"items": items} if call == "orders" else {"redeemables": [redeemable("CODE")], "order": {"items": items}}
    answer = api.post(f"/v1/{call}", body)
    assert answer.status == 200, answer
    order = answer.json if call == "orders" else answer["order"]
    assert order["amount"] == 121700
    stored = api.get("/v1/products/prod_1").json
    assert (stored["name"], stored["price"], stored["metadata"]) == ("Phone", 60000, {"color": ["purple"]})
    assert api.get("/v1/products/Books")["skus"]["data"][0]["id"] == api.get("/v1/skus/ComicBook_1")["id"]
    assert [line["product_id"] for line in order["items"]] == [stored["id"], api.get("/v1/products/Books")["id"]]
