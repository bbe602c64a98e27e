"""Endpoints: addresses judged when they are set, secrets shown once and rotated with an overlap, changes audited."""

from datetime import timedelta

import pytest

from offers.lib.actors import Actor
from offers.models import AuditEntry, Retailer
from offers.outbox import addresses, endpoints
from offers.outbox.models import Endpoint
from tests.offers.outbox.conftest import NOW

BOB = Actor("USER", "2", "bob")


def create(shop_a: Retailer, url: str = "https://shop.example/hooks") -> tuple[Endpoint, str]:
    return endpoints.create(retailer_id=shop_a.pk, url=url, events=[], allow_http=False, actor=BOB, now=NOW)


def test_each_endpoint_has_a_secret_of_its_own(shop_a: Retailer) -> None:
    (one, first), (_, second) = create(shop_a), create(shop_a)
    assert first != second
    assert first.startswith("whsec_")
    assert endpoints.secrets_in_use(one, now=NOW) == [first]


def test_an_address_that_is_not_sent_to_is_refused_and_nothing_kept(shop_a: Retailer) -> None:
    with pytest.raises(addresses.AddressRefused):
        create(shop_a, "http://shop.example/")
    assert not Endpoint.objects.exists()


def test_changes_are_audited_without_the_secret(shop_a: Retailer) -> None:
    endpoint, secret = create(shop_a)
    endpoints.change(
        endpoint, url="https://new.example/", events=["voucher.created"], allow_http=False, actor=BOB, now=NOW
    )
    rotated = endpoints.rotate(endpoint, actor=BOB, now=NOW)
    created, changed, turned = AuditEntry.objects.order_by("id")
    assert (created.action, created.actor, created.before) == ("webhook.create", "bob", None)
    assert changed.before == {"url": "https://shop.example/hooks", "events": []}
    assert changed.after == {"url": "https://new.example/", "events": ["voucher.created"]}
    assert turned.action == "webhook.rotate"
    kept = str(list(AuditEntry.objects.values()))
    assert secret not in kept
    assert rotated not in kept


def test_the_secret_before_stays_good_for_a_while(shop_a: Retailer) -> None:
    endpoint, first = create(shop_a)
    second = endpoints.rotate(endpoint, actor=BOB, now=NOW, overlap=timedelta(hours=1))
    endpoint.refresh_from_db()
    assert endpoints.secrets_in_use(endpoint, now=NOW + timedelta(minutes=59)) == [second, first]
    assert endpoints.secrets_in_use(endpoint, now=NOW + timedelta(minutes=60)) == [second]


def test_a_second_rotation_does_not_cut_the_first_short(shop_a: Retailer) -> None:
    endpoint, _ = create(shop_a)
    endpoints.rotate(endpoint, actor=BOB, now=NOW)
    with pytest.raises(endpoints.StillRotating):
        endpoints.rotate(endpoint, actor=BOB, now=NOW + timedelta(hours=23))
    endpoints.rotate(endpoint, actor=BOB, now=NOW + timedelta(hours=24))


def test_a_leaked_secret_can_be_ended_at_once(shop_a: Retailer) -> None:
    endpoint, _ = create(shop_a)
    second = endpoints.rotate(endpoint, actor=BOB, now=NOW)
    endpoints.end_rotation(endpoint, actor=BOB, now=NOW)
    endpoint.refresh_from_db()
    assert endpoints.secrets_in_use(endpoint, now=NOW) == [second]
    endpoints.rotate(endpoint, actor=BOB, now=NOW)


def test_switching_off_twice_is_one_change(shop_a: Retailer) -> None:
    endpoint, _ = create(shop_a)
    for _ in range(2):
        endpoints.disable(endpoint, actor=BOB, now=NOW, reason="moving house")
    endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.disabled_reason) == (False, "moving house")
    assert AuditEntry.objects.filter(action="webhook.disable").count() == 1
