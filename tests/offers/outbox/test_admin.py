"""The back office of webhooks, as its pages promise: secrets once, actions audited, history read-only."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from checkout import roles
from offers.lib import clock
from offers.models import AuditEntry, Retailer
from offers.outbox import delivery, endpoints
from offers.outbox.models import Delivery, Endpoint
from tests.offers.outbox.conftest import NOW, foreign, happen


@pytest.fixture
def office(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:outbox_{name}", args=args)


def act(office: Client, model: str, action: str, pk: int) -> Any:
    return office.post(page(f"{model}_changelist"), {"action": action, "_selected_action": [pk]}, follow=True)


def add(office: Client, shop_a: Retailer, url: str = "https://shop.example/hooks", **more: Any) -> Any:
    return office.post(page("endpoint_add"), {"retailer": shop_a.pk, "url": url, **more})


def test_a_new_endpoint_shows_its_secret_once(office: Client, shop_a: Retailer) -> None:
    answer = add(office, shop_a, events=["voucher.created"])
    made = Endpoint.objects.get()
    assert (made.url, made.events, made.active) == ("https://shop.example/hooks", ["voucher.created"], True)
    secret = str(endpoints.secret(made))
    assert secret.startswith("whsec_") and secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    for address in (page("endpoint_changelist"), page("endpoint_change", made.pk)):
        shown = office.get(address).content.decode()
        assert secret not in shown and made.secret not in shown
    assert f"ends in …{secret[-4:]};" in shown
    assert AuditEntry.objects.get().actor == "alice"


def test_an_address_inside_is_refused_in_the_form(office: Client, shop_a: Retailer) -> None:
    answer = add(office, shop_a, url="https://2130706433/")
    assert "four decimal numbers" in answer.content.decode()
    assert not Endpoint.objects.exists()


def test_changing_keeps_the_secret_and_the_retailer(office: Client, shop_a: Retailer, shop_b: Retailer) -> None:
    add(office, shop_a)
    made = Endpoint.objects.get()
    sent = {"retailer": shop_b.pk, "url": "https://new.example/", "secret": "mine"}
    assert office.post(page("endpoint_edit", made.pk), sent).status_code == 302
    kept = Endpoint.objects.get()
    assert (kept.url, kept.secret, kept.retailer) == ("https://new.example/", made.secret, shop_a)
    assert AuditEntry.objects.latest("id").action == "webhook.update"


def test_rotating_shows_the_new_secret_and_refuses_a_second_time(office: Client, shop_a: Retailer) -> None:
    add(office, shop_a)
    first = Endpoint.objects.get()
    shown = office.post(page("endpoint_new_secret", first.pk)).content.decode()
    second = Endpoint.objects.get()
    newest, before = endpoints.secrets_in_use(second, now=clock.now())
    assert before == endpoints.secret(first) != newest
    assert newest in shown
    assert before not in shown
    assert (
        f"The one before (…{before[-4:]}) signs beside it"
        in office.get(page("endpoint_change", first.pk)).content.decode()
    )
    assert "still in use" in office.post(page("endpoint_new_secret", first.pk)).content.decode()
    office.post(page("endpoint_end_rotation", first.pk))
    assert Endpoint.objects.get().previous_secret == ""


def test_a_secret_nobody_can_read_is_said_so_and_a_new_one_made(
    office: Client, shop_a: Retailer, settings: Any
) -> None:
    add(office, shop_a)
    made = Endpoint.objects.get()
    Endpoint.objects.update(secret=foreign(settings))
    assert "make a new one" in office.get(page("endpoint_change", made.pk)).content.decode()
    assert office.get(page("endpoint_changelist")).status_code == 200
    shown = office.post(page("endpoint_new_secret", made.pk)).content.decode()
    made.refresh_from_db()
    assert str(endpoints.secret(made)) in shown
    assert (made.previous_secret, made.previous_secret_until) == ("", None)


def test_switching_off_and_on_is_audited(office: Client, shop_a: Retailer) -> None:
    add(office, shop_a)
    pk = Endpoint.objects.get().pk
    assert office.post(page("endpoint_disable", pk), {"reason": ""}).status_code == 422
    assert office.post(page("endpoint_disable", pk), {"reason": "Shop moves"}).status_code == 302
    assert not Endpoint.objects.get().active
    assert "Shop moves" in office.get(page("endpoint_change", pk)).content.decode()
    assert office.post(page("endpoint_enable", pk)).status_code == 302
    assert Endpoint.objects.get().active
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["webhook.create", "webhook.disable", "webhook.enable"]


def test_removing_is_audited(office: Client, shop_a: Retailer) -> None:
    add(office, shop_a)
    pk = Endpoint.objects.get().pk
    assert (
        office.post(page("endpoint_delete", pk), {"post": "yes"}).status_code == 403
    )  # there is no way without a reason
    assert office.post(page("endpoint_remove", pk), {"reason": "No shop behind it"}).status_code == 302
    assert not Endpoint.objects.exists()
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.reason) == ("webhook.delete", "No shop behind it")


@pytest.mark.parametrize("role", [roles.MARKETER, roles.REVIEWER])
def test_only_admins_look_after_webhooks(role: str, client: Client, bob: User, endpoint: Endpoint) -> None:
    roles.sync()
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    bob.groups.set(Group.objects.filter(name=role))
    client.force_login(User.objects.get(pk=bob.pk))
    for name in ("change", "edit", "new_secret", "end_rotation", "enable", "disable", "remove"):
        assert client.get(page(f"endpoint_{name}", endpoint.pk)).status_code == 403, name
        assert client.post(page(f"endpoint_{name}", endpoint.pk), {"reason": "Mine"}).status_code == 403, name
    assert client.post(page("endpoint_add"), {"url": "https://mine.example/"}).status_code == 403
    assert Endpoint.objects.get().active


@pytest.fixture
def failed(shop_a: Retailer, endpoint: Endpoint) -> Delivery:
    happen(shop_a, name="<script>alert(1)</script>")
    delivery.fan_out(now=NOW)
    entry = {"at": "2026-11-21T12:00:00", "status": 500, "error": "HTTP 500 <script>alert(2)</script>", "ms": 7}
    Delivery.objects.update(state=Delivery.State.GIVEN_UP, log=[entry], last_error=entry["error"])
    return Delivery.objects.get()


def test_events_and_attempts_are_shown_and_escaped(office: Client, failed: Delivery) -> None:
    for address in (
        page("event_changelist"),
        page("event_change", failed.event_id),
        page("delivery_changelist"),
        page("delivery_change", failed.pk),
    ):
        answer = office.get(address)
        assert answer.status_code == 200, address
        assert "<script>alert" not in answer.content.decode()
    said = office.get(page("delivery_change", failed.pk)).content.decode()
    assert all(part in said for part in ("Given up", "HTTP 500", "7 ms"))
    assert "given_up" not in said


def test_one_delivery_is_sent_again_from_its_page(office: Client, failed: Delivery) -> None:
    asks = page("delivery_send_again", failed.pk)
    assert asks in office.get(page("delivery_change", failed.pk)).content.decode()
    assert office.get(asks).status_code == 200
    failed.refresh_from_db()
    assert failed.state == Delivery.State.GIVEN_UP
    assert office.post(asks).status_code == 302
    failed.refresh_from_db()
    assert (failed.state, failed.attempts) == (Delivery.State.WAITING, 0)
    assert AuditEntry.objects.latest("id").action == "webhook.resend"


def test_sending_again_is_an_action_that_is_audited(office: Client, failed: Delivery) -> None:
    act(office, "delivery", "resend", failed.pk)
    failed.refresh_from_db()
    assert (failed.state, failed.attempts) == (Delivery.State.WAITING, 0)
    assert AuditEntry.objects.latest("id").action == "webhook.resend"


def test_history_cannot_be_written(office: Client, failed: Delivery) -> None:
    for model, pk in (("event", failed.event_id), ("delivery", failed.pk)):
        assert office.get(page(f"{model}_add")).status_code == 403
        assert office.post(page(f"{model}_change", pk), {"state": "delivered"}).status_code == 403
        assert office.post(page(f"{model}_delete", pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("role", [roles.MARKETER, roles.REVIEWER])
def test_webhooks_are_for_admins_only(client: Client, bob: User, failed: Delivery, role: str) -> None:
    roles.sync()
    bob.groups.add(Group.objects.get(name=role))
    client.force_login(bob)
    for name in ("endpoint", "event", "delivery"):
        assert client.get(page(f"{name}_changelist")).status_code == 403
    assert client.post(page("delivery_send_again", failed.pk)).status_code == 403
    act(client, "delivery", "resend", failed.pk)
    failed.refresh_from_db()
    assert failed.state == Delivery.State.GIVEN_UP


def test_admins_may(client: Client, bob: User, failed: Delivery) -> None:
    roles.sync()
    bob.groups.add(Group.objects.get(name=roles.ADMIN))
    client.force_login(bob)
    act(client, "delivery", "resend", failed.pk)
    failed.refresh_from_db()
    assert failed.state == Delivery.State.WAITING
