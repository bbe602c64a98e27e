"""Offers as marketers make them: which edits make revisions, what moves with the root, and what the clock decides."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from offers import offer_templates, user_offers
from offers.lib.actors import SYSTEM
from offers.models import Customer, Offer, Retailer
from offers.tasks import note_expired_offers
from tests.offers.test_user_offers import NOW, issue, make_offer, redeem

END = "2026-12-01T00:00:00Z"


def update(offer: Offer, now: datetime = NOW, **body: Any) -> offer_templates.Change:
    return offer_templates.update(retailer_id=offer.retailer_id, offer_id=offer.uuid, body=body, actor=SYSTEM, now=now)


def held(shop: Retailer, **common: Any) -> Offer:
    """Return a published offer that somebody holds."""
    offer = make_offer(shop, common)
    issue(offer, Customer.objects.create(retailer=shop))
    return offer


@pytest.mark.parametrize(
    ("body", "revisioned"),
    [
        ({"text_config": [{"title": "Tea", "culture": "en"}]}, False),
        ({"media_config": [{"uri": "https://cdn.example/a.png"}]}, False),
        ({"common_config": {"acquisition_end_date": "2027-01-01"}}, False),
        ({"common_config": {"acquisition_end_date": None}}, False),
        ({"common_config": {"acquisition_start_date": "2025-01-01"}}, False),
        ({"common_config": {"key": "tea"}}, False),
        ({"common_config": {"acquisition_end_date": "2026-11-30"}}, True),
        ({"common_config": {"validity_period": 11}}, True),
        ({"common_config": {"validity_period": 10}}, False),
        ({"catalog_restrictions": [{"mode": "exclude", "match": "item", "values": ["7"]}]}, True),
        ({"use_restrictions": [{"kind": "inventory", "count": 9}]}, True),
    ],
)
def test_only_edits_that_touch_what_is_held_make_a_revision(
    shop_a: Retailer, body: dict[str, Any], revisioned: bool
) -> None:
    offer = held(shop_a, acquisition_start_date="2026-01-01", acquisition_end_date=END)
    change = update(offer, **body)
    assert change.revisioned is revisioned
    assert change.offer.root == offer.uuid
    assert len(offer_templates.revisions(offer)) == (2 if revisioned else 1)
    old = Offer.objects.get(pk=offer.pk)
    assert (old.frozen_at is not None) is revisioned
    if revisioned:
        assert (old.validity_period, old.use_restrictions, old.catalog_restrictions) == (10, [], [])


def test_an_edit_by_an_old_id_changes_the_revision_in_force(shop_a: Retailer) -> None:
    offer = held(shop_a)
    second = update(offer, common_config={"validity_period": 11}).offer
    third = update(offer, common_config={"validity_unit": "weeks"})
    assert (third.offer.uuid, third.revisioned) == (second.uuid, False)  # nobody holds the second one
    assert (third.offer.validity_period, third.offer.validity_unit) == (11, "weeks")


def test_a_key_follows_the_revision_in_force(shop_a: Retailer) -> None:
    offer = held(shop_a, key="tea")
    second = update(offer, common_config={"validity_period": 11}).offer
    assert offer_templates.find(retailer_id=shop_a.pk, ident="tea").pk == second.pk


def test_holders_of_an_old_revision_share_the_fate_of_the_offer(shop_a: Retailer) -> None:
    offer = make_offer(shop_a)
    [entry] = issue(offer, Customer.objects.create(retailer=shop_a))
    second = update(offer, common_config={"validity_period": 11}).offer
    offer_templates.expire(retailer_id=shop_a.pk, offer_id=second.uuid, actor=SYSTEM, now=NOW)
    with pytest.raises(user_offers.OfferExpired):
        redeem(entry)
    update(second, common_config={"acquisition_end_date": END})
    assert redeem(entry).status == 2


def test_the_end_date_decides_and_the_job_only_writes_it_down(shop_a: Retailer) -> None:
    offer = make_offer(shop_a, {"acquisition_end_date": END})
    end = datetime(2026, 12, 1, tzinfo=UTC)
    assert offer_templates.status_of(offer, end - timedelta(microseconds=1)) == 1
    assert offer_templates.status_of(offer, end) == 3
    assert offer_templates.note_expired(now=end - timedelta(microseconds=1)) == 0
    assert offer_templates.note_expired(now=end) == 1
    assert Offer.objects.get(pk=offer.pk).status == 3
    note_expired_offers()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_edits_at_once_are_both_made() -> None:
    offer = held(Retailer.objects.create(name="Race"))

    def one(body: dict[str, Any]) -> None:
        try:
            update(offer, common_config=body)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, [{"validity_period": 11}, {"validity_unit": "weeks"}]))
    newest = offer_templates.newest(offer)
    assert (newest.validity_period, newest.validity_unit) == (11, "weeks")
