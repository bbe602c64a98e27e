"""Credentials are issued, rotated and revoked; each leaves a row in the audit trail."""

from datetime import UTC, datetime

import pytest

from offers import clients
from offers.lib.actors import SYSTEM
from offers.lib.errors import InvalidPayload, NotFound
from offers.models import AuditEntry, Retailer

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_two_credentials_share_nothing(shop_a: Retailer) -> None:
    made = [clients.create(retailer_id=shop_a.pk, kind="server", name="till", actor=SYSTEM, now=NOW) for _ in range(2)]
    assert len({client.key for client, _ in made}) == len({secret for _, secret in made}) == 2
    assert [client.rate_limited for client, _ in made] == [True, True]


def test_a_browser_gets_only_what_a_checkout_page_needs(shop_a: Retailer) -> None:
    client, _ = clients.create(retailer_id=shop_a.pk, kind="browser", name="page", actor=SYSTEM, now=NOW)
    assert client.scopes == ["qualifications:write", "redemptions:write", "validations:write"]


@pytest.mark.parametrize("origin", ["shop.example", "https://shop.example/path", "javascript:alert(1)", "https://", ""])
def test_an_origin_has_scheme_and_host_and_nothing_else(shop_a: Retailer, origin: str) -> None:
    with pytest.raises(InvalidPayload):
        clients.create(retailer_id=shop_a.pk, kind="browser", name="page", actor=SYSTEM, now=NOW, origins=[origin])


def test_unknown_kinds_and_scopes_are_refused(shop_a: Retailer) -> None:
    with pytest.raises(InvalidPayload):
        clients.create(retailer_id=shop_a.pk, kind="robot", name="x", actor=SYSTEM, now=NOW)
    with pytest.raises(clients.UnknownScope):
        clients.create(retailer_id=shop_a.pk, kind="server", name="x", actor=SYSTEM, now=NOW, scopes=["root"])


def test_create_rotate_and_revoke_are_on_record(shop_a: Retailer) -> None:
    client, _ = clients.create(retailer_id=shop_a.pk, kind="server", name="till", actor=SYSTEM, now=NOW)
    clients.rotate(retailer_id=shop_a.pk, key=client.key, actor=SYSTEM, now=NOW)
    clients.revoke(retailer_id=shop_a.pk, key=client.key, actor=SYSTEM, now=NOW, reason="stolen laptop")
    entries = AuditEntry.objects.filter(object_id=client.key).order_by("id")
    assert [(entry.action, entry.reason) for entry in entries] == [
        ("client.create", ""),
        ("client.rotate", ""),
        ("client.revoke", "stolen laptop"),
    ]


def test_a_credential_ends_once_and_only_by_its_own_retailer(shop_a: Retailer, shop_b: Retailer) -> None:
    client, _ = clients.create(retailer_id=shop_a.pk, kind="server", name="till", actor=SYSTEM, now=NOW)
    with pytest.raises(NotFound):
        clients.revoke(retailer_id=shop_b.pk, key=client.key, actor=SYSTEM, now=NOW)
    clients.revoke(retailer_id=shop_a.pk, key=client.key, actor=SYSTEM, now=NOW)
    with pytest.raises(NotFound):
        clients.revoke(retailer_id=shop_a.pk, key=client.key, actor=SYSTEM, now=NOW)
    with pytest.raises(NotFound):
        clients.rotate(retailer_id=shop_a.pk, key=client.key, actor=SYSTEM, now=NOW)
