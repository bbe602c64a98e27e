"""Endpoints: addresses judged when they are set, secrets shown once and rotated with an overlap, changes audited."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from offers.lib import sealing
from offers.lib.actors import Actor
from offers.models import AuditEntry, Retailer
from offers.outbox import addresses, endpoints
from offers.outbox.models import Endpoint
from tests.ledger.words import sql
from tests.offers.outbox.conftest import NOW

LATER = NOW + timedelta(hours=1)

BOB = Actor("USER", "2", "bob")


def create(shop_a: Retailer, url: str = "https://shop.example/hooks") -> tuple[Endpoint, str]:
    return endpoints.create(retailer_id=shop_a.pk, url=url, events=[], allow_http=False, actor=BOB, now=NOW)


def test_each_endpoint_has_a_secret_of_its_own(shop_a: Retailer) -> None:
    (one, first), (_, second) = create(shop_a), create(shop_a)
    assert first != second
    assert first.startswith("whsec_")
    assert endpoints.secrets_in_use(one, now=NOW) == [first]


def test_the_database_holds_them_sealed(shop_a: Retailer) -> None:
    endpoint, first = create(shop_a)
    second = endpoints.rotate(endpoint, actor=BOB, now=NOW)
    [stored] = sql("SELECT secret, previous_secret FROM outbox_endpoint")
    assert all(text.startswith(sealing.MARK) and "whsec" not in text for text in stored)
    endpoint.refresh_from_db()
    assert endpoints.secrets_in_use(endpoint, now=NOW) == [second, first]
    endpoint.save()  # what was read sealed is not sealed twice
    endpoint.refresh_from_db()
    assert endpoints.secrets_in_use(endpoint, now=NOW) == [second, first]


def test_plain_ones_of_before_are_read_and_the_migration_seals_them(shop_a: Retailer) -> None:
    endpoint, _ = create(shop_a)
    plain = "secret = 'whsec_plain', previous_secret = 'whsec_before', previous_secret_until = %s"
    sql(f"UPDATE outbox_endpoint SET {plain}", LATER)
    endpoint.refresh_from_db()
    assert endpoints.secrets_in_use(endpoint, now=NOW) == ["whsec_plain", "whsec_before"]
    migration = import_module("offers.outbox.migrations.0004_sealed_secrets")
    for _ in range(2):
        migration.seal(apps, None)
        [stored] = sql("SELECT secret, previous_secret FROM outbox_endpoint")
        assert all(text.startswith(sealing.MARK) for text in stored)
        endpoint.refresh_from_db()
        assert endpoints.secrets_in_use(endpoint, now=NOW) == ["whsec_plain", "whsec_before"]


def test_a_new_secret_key_reads_them_while_the_earlier_is_told_and_none_holds_up_others(
    shop_a: Retailer, settings: Any
) -> None:
    one, first = create(shop_a)
    before, settings.SECRET_KEY = settings.SECRET_KEY, "another" * 8
    _, second = create(shop_a)
    assert endpoints.all_secrets(retailer_id=shop_a.pk, now=NOW) == [second]
    one.refresh_from_db()
    assert endpoints.secret(one) is None
    settings.SECRET_KEY_FALLBACKS = [before]
    assert endpoints.secret(one) == first
    assert sorted(endpoints.all_secrets(retailer_id=shop_a.pk, now=NOW)) == sorted([first, second])


def test_one_that_cannot_be_read_is_replaced_even_while_it_rotates(shop_a: Retailer, settings: Any) -> None:
    endpoint, _ = create(shop_a)
    endpoints.rotate(endpoint, actor=BOB, now=NOW)
    settings.SECRET_KEY = "another" * 8
    made = endpoints.rotate(endpoint, actor=BOB, now=NOW)
    endpoint.refresh_from_db()
    assert endpoints.secrets_in_use(endpoint, now=NOW) == [made]


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
