"""A lock has to outlast the queue: refused by the verb, and reported by manage.py check for what is stored."""

import pytest
from django.core.checks import run_checks

from offers import retailer_settings, retailers
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import AuditEntry, Retailer


def told() -> list[str]:
    return [str(message.id) for message in run_checks(tags=["offers"], databases=["default"])]


def test_t17_a_lock_that_would_end_in_the_queue_is_refused(shop_a: Retailer) -> None:
    for wanted in ({"lock_ttl_seconds": 900}, {"transaction_max_queue_seconds": 1800}):
        with pytest.raises(retailer_settings.InvalidSettings):
            retailers.update(retailer_id=shop_a.pk, fields={"settings": wanted}, actor=SYSTEM, now=clock.now())
    kept = retailers.update(
        retailer_id=shop_a.pk, fields={"settings": {"lock_ttl_seconds": 901}}, actor=SYSTEM, now=clock.now()
    )
    assert kept.settings["lock_ttl_seconds"] == 901
    after = AuditEntry.objects.get(action="retailer.update").after
    assert after is not None and after["settings"]["lock_ttl_seconds"] == 901


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ({}, []),
        ({"lock_ttl_seconds": 900}, ["offers.E001"]),
        ({"lock_ttl_seconds": 59, "transaction_max_queue_seconds": 30}, ["offers.W001"]),
        ({"lock_ttl_seconds": 60, "transaction_max_queue_seconds": 30}, []),
    ],
)
def test_t17_the_check_names_retailers_whose_locks_are_too_short(
    shop_a: Retailer, stored: dict[str, int], found: list[str]
) -> None:
    Retailer.objects.filter(pk=shop_a.pk).update(settings=stored)
    assert told() == found
