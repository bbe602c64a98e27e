"""A batch as a shop with a programme has it: levels, a limited rule, and an offer in every tenth sale."""

import time
from datetime import timedelta

from checkout import transaction_queue, transactions
from checkout.models import OfferLock, Revision
from loyalty import rules, tier_systems
from loyalty.models import Member, TierSystem
from offers.lib import clock
from offers.lib.actors import SYSTEM, Actor
from offers.models import Retailer, Store, UserOffer
from tests.bench import carts

OFFERS_IN = 10
LEVELS = [
    {"key": "basic", "name": "Basic", "rank": 0},
    {"key": "gold", "name": "Gold", "rank": 1, "entry": {"metric": "spend", "op": ">=", "value": 5000}},
]


def rate(rows: int, till: Actor) -> float:
    """Return the rows a second of one worker that drains such sales; every sale is processed."""
    _programme()
    _fill(rows, till)
    began, done = time.perf_counter(), 0
    while count := transaction_queue.drain(now=clock.now()):
        done += count
    seconds = time.perf_counter() - began
    odd = Revision.objects.exclude(state="processed").first()
    assert odd is None, (odd, odd.error)
    return done / seconds


def _programme() -> None:
    shop, now = Retailer.objects.get(), clock.now()
    if TierSystem.objects.filter(retailer=shop).exists():
        return
    tier_systems.create(retailer_id=shop.pk, key="club", name="Club", levels=LEVELS, actor=SYSTEM, now=now)
    fixed = [{"type": "points_fixed", "account": "main", "points": 5}]
    for name, more in (("Once a day", {"limits": {"per_user": {"count": 1, "period": "day"}}}), ("Gold", {})):
        definition = {"outcomes": fixed, **more} if more else {"outcomes": fixed, "levels": ["gold"]}
        rules.save(
            retailer_id=shop.pk,
            name=name,
            scope="economy",
            definition=definition,
            actor=SYSTEM,
            now=now,
            in_force_from=now - timedelta(days=1000),
        )


def _fill(rows: int, till: Actor) -> None:
    shop, store, now = Retailer.objects.get(), Store.objects.get(), clock.now()
    people = list(Member.objects.order_by("pk")[: carts.MEMBERS])
    wallet = UserOffer.objects.filter(status=UserOffer.Status.ISSUED, locks=None).order_by("pk")
    free = {entry.customer_id: entry for entry in wallet}
    for at in range(rows):
        who, name = people[at % len(people)], f"mixed-{now.timestamp()}-{at}"
        payload = carts.sale(name, str(who.uuid))
        entry = None if at % OFFERS_IN else free.pop(who.customer_id, None)
        if entry is not None:
            OfferLock.objects.create(
                retailer=shop,
                user_offer=entry,
                store=store,
                transaction_id=name,
                amount=500,
                locked_at=now,
                priced_at=now,
                expires_at=now + timedelta(minutes=30),
            )
            payload["discounts"] = [
                {
                    "reference_id": str(entry.uuid),
                    "reference_id_type": "userofferid",
                    "status": "LOCKED",
                    "discount_source": "sessionm",
                    "amount": "5.00",
                }
            ]
        transactions.accept(
            retailer_id=shop.pk,
            version=10**12,
            store_id=store.uuid,
            request_id=name,
            payload=payload,
            actor=till,
            now=now,
        )
