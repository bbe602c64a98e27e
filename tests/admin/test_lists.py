"""Lists stay quick: a fixed number of statements whatever they hold, and no count of a whole table."""

import pytest
from django.test import Client

from checkout.models import Redemption
from offers import vouchers
from offers.admin import lookups, paging
from offers.lib import clock
from offers.models import Retailer, Voucher
from tests.admin import scene as scenes
from tests.admin.scene import Scene
from tests.bench import admin_lists, trips

LISTS = {
    "offers/voucher": 8,
    "offers/campaign": 8,
    "offers/customer": 7,
    "offers/validationrule": 8,
    "checkout/redemption": 7,
    "checkout/locksession": 7,
    "checkout/order": 7,
    "checkout/validation": 7,
    "offers/auditentry": 7 + 12,  # one more for each kind of thing on the page, to name it
}


@pytest.mark.parametrize("path", LISTS)
def test_a_list_asks_a_fixed_number_of_statements(path: str, owner: Client, scene: Scene) -> None:
    """Session, user, retailers of the filter, the bounded count, the page, what its columns need."""
    for number in range(12):
        vouchers.create(code=f"MORE-{number}", fields=dict(FIELDS), **scenes.who(scene.shop))  # type: ignore[arg-type]
        scenes.lock(scene.shop, f"MORE-{number}", f"cart-x{number}", order=scenes.order(9000, f"X-{number}"))
        scenes.redeem(scene.shop, f"MORE-{number}", order=scenes.order(9000, f"X-{number}"))
    owner.get(f"/admin/{path}/")
    with trips.counted() as counted:
        assert owner.get(f"/admin/{path}/").status_code == 200
    assert len(counted.statements) <= LISTS[path], counted.statements
    counts = [statement for statement in counted.statements if "COUNT(*)" in statement and "LIMIT" not in statement]
    assert not [statement for statement in counts if "GROUP BY" not in statement]


FIELDS = {"discount": {"type": "AMOUNT", "amount_off": 100}, "redemption_limit": 5}


def test_a_long_list_says_more_than_and_still_pages(
    owner: Client, shop_a: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST", 100)
    Voucher.objects.bulk_create(Voucher(retailer=shop_a, code=f"C-{number:03}") for number in range(120))
    page = owner.get("/admin/offers/voucher/?p=2")
    assert "More than 100 codes" in page.content.decode()
    assert len(page.context["cl"].result_list) == 50
    assert owner.get("/admin/offers/voucher/?q=C-00").context["cl"].result_count == 10


def test_the_first_id_of_a_day_is_found_by_halving(scene: Scene) -> None:
    rows = list(Redemption.objects.order_by("pk"))
    for row in rows:
        assert lookups.first_id(Redemption, "created_at", row.created_at) <= row.pk
    later = clock.now().replace(year=2100)
    assert lookups.first_id(Redemption, "created_at", later) > rows[-1].pk
    Redemption.objects.filter(rolls_back=None).update(parent=None)
    Redemption.objects.all().delete()
    assert lookups.first_id(Redemption, "created_at", later) <= 1


@pytest.mark.django_db
def test_the_benchmark_of_lists_runs() -> None:
    found = admin_lists.run(1000)
    assert found["codes"]["statements"] <= LISTS["offers/voucher"]
    assert all(isinstance(line, str) for line in admin_lists.said(found))
