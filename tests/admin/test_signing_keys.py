"""Keys are listed by purpose, renewed and retired with a reason; a secret is shown once, and only where it must be."""

from datetime import timedelta

import pytest
from django.test import Client

from offers import signing_keys
from offers.lib import clock
from offers.models import AuditEntry, Retailer, SigningKey

LIST = "/admin/offers/signingkey/"


@pytest.fixture
def key(shop_a: Retailer) -> SigningKey:
    return signing_keys.active(retailer_id=shop_a.pk, purpose=signing_keys.ADMISSION, now=clock.now())


def found(client: Client, query: str) -> set[str]:
    return {row.kid for row in client.get(f"{LIST}?{query}").context["cl"].result_list}


def test_keys_are_listed_by_purpose_and_state_of_the_clock(chief: Client, shop_a: Retailer, key: SigningKey) -> None:
    hook = signing_keys.active(retailer_id=shop_a.pk, purpose=signing_keys.ORDERS, now=clock.now())
    assert found(chief, "purpose=orders") == found(chief, f"q={hook.kid}") == {hook.kid}
    assert found(chief, "state=active") == {key.kid, hook.kid}
    assert chief.post(f"{LIST}{key.pk}/rotate/", {"reason": "yearly"}).status_code == 302
    assert found(chief, "state=verify") == {key.kid}
    SigningKey.objects.filter(pk=key.pk).update(verify_until=clock.now() - timedelta(seconds=1))
    assert found(chief, "state=retired") == {key.kid}
    page = chief.get(f"{LIST}{key.pk}/change/").content.decode()
    assert ">Retired</span>" in page and "Retire…" not in page


def test_rotating_wants_a_reason_is_audited_and_shows_no_secret_nobody_needs(
    chief: Client, shop_a: Retailer, key: SigningKey
) -> None:
    page = f"{LIST}{key.pk}/rotate/"
    assert "2 h longer" in chief.get(page).content.decode()
    assert chief.post(page, {"reason": ""}).status_code == 422
    answer = chief.post(page, {"reason": "yearly"}, follow=True)
    made = SigningKey.objects.get(state="active")
    assert made.kid in answer.content.decode() and signing_keys.secret(made) not in answer.content.decode()
    entry = AuditEntry.objects.get(action="signing_key.rotate")
    assert (entry.actor, entry.reason) == ("adam", "yearly")
    # A second tab that still shows the old key replaces nothing.
    assert chief.post(page, {"reason": "again"}).status_code == 200
    assert SigningKey.objects.filter(purpose=signing_keys.ADMISSION).count() == 2


def test_the_secret_of_the_order_hook_is_shown_once_when_it_is_made(chief: Client, shop_a: Retailer) -> None:
    answer = chief.post(f"{LIST}add/", {"retailer": shop_a.pk, "purpose": "orders", "reason": "new shop"})
    made = SigningKey.objects.get(purpose="orders", state="active")
    assert signing_keys.secret(made) in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert signing_keys.secret(made) not in chief.get(f"{LIST}{made.pk}/change/").content.decode()
    assert AuditEntry.objects.filter(action="signing_key.rotate", reason="new shop").exists()


def test_a_leaked_key_is_retired_and_followed(chief: Client, shop_a: Retailer, key: SigningKey) -> None:
    page = f"{LIST}{key.pk}/retire/"
    assert chief.post(page, {"reason": " "}).status_code == 422
    assert chief.post(page, {"reason": "leaked"}).status_code == 302
    assert signing_keys.believed(kid=key.kid, purpose=key.purpose, now=clock.now()) is None
    assert SigningKey.objects.filter(state="active").count() == 1
    assert AuditEntry.objects.get(action="signing_key.retire").reason == "leaked"
    hook = signing_keys.active(retailer_id=shop_a.pk, purpose=signing_keys.ORDERS, now=clock.now())
    told = chief.post(f"{LIST}{hook.pk}/retire/", {"reason": "leaked too"}).content.decode()
    follower = signing_keys.active(retailer_id=shop_a.pk, purpose=signing_keys.ORDERS, now=clock.now())
    assert signing_keys.secret(follower) in told and signing_keys.secret(hook) not in told


def test_only_admins_see_keys(marketer: Client, reviewer: Client, key: SigningKey) -> None:
    for client in (marketer, reviewer):
        assert client.get(LIST).status_code == 403
        assert client.post(f"{LIST}{key.pk}/retire/", {"reason": "mine"}).status_code == 403
