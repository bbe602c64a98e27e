"""The Python client's calls for products and SKUs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import voucherify as v

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api(sdk: Any) -> Any:
    return v.ProductsApi(sdk)


def test_products(api: Any) -> None:
    body = v.ProductsCreateRequestBody(
        source_id="mug", name="Mug", price=1000, attributes=["color"], metadata={"a": 1}, image_url="https://x/y.png"
    )
    made = api.create_product(body)
    assert (made.price, made.attributes, made.skus.total) == (1000, ["color"], 0)
    assert api.get_product("mug").id == made.id
    assert api.update_product(made.id, v.ProductsUpdateRequestBody(price=1200)).price == 1200
    listed = api.list_products(limit=5, order="-created_at", end_date=datetime.now(UTC) + timedelta(days=1))
    assert ([row.source_id for row in listed.products], listed.total) == (["mug"], 1)
    api.delete_product(made.id, force=True)
    with pytest.raises(v.exceptions.NotFoundException):
        api.get_product("mug")


def test_skus(api: Any) -> None:
    product = api.create_product(v.ProductsCreateRequestBody(source_id="mug"))
    body = v.ProductsSkusCreateRequestBody(
        source_id="mug-red", sku="Red", price=1100, currency="EUR", attributes={"color": "red"}
    )
    made = api.create_sku("mug", body)
    assert (made.product_id, made.price, made.attributes) == (product.id, 1100, {"color": "red"})
    assert api.get_sku("mug-red").id == made.id
    assert api.update_sku("mug", made.id, v.ProductsSkusUpdateRequestBody(price=1)).price == 1
    listed = api.list_skus_in_product("mug")
    assert ([row.id for row in listed.skus], listed.total) == ([made.id], 1)
    assert [row.id for row in api.get_product("mug").skus.data] == [made.id]
    api.delete_sku("mug", made.id, force=True)
    with pytest.raises(v.exceptions.NotFoundException):
        api.get_sku(made.id)
