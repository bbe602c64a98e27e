"""The reward store: offers that members buy with points."""

import hashlib
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction

from loyalty import members, points
from loyalty.models import Member
from offers import offer_templates, user_offers
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.models import Offer, UserOffer


class ReferenceTaken(Refusal):
    """This reference came before, for another offer."""

    code = "request_id_conflict"


def buy(
    *, retailer_id: int, member: Member, offer_id: UUID, actor: Actor, now: datetime, reference: str = ""
) -> UserOffer:
    """Issue an offer of the reward store and take its price in the default points: both or neither.

    With a `reference` once: asked again, what was bought then is returned and nothing is spent.
    Refuses request_id_conflict (a reference of another offer), offer_not_found, offer_not_available (also for what is
    not in the store), insufficient_points, and what `user_offers.issue` refuses. Locks the member first, as whatever
    moves points does.
    """
    offer = offer_templates.find(retailer_id=retailer_id, ident=offer_id)
    name = f"{member.pk}:{hashlib.sha256(reference.encode()).hexdigest()}" if reference else str(uuid4())
    purchase = f"reward_store:{name}"
    if reference and (bought := UserOffer.objects.filter(issue_key=purchase).select_related("offer").first()):
        return _same(bought, offer)
    if offer.frozen_at is not None:
        offer = offer_templates.newest(offer)
    if not offer.reward_store:
        raise user_offers.OfferNotAvailable("The offer is not in the reward store")
    with transaction.atomic():
        if offer.points_cost:
            members.lock([member.pk])
            account = points.account(retailer_id=retailer_id)
            points.spend(member=member, account=account, amount=offer.points_cost, reference=purchase, now=now)
        [entry] = user_offers.issue(
            retailer_id=retailer_id,
            offer=offer,
            customer_id=member.customer_id,
            actor=actor,
            now=now,
            source={"kind": "reward_store", "points": offer.points_cost or 0},
            issue_key=purchase,
        )
    return _same(entry, offer)


def _same(entry: UserOffer, offer: Offer) -> UserOffer:
    if entry.offer.root != offer.root:
        raise ReferenceTaken()
    return entry
