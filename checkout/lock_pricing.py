"""What a wallet entry takes off a till's transaction now, beside what the transaction's other discounts take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from checkout import item_facts, offer_pricing, offer_restrictions, transaction_shape
from checkout.models import OfferLock, Revision
from checkout.shops import Shop, Till
from loyalty.models import Purchase
from offers.lib.errors import Refusal
from offers.models import UserOffer

PATH = "request_payload.transaction"


class NotApplicable(Refusal):
    """There is nothing on this check that the offer would discount."""

    code = "offer_not_applicable"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An entry's discount on a transaction as it was priced now; `lock` None after an immediate redemption.

    With a `refusal` the lock has stayed and is worth nothing: that is to be committed, and the refusal answered.
    """

    user_offer: UserOffer
    amount: int
    parts: tuple[offer_pricing.Part, ...]
    stack_order: int
    warnings: tuple[str, ...]
    lock: OfferLock | None = None
    refusal: Refusal | None = None


def transaction_id(transaction: Mapping[str, Any]) -> str:
    """Return which transaction it is, whatever else of it cannot be read. Refuses missing_data and argument_error."""
    return transaction_shape.read(
        {"transaction_id": transaction.get("transaction_id")}, path=PATH, finalizing=False
    ).transaction_id


def read(shop: Shop, transaction: Mapping[str, Any]) -> transaction_shape.Sale:
    """Return the transaction in the shop's time and currency. Refuses as `transaction_shape.read` does."""
    return transaction_shape.read(transaction, path=PATH, zone=shop.zone, currency=shop.currency, finalizing=False)


def others_of(sale: transaction_shape.Sale, entry: UserOffer) -> list[transaction_shape.Discount]:
    """Return the discounts named in the sale that are not the entry's own."""
    return [one for one in sale.discounts if one.reference is None or one.reference != entry.uuid]


def price(
    till: Till, entry: UserOffer, sale: transaction_shape.Sale, beside: Sequence[OfferLock], now: datetime
) -> Outcome:
    """Return what the entry is worth on the sale now. Refuses restriction_failed and offer_not_applicable."""
    offer = entry.offer
    facts = item_facts.read(
        retailer_id=entry.retailer_id,
        item_ids=(line.item_id for line in sale.lines) if offer_pricing.needs_facts(offer) else (),
    )
    others = others_of(sale, entry)
    listed = {one.reference for one in others}
    unlisted = [one for one in beside if one.user_offer.uuid not in listed]
    _check_stack(entry, beside, len(others) + len(unlisted))
    offer_restrictions.check_location(offer.location_restrictions, till.store)
    offer_restrictions.check_catalog(offer, sale, facts)
    purchase = offer_restrictions.Purchase(
        sale=sale,
        facts=facts,
        local=now.astimezone(till.shop.zone),
        others=len(others) + len(unlisted),
        earlier_purchases=offer_restrictions.asks_for_history(offer) and _has_bought(till, entry, sale),
    )
    offer_restrictions.check_purchase(offer, purchase)
    taken = [
        *(offer_pricing.Taken(one.amount, one.line_ids) for one in others),
        *(
            offer_pricing.Taken(one.amount, tuple(part["line_id"] for part in one.discount["parts"]))
            for one in unlisted
        ),
    ]
    priced = offer_pricing.price(terms=offer, sale=sale, facts=facts, taken=taken)
    if priced.amount <= 0 and offer.offer_type not in offer_pricing.NO_AMOUNT:
        if priced.base > 0 and offer.discount_config.get("min_spend"):
            raise offer_restrictions.RestrictionFailed("min_spend", "The purchase is too small for this offer")
        raise NotApplicable()
    return Outcome(entry, priced.amount, priced.parts, len(taken), _warnings(entry, sale))


def _check_stack(entry: UserOffer, beside: Sequence[OfferLock], others: int) -> None:
    offer = entry.offer
    groups = {one.user_offer.offer.stack_group for one in beside} - {""}
    alone = not offer.stackable or any(not one.user_offer.offer.stackable for one in beside)
    if (alone and others) or offer.stack_group in groups:
        raise offer_restrictions.RestrictionFailed("stackable", "The offer cannot be combined with the others")


def _has_bought(till: Till, entry: UserOffer, sale: transaction_shape.Sale) -> bool:
    """Whether the customer has closed another transaction that stands: one worked through, or one that waits.

    Payments of one that waits name him by any of his ids. Both are found by an index, however many sales there are.
    """
    member = getattr(entry.customer, "member", None)
    if member is None:
        return False
    this = f"transaction:{till.store.uuid}:{sale.transaction_id}"
    if Purchase.objects.filter(member=member, voided=False).exclude(occasion=this).exists():
        return True
    ids = [str(member.uuid), str(member.uuid).upper(), *member.external_ids.values_list("value", flat=True)]
    if member.sor_id:
        ids.append(member.sor_id)
    paid = Q()
    for ident in ids:
        paid |= Q(payload__payments__contains=[{"user_id": ident}])
    unfinished = (Revision.State.QUEUED, Revision.State.RETRY, Revision.State.DEAD)
    rows = Revision.objects.filter(paid, state__in=unfinished)
    rows = rows.filter(transaction__retailer_id=entry.retailer_id, is_voided=False)
    return rows.exclude(transaction__store_id=till.store.id, transaction__transaction_id=sale.transaction_id).exists()


def _warnings(entry: UserOffer, sale: transaction_shape.Sale) -> tuple[str, ...]:
    member = getattr(entry.customer, "member", None)
    payers = {one.user_id.lower() for one in sale.payments if one.user_id_type.lower() == "sessionm_id"} - {""}
    gifted = member is not None and payers and str(member.uuid) not in payers and member.sor_id not in payers
    return (*sale.warnings, "gifted") if gifted else sale.warnings
