"""Every page of the back office opens, for a full shop and for an empty one."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from offers.models import AsyncAction, AuditEntry, Retailer
from tests.admin.scene import Scene

LISTS = sorted(
    f"{model._meta.app_label}/{model._meta.model_name}"
    for model, one in admin.site._registry.items()
    if model._meta.app_label in {"offers", "checkout", "admission", "auth"}
)


def rows(scene: Scene) -> dict[str, Any]:
    return {
        "offers/campaign": scene.campaign,
        "offers/voucher": scene.voucher,
        "offers/promotiontier": scene.tier,
        "offers/validationrule": scene.rule,
        "offers/category": scene.category,
        "offers/customer": scene.customer,
        "offers/product": scene.product,
        "offers/sku": scene.sku,
        "offers/retailer": scene.shop,
        "offers/auditentry": AuditEntry.objects.latest("pk"),
        "checkout/redemption": scene.redemption,
        "checkout/locksession": scene.lock,
        "checkout/order": scene.order,
        "checkout/validation": scene.validation,
        "admission/distribution": scene.launch,
        "admission/admission": scene.admission,
    }


@pytest.mark.parametrize("path", LISTS)
def test_a_list_opens_full_and_empty(path: str, owner: Client, scene: Scene) -> None:
    assert owner.get(f"/admin/{path}/").status_code == 200
    assert owner.get(f"/admin/{path}/?q=nothing-like-this").status_code == 200


@pytest.mark.parametrize("path", LISTS)
def test_a_list_without_rows_says_so(path: str, owner: Client) -> None:
    assert owner.get(f"/admin/{path}/").status_code == 200


def test_every_page_of_a_row_opens(owner: Client, scene: Scene) -> None:
    for path, row in rows(scene).items():
        assert owner.get(f"/admin/{path}/{row.pk}/change/").status_code == 200, path


@pytest.mark.parametrize(
    "path",
    [
        "campaign",
        "category",
        "client",
        "customer",
        "product",
        "productcollection",
        "promotiontier",
        "retailer",
        "validationrule",
        "voucher",
    ],
)
def test_every_form_opens(path: str, owner: Client, shop_a: Retailer, shop_b: Retailer) -> None:
    assert owner.get(f"/admin/offers/{path}/add/").status_code == 200


def test_every_page_that_asks_opens(owner: Client, scene: Scene) -> None:
    pages = [
        *(f"offers/campaign/{scene.campaign.pk}/{name}" for name in ("edit", "enable", "disable", "archive")),
        *(f"offers/campaign/{scene.campaign.pk}/{name}" for name in ("more-codes", "assign", "unassign")),
        *(f"offers/voucher/{scene.voucher.pk}/{name}" for name in ("edit", "enable", "disable")),
        f"offers/voucher/{scene.card.pk}/credits",
        f"offers/voucher/{scene.card.pk}/edit",
        *(f"offers/promotiontier/{scene.tier.pk}/{name}" for name in ("edit", "enable", "disable")),
        *(f"offers/validationrule/{scene.rule.pk}/{name}" for name in ("edit", "remove")),
        f"offers/customer/{scene.customer.pk}/edit",
        *(f"offers/product/{scene.product.pk}/{name}" for name in ("edit", "new-variant")),
        f"checkout/redemption/{scene.redemption.pk}/roll-back",
        f"checkout/locksession/{scene.lock.pk}/release",
    ]
    for page in pages:
        assert owner.get(f"/admin/{page}/").status_code == 200, page


def test_the_first_page_tells_the_day(owner: Client, scene: Scene) -> None:
    said = owner.get("/admin/").content.decode()
    assert "Redemptions" in said
    assert "Live locks" in said
    assert "Unknown code" in said


def test_a_row_that_is_not_there_is_not_found(owner: Client) -> None:
    for path in LISTS:
        assert owner.get(f"/admin/{path}/999999999999/change/").status_code == 404, path


def test_a_job_answers_how_far_it_is(owner: Client, shop_a: Retailer) -> None:
    job = AsyncAction.objects.create(retailer=shop_a, type="CAMPAIGN.VOUCHERS_GENERATE", total=200, done=50)
    assert owner.get(f"/admin/offers/asyncaction/{job.pk}/progress/").json() == {
        "percent": 25,
        "status": "Waiting: 50 of 200",
        "finished": False,
    }
    assert owner.get(f"/admin/offers/asyncaction/{job.pk}/change/").status_code == 200
