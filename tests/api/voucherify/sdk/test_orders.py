"""The Python client's calls for orders."""

from typing import Any

import pytest
import voucherify as v

pytestmark = pytest.mark.django_db(transaction=True)


def test_all_four_calls(sdk: Any) -> None:
    api = v.OrdersApi(sdk)
    made = api.create_order(
        v.OrdersCreateRequestBody(
            source_id="o-1",
            status="PAID",
            items=[
                v.OrderItem(source_id="mug", related_object="product", quantity=2, price=1000),
                v.OrderItem(product=v.OrderItemProduct(source_id="cup", name="Cup"), amount=500),
            ],
            customer=v.Customer(source_id="ann", name="Ann"),
            metadata={"till": 7},
        )
    )
    assert (made.amount, made.total_amount, made.status) == (2500, 2500, "PAID")
    assert [line.amount for line in made.items] == [2000, 500]
    assert made.customer.id == made.customer_id
    assert api.get_order("o-1").id == made.id
    changed = api.update_order(made.id, v.OrdersUpdateRequestBody(status="FULFILLED", metadata={"till": 8}))
    assert (changed.status, changed.amount, changed.metadata) == ("FULFILLED", 2500, {"till": 8})
    listed = api.list_orders(limit=5, order="-created_at")
    assert ([row.id for row in listed.orders], listed.total) == ([made.id], 1)
    with pytest.raises(v.exceptions.NotFoundException):
        api.get_order("o-2")
