"""Access codes and audiences at the addresses of one queue or draw: as at the experience, and once is enough."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client as DjangoClient

from checkout.admission.models import Distribution, Entry
from offers.models import Retailer
from tests.api.admission.guests import Guest
from tests.api.client import ApiClient
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("emptied_line")]
SetClock = Callable[[datetime], None]


@pytest.fixture(params=["queue", "draw"])
def behind_a_code(request: pytest.FixtureRequest, shop_a: Retailer, set_clock: SetClock) -> Distribution:
    set_clock(NOW)
    make = {"queue": launch.queue, "draw": launch.draw}[request.param]
    row = make(shop_a, open_at=at(-60), close_at=at(600))
    row.sequence.access_code = "VIP"
    row.sequence.save()
    return row


def test_without_the_code_one_stands_before_the_gate(page: ApiClient, behind_a_code: Distribution) -> None:
    row, one = behind_a_code, Guest(page)
    address = f"/admission/v1/{row.mechanism}s/{row.uuid}"
    for body in ({}, {"access_code": "vip"}):
        told = one.api.post(f"{address}/enter", body)
        assert (told.status, told["stage"], told["status"], told["admission"]) == (200, "needs_access_code", None, None)
    assert one.api.post(f"{address}/enter", {"access_code": ["VIP"]}).status == 400
    assert one.api.get(f"{address}/status")["stage"] == "active_enterable"
    assert not Entry.objects.exists()
    assert one.api.post(f"{address}/enter", {"access_code": "VIP"})["stage"] == "participating"
    assert one.api.post(f"{address}/enter", {})["stage"] == "participating"  # he is in


def test_who_is_not_signed_in_stands_before_the_gate(page: ApiClient, behind_a_code: Distribution) -> None:
    row, one = behind_a_code, Guest(page)
    row.sequence.access_code, row.sequence.audience = "", "signed_in"
    row.sequence.save()
    address = f"/admission/v1/{row.mechanism}s/{row.uuid}/enter"
    assert one.api.post(address, {})["stage"] == "needs_auth"
    assert not Entry.objects.exists()


def test_the_page_asks_for_the_code_once(behind_a_code: Distribution) -> None:
    browser, address = DjangoClient(), f"/shop/waiting/{behind_a_code.uuid}/"
    assert "Access code" in browser.get(address).content.decode()
    browser.post(f"{address}join", {"access_code": "vip"})
    assert "This access code is not right." in browser.get(address).content.decode()
    browser.post(f"{address}join", {"access_code": "VIP"})
    shown = browser.get(address).content.decode()
    assert "Access code" not in shown and ("You are in the draw" in shown or "your turn" in shown)
    browser.post(f"{address}join", {})
    assert "not right" not in browser.get(address).content.decode()
