"""Secrets of channels: sealed in the database, the same to whoever signs and checks with them."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import FieldError
from django.db import connection

from offers import channels
from offers.lib.actors import SYSTEM
from offers.models import Channel, Retailer

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def stored() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret, previous_secret FROM offers_channel")
        return list(cursor.fetchone())


def test_the_database_holds_no_channels_secret_in_plain(shop_a: Retailer) -> None:
    made = channels.ensure(retailer_id=shop_a.pk, prefix="FP_", fields={}, actor=SYSTEM, now=NOW)
    (sealed, before), secret = stored(), made.secret
    assert (sealed.startswith("sealed:"), secret in sealed, before) == (True, False, "")
    assert Channel.objects.get().secret == secret
    renewed = channels.rotate(retailer_id=shop_a.pk, ident=made.public_id, actor=SYSTEM, now=NOW)
    assert all(text.startswith("sealed:") for text in stored())
    kept = Channel.objects.get()
    assert (kept.secret, kept.previous_secret) == (renewed.secret, secret)
    with pytest.raises(FieldError):
        Channel.objects.filter(secret=secret).first()


def test_one_that_was_stored_in_plain_is_read_as_it_is_and_sealed_when_it_is_saved(shop_a: Retailer) -> None:
    channels.ensure(retailer_id=shop_a.pk, prefix="FP_", fields={}, actor=SYSTEM, now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE offers_channel SET secret = 'plain'")
    row = Channel.objects.get()
    assert row.secret == "plain"
    row.save()
    assert stored()[0].startswith("sealed:")
    assert Channel.objects.get().secret == "plain"
