"""A failed redemption is found by the order it was for, which has no row of its own unless it was placed later."""

import pytest
from django.test import Client

from checkout.models import Order, Redemption
from tests.admin import scene as scenes
from tests.admin.scene import Scene
from tests.admin.test_history import EXPORT, LIST, read_csv

BUYER = {"source_id": "cust-1"}


def found(client: Client, query: str) -> list[tuple[str, bool]]:
    """(code, succeeded) of what the list shows, oldest first."""
    rows = client.get(f"{LIST}{query}").context["cl"].result_list
    return [(row.code, row.succeeded) for row in sorted(rows, key=lambda row: row.pk)]


@pytest.mark.parametrize("name", ["q", "order"])
def test_the_shop_s_id_finds_what_failed(name: str, reviewer: Client, scene: Scene) -> None:
    assert not Order.objects.filter(source_id__in=("O-4", "O-5")).exists()
    assert found(reviewer, f"?{name}=O-4") == [("SUMMER10", False)]
    assert found(reviewer, f"?{name}=O-5") == [("NOSUCHCODE", False)]
    assert found(reviewer, f"?{name}=O-4&result=redeemed") == []
    assert found(reviewer, f"?{name}=O-44") == []


@pytest.mark.parametrize("name", ["q", "order"])
def test_both_ids_find_the_tries_and_the_success_of_an_order(name: str, reviewer: Client, scene: Scene) -> None:
    scenes.redeem(scene.shop, "SUMMER10", order=scenes.order(4000, "O-4"), customer=BUYER)
    order = Order.objects.get(source_id="O-4")
    tries = [("SUMMER10", False), ("SUMMER10", True)]
    assert found(reviewer, f"?{name}=O-4") == tries
    assert found(reviewer, f"?{name}={order.public_id}") == tries
    page = reviewer.get(f"/admin/checkout/order/{order.pk}/change/").context["page"]
    (table,) = (block for block in page.blocks if block.title == "Redemptions")
    assert len(table.rows) == 2


def test_an_order_named_by_our_id_keeps_what_the_shop_calls_it(reviewer: Client, scene: Scene) -> None:
    order = Order.objects.get(source_id="O-3")
    scenes.redeem(scene.shop, "NOSUCHCODE", order={"id": order.public_id})
    assert Redemption.objects.latest("pk").order_ident == "O-3"
    assert ("NOSUCHCODE", False) in found(reviewer, f"?q={order.public_id}")
    assert ("NOSUCHCODE", False) in found(reviewer, "?q=O-3")


def test_an_order_without_the_shop_s_id_is_found_by_ours(reviewer: Client, scene: Scene) -> None:
    scenes.redeem(scene.shop, "GIFT-50", order={"amount": 500})
    order = Order.objects.latest("pk")
    assert order.source_id is None
    scenes.redeem(scene.shop, "NOSUCHCODE", order={"id": order.public_id})
    assert found(reviewer, f"?q={order.public_id}") == [("GIFT-50", True), ("NOSUCHCODE", False)]


def test_another_retailer_s_order_of_the_same_id_is_another(reviewer: Client, scene: Scene, shop_b: object) -> None:
    order = Order.objects.get(source_id="O-3")
    Redemption.objects.filter(code="NOSUCHCODE").update(retailer=shop_b, order_ident="O-3")
    assert found(reviewer, f"?q={order.public_id}") == [("GIFT-50", True)]


def test_lists_pages_and_exports_name_the_order_of_a_failure(reviewer: Client, scene: Scene) -> None:
    row = Redemption.objects.get(code="SUMMER10", succeeded=False)
    assert "O-4" in reviewer.get(f"{LIST}?result=failed").content.decode()
    assert [line["Order"] for line in read_csv(reviewer.get(f"{EXPORT}?order=O-4&as=csv"))] == ["O-4"]
    assert facts(reviewer, row)["Order"] == "O-4"
    scenes.redeem(scene.shop, "SUMMER10", order=scenes.order(4000, "O-4"), customer=BUYER)
    order = Order.objects.get(source_id="O-4")
    assert f"/admin/checkout/order/{order.pk}/change/" in facts(reviewer, row)["Order"]


def test_a_failure_without_an_order_names_none(reviewer: Client, scene: Scene) -> None:
    scenes.redeem(scene.shop, "NOSUCHCODE")
    row = Redemption.objects.latest("pk")
    assert row.order_ident is None
    assert "Order" not in facts(reviewer, row)


def facts(client: Client, row: Redemption) -> dict[str, str]:
    page = client.get(f"{LIST}{row.pk}/change/").context["page"]
    (block,) = (block for block in page.blocks if block.title == "What happened")
    return dict(block.facts)
