"""Events are written with the change they tell of, for those who listen."""

import pytest
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from offers.lib.actors import Actor
from offers.models import Retailer
from offers.outbox import events
from offers.outbox.models import Endpoint, Event
from tests.offers.outbox.conftest import NOW, happen


def test_nobody_listens_nothing_is_written(shop_a: Retailer) -> None:
    assert not events.listened(shop_a.pk)
    assert happen(shop_a) is None
    assert not Event.objects.exists()


def test_an_event_is_written_in_one_statement(
    shop_a: Retailer, endpoint: Endpoint, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert events.listened(shop_a.pk)
    actor = Actor("API", "app-1")
    with django_assert_num_queries(1):
        events.record(retailer_id=shop_a.pk, type="voucher.created", data={"id": "v_1"}, now=NOW, actor=actor)
    event = Event.objects.get()
    assert event.public_id.startswith("whs_")
    assert (event.type, event.data, event.created_at, event.fanned_out_at) == (
        "voucher.created",
        {"id": "v_1"},
        NOW,
        None,
    )
    assert event.source == {"channel": {"channel_type": "API", "channel_id": "app-1"}}


def test_others_listening_is_not_our_listening(shop_a: Retailer, shop_b: Retailer, endpoint: Endpoint) -> None:
    assert not events.listened(shop_b.pk)
    assert happen(shop_b) is None


def test_a_type_nobody_wants_is_not_written(shop_a: Retailer, endpoint: Endpoint) -> None:
    Endpoint.objects.update(events=["redemption.succeeded"])
    assert happen(shop_a, "voucher.created") is None
    assert happen(shop_a, "redemption.succeeded") is not None


def test_an_endpoint_switched_off_does_not_listen(shop_a: Retailer, endpoint: Endpoint) -> None:
    Endpoint.objects.update(active=False)
    assert not events.listened(shop_a.pk)
    assert happen(shop_a) is None


def test_a_change_rolled_back_was_no_event(shop_a: Retailer, endpoint: Endpoint) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        happen(shop_a)
        raise ZeroDivisionError
    assert not Event.objects.exists()


def test_a_new_endpoint_raises_the_version_that_caches_look_at(shop_a: Retailer) -> None:
    before = Retailer.objects.values_list("version__number", flat=True).get(pk=shop_a.pk)
    Endpoint.objects.create(retailer=shop_a, url="https://shop.example/", secret="s")
    assert Retailer.objects.values_list("version__number", flat=True).get(pk=shop_a.pk) == before + 1
