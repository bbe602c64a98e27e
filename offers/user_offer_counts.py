"""What issuing and using entries takes from the ledger: inventory and use restrictions, all of it or nothing.

Each entry and each use has a reference of its own in the journal, by which it is given back.
"""

from collections.abc import Sequence
from datetime import datetime

from offers import offer_limits, offer_templates
from offers.ledger import holds
from offers.lib.errors import Refusal
from offers.models import Offer, Retailer, UserOffer, UserOfferEvent


class InventoryExhausted(Refusal):
    """No more of this offer are left."""

    code = "inventory_exhausted"


class FrequencyExceeded(Refusal):
    """The offer was issued or used as often as its terms allow."""

    code = "frequency_exceeded"


def count_issue(offer: Offer, customer_id: int, copies: Sequence[UserOffer], now: datetime) -> None:
    """Take what these copies of an offer cost of it. Refuses inventory_exhausted and frequency_exceeded."""
    if not offer.use_restrictions:
        return
    root_pk, zone = offer_templates.root_pk(offer), _zone(offer.retailer_id)
    limits = offer_limits.limits(offer, "issuance", root_pk=root_pk, customer_id=customer_id, now=now, zone=zone)
    references = [issue_reference(copy) for copy in copies]
    inventory = offer_limits.inventory_wants(offer, root_pk, references)
    _take(offer.retailer_id, [*inventory, *offer_limits.wants(limits, references)], now)


def count_use(entry: UserOffer, event: UserOfferEvent, now: datetime) -> None:
    """Take one use of an entry, the one its event tells of. Refuses frequency_exceeded."""
    wants = offer_limits.wants(use_limits(entry, now), [use_reference(event)])
    _take(entry.retailer_id, wants, now)


def use_limits(entry: UserOffer, now: datetime) -> list[offer_limits.Limit]:
    """Return what limits the use of an entry by its customer now."""
    if not any(line["kind"] == "redemption" for line in entry.offer.use_restrictions):
        return []
    return offer_limits.limits(
        entry.offer,
        "redemption",
        root_pk=offer_templates.root_pk(entry.offer),
        customer_id=entry.customer_id,
        now=now,
        zone=_zone(entry.retailer_id),
    )


def issue_reference(entry: UserOffer) -> str:
    return f"offer.issue:{entry.uuid}"


def use_reference(event: UserOfferEvent) -> str:
    return f"offer.use:{event.pk}"


def _take(retailer_id: int, wants: list[holds.Want], now: datetime) -> None:
    if not wants:
        return
    try:
        holds.use(retailer_id=retailer_id, wants=wants, reference="", now=now)
    except holds.Exceeded as short:
        found = InventoryExhausted if short.shortage.kind == offer_limits.INVENTORY else FrequencyExceeded
        raise found() from None


def _zone(retailer_id: int) -> str:
    return Retailer.objects.values_list("timezone", flat=True).get(pk=retailer_id)
