"""/v1/products and /v1/skus."""

from typing import Any

import pytest

from offers.models import Product, Sku
from tests.api.client import ApiClient

MUG = {
    "source_id": "mug",
    "name": "Mug",
    "price": 1000,
    "attributes": ["color"],
    "metadata": {"fragile": True},
    "image_url": "https://example.com/mug.png",
}
RED = {"source_id": "mug-red", "sku": "Red mug", "price": 1100, "currency": "EUR", "attributes": {"color": "red"}}


def test_a_product_comes_back_in_full(api: ApiClient) -> None:
    found = api.post("/v1/products", MUG).json
    assert found["id"].startswith("prod_")
    assert {name: found[name] for name in MUG} == MUG
    assert (found["object"], found["skus"]) == (
        "product",
        {"object": "list", "data_ref": "data", "data": [], "total": 0},
    )
    for ident in ("mug", found["id"]):
        assert api.get(f"/v1/products/{ident}").json == found


def test_posting_again_changes_only_what_is_sent(api: ApiClient) -> None:
    first = api.post("/v1/products", MUG)
    second = api.post("/v1/products", {"source_id": "mug", "price": None, "attributes": None})
    assert (second["id"], second["name"], second["price"], second["attributes"]) == (first["id"], "Mug", None, [])
    assert api.put("/v1/products/mug", {"name": "Cup"})["name"] == "Cup"
    assert api.put("/v1/products/nothing", {"name": "Cup"}).status == 404


def test_a_variant_comes_back_in_full_under_both_addresses(api: ApiClient) -> None:
    product = api.post("/v1/products", MUG).json
    found = api.post("/v1/products/mug/skus", RED).json
    assert found["id"].startswith("sku_")
    assert {name: found[name] for name in RED} == RED
    assert (found["product_id"], found["object"]) == (product["id"], "sku")
    for path in ("/v1/skus/mug-red", f"/v1/skus/{found['id']}", f"/v1/products/{product['id']}/skus/mug-red"):
        assert api.get(path).json == found
    assert api.get("/v1/products/mug")["skus"]["data"] == [found]
    listed = api.get("/v1/products/mug/skus")
    assert (listed["data_ref"], listed["skus"], listed["total"]) == ("skus", [found], 1)
    assert api.put("/v1/products/mug/skus/mug-red", {"price": 1})["price"] == 1


def test_deleting(api: ApiClient) -> None:
    api.post("/v1/products", MUG)
    api.post("/v1/products/mug/skus", RED)
    assert api.delete("/v1/products/mug/skus/mug-red").status == 204
    assert api.get("/v1/skus/mug-red").status == 404
    api.post("/v1/products/mug/skus", RED)
    assert api.delete("/v1/products/mug?force=true").status == 204
    assert not Product.objects.exists()
    assert not Sku.objects.exists()
    answer = api.delete("/v1/products/mug")
    assert (answer.status, answer["resource_type"]) == (404, "product")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"price": -1}, ".price"),
        ({"price": 1.5}, ".price"),
        ({"price": "10"}, ".price"),
        ({"price": 10**16}, ".price"),
        ({"attributes": ["a", 1]}, ".attributes[1]"),
        ({"attributes": {}}, ".attributes"),
        ({"image_url": "x" * 1001}, ".image_url"),
        ({"source_id": "x" * 256}, ".source_id"),
    ],
)
def test_a_bad_field_is_refused_by_its_path(api: ApiClient, body: dict[str, Any], path: str) -> None:
    answer = api.post("/v1/products", {**MUG, **body})
    assert (answer.status, answer["key"]) == (400, "invalid_payload")
    assert path in answer["details"]
    assert not Product.objects.exists()


def test_lists_page_and_sort(api: ApiClient) -> None:
    for name in ("b", "a", "c"):
        api.post("/v1/products", {"source_id": name, "name": name})
    found = api.get("/v1/products?order=name&limit=2")
    assert ([row["name"] for row in found["products"]], found["total"]) == (["a", "b"], 3)
    assert [row["name"] for row in api.get("/v1/products?order=name&limit=2&page=2")["products"]] == ["c"]
    assert api.get("/v1/products?end_date=2000-01-01")["products"] == []
    assert api.get("/v1/products?start_date=never")["key"] == "invalid_query_params"


def test_another_retailer_sees_nothing(api: ApiClient, api_b: ApiClient) -> None:
    ident = api.post("/v1/products", MUG)["id"]
    sku = api.post("/v1/products/mug/skus", RED)["id"]
    for path in (
        f"/v1/products/{ident}",
        f"/v1/skus/{sku}",
        f"/v1/products/{ident}/skus",
        f"/v1/products/{ident}/skus/{sku}",
    ):
        assert api_b.get(path).status == 404
    assert api_b.delete(f"/v1/products/{ident}").status == 404
    assert api_b.post(f"/v1/products/{ident}/skus", RED).status == 404
    assert api_b.get("/v1/products")["total"] == 0
    api_b.post("/v1/products", MUG)
    assert api_b.post("/v1/products/mug/skus", {"id": sku, "source_id": "x", "price": 1})["id"] != sku
    assert Sku.objects.get(public_id=sku).price == 1100


def test_the_list_has_the_variants_too(api: ApiClient) -> None:
    for source_id in ("mug", "cup"):
        api.post("/v1/products", MUG | {"source_id": source_id})
    api.post("/v1/products/mug/skus", RED)
    for product in api.get("/v1/products")["products"]:
        assert product == api.get(f"/v1/products/{product['id']}").json
        assert product["skus"]["total"] == (product["source_id"] == "mug")


@pytest.mark.parametrize("order", ["type", "code", "campaign", "category"])
def test_what_no_product_has_sorts_nothing(api: ApiClient, order: str) -> None:
    for name in ("first", "second"):
        api.post("/v1/products", {"source_id": name})
        api.post("/v1/products/first/skus", {"source_id": f"{name}-red"})
    for path, key in (("/v1/products", "products"), ("/v1/products/first/skus", "skus")):
        oldest = [row["source_id"] for row in api.get(f"{path}?order=created_at")[key]]
        assert [row["source_id"] for row in api.get(f"{path}?order={order}")[key]] == oldest
        assert [row["source_id"] for row in api.get(f"{path}?order=-{order}")[key]] == oldest[::-1]
