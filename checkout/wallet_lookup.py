"""What a till is shown of a wallet: the entries that can be used now, and what each would take off a basket."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from checkout import item_facts, lock_pricing, offer_pricing, offer_restrictions
from checkout.models import OfferLock
from checkout.shops import Shop
from checkout.transaction_shape import Sale
from loyalty.models import Member
from offers import wallets
from offers.models import UserOffer

MOST = 1000


@dataclass(frozen=True, slots=True)
class Offered:
    """A wallet entry, whether a transaction holds it, and its price where a basket was given."""

    user_offer: UserOffer
    locked: bool
    priced: offer_pricing.Priced


def look(*, shop: Shop, member: Member, transaction: Mapping[str, Any] | None, now: datetime) -> list[Offered]:
    """Return the entries of the wallet for the store of the call, with a basket only those that apply to it.

    Nothing is locked; only catalog and location restrictions are looked at, the latter where a store is named.
    Refuses what a basket cannot be read with.
    """
    sale = lock_pricing.read(shop, transaction) if transaction is not None else None
    entries, _ = wallets.wallet(retailer_id=shop.retailer_id, customer_id=member.customer_id, now=now, take=MOST)
    for entry in entries:
        entry.customer = member.customer
    locked = set(
        OfferLock.objects.filter(
            Q(state=OfferLock.State.CLAIMED) | Q(state=OfferLock.State.ACTIVE, expires_at__gt=now),
            user_offer__in=[entry.pk for entry in entries],
        ).values_list("user_offer_id", flat=True)
    )
    facts: dict[str, item_facts.ItemFacts] = {}
    if sale is not None:
        facts = item_facts.read(retailer_id=shop.retailer_id, item_ids=(line.item_id for line in sale.lines))
    found = []
    for entry in entries:
        if shop.store is not None and not _is_for(entry, shop):
            continue
        priced = offer_pricing.Priced(0, 0) if sale is None else _price(entry, sale, facts)
        if priced is not None:
            found.append(Offered(entry, entry.pk in locked, priced))
    return found


def _is_for(entry: UserOffer, shop: Shop) -> bool:
    assert shop.store is not None
    try:
        offer_restrictions.check_location(entry.offer.location_restrictions, shop.store)
    except offer_restrictions.RestrictionFailed:
        return False
    return True


def _price(entry: UserOffer, sale: Sale, facts: Mapping[str, item_facts.ItemFacts]) -> offer_pricing.Priced | None:
    """Return the entry's price, None where it does not apply."""
    try:
        offer_restrictions.check_catalog(entry.offer, sale, facts)
    except offer_restrictions.RestrictionFailed:
        return None
    taken = [offer_pricing.Taken(one.amount, one.line_ids) for one in lock_pricing.others_of(sale, entry)]
    priced = offer_pricing.price(terms=entry.offer, sale=sale, facts=facts, taken=taken)
    return priced if priced.amount > 0 or entry.offer.offer_type in offer_pricing.NO_AMOUNT else None
