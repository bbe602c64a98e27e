"""Text that came from outside is shown as text, wherever it turns up."""

import pytest
from django.test import Client

from offers import campaigns, customers, rules, vouchers
from offers.models import Retailer
from tests.admin import scene as scenes
from tests.admin.test_pages import LISTS

EVIL = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>'{{7*7}}"
MARKS = ("<script>alert", "<img src=x", "49}}")


@pytest.fixture
def evil(shop_a: Retailer) -> dict[str, str]:
    """A shop in which everything that can be named is named badly; returns the pages of its rows."""
    who = scenes.who(shop_a)
    customer = customers.upsert(
        source_id=EVIL, fields={"name": EVIL, "email": EVIL, "metadata": {EVIL: EVIL}, "address": {"city": EVIL}}, **who
    )
    rule = rules.create(
        fields={
            "name": EVIL,
            "rules": {"1": {"name": "order.metadata", "property": EVIL, "conditions": {"$is": [EVIL]}}, "logic": "1"},
            "error": {"message": EVIL},
        },
        **who,
    )
    campaign = campaigns.create(
        name=EVIL[:200],
        fields={
            "type": "STANDALONE",
            "description": EVIL,
            "discount": {"type": "UNIT", "unit_off": 1, "unit_type": EVIL},
            "metadata": {EVIL: {"deep": [EVIL]}},
            "rules": [rule.public_id],
        },
        **who,
    )
    voucher = vouchers.create(code=EVIL, campaign=campaign, fields={"metadata": {EVIL: EVIL}}, **who)
    buyer = {"source_id": EVIL}
    order = {
        "source_id": EVIL,
        "amount": 5000,
        "metadata": {EVIL: EVIL},
        "items": [{"source_id": EVIL, "amount": 5000}],
    }
    scenes.lock(shop_a, EVIL, EVIL, order=order, customer=buyer)
    scenes.redeem(shop_a, EVIL, order=order, customer=buyer, metadata={EVIL: EVIL})
    return {
        f"offers/campaign/{campaign.pk}/change/": "",
        f"offers/campaign/{campaign.pk}/edit/": "",
        f"offers/voucher/{voucher.pk}/change/": "",
        f"offers/customer/{customer.pk}/change/": "",
        f"offers/customer/{customer.pk}/edit/": "",
        f"offers/validationrule/{rule.pk}/change/": "",
        f"offers/validationrule/{rule.pk}/edit/": "",
    }


def test_no_page_runs_what_a_customer_wrote(evil: dict[str, str], owner: Client) -> None:
    pages = [f"{path}/" for path in LISTS] + list(evil)
    pages += [
        f"{path}/{row.pk}/change/"
        for path in ("checkout/redemption", "checkout/locksession", "checkout/validation", "checkout/order")
        for row in owner.get(f"/admin/{path}/").context["cl"].result_list
    ]
    pages += ["", f"offers/voucher/?q={EVIL}", f"checkout/redemption/?code={EVIL}&customer={EVIL}&since={EVIL}"]
    assert any("checkout/redemption/" in page and "change" in page for page in pages)
    for page in pages:
        answer = owner.get(f"/admin/{page}")
        assert answer.status_code == 200, page
        said = answer.content.decode()
        assert not [mark for mark in MARKS if mark in said], page


def test_a_page_of_the_office_runs_no_script_but_its_own_files(owner: Client, client: Client) -> None:
    for answer in (owner.get("/admin/"), client.get("/admin/login/"), owner.get("/admin/offers/campaign/")):
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self' 'unsafe-eval';" in policy
        assert "object-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "<script>" not in answer.content.decode()
