"""A customer's wallet, for his page: what he holds and held, what is locked."""

from typing import Any

from checkout.admin import transactions, wallet_words
from checkout.models import OfferLock
from offers import wallets
from offers.admin import show
from offers.admin.office import now
from offers.admin.page import Block, Button, Table
from offers.models import Customer, UserOffer

State = OfferLock.State
SHOWN = 10


def blocks(row: Customer) -> list[Block]:
    """Return a customer's wallet, live locks, history of offers and transactions."""
    zone = row.retailer.timezone
    common: Any = {"retailer_id": row.retailer_id, "now": now()}
    held, total = wallets.wallet(customer_id=row.pk, take=SHOWN, **common)
    told, ever = wallets.history(customer_ids=[row.pk], take=SHOWN, **common)
    everything = Button(text="All entries", url=show.list_of(UserOffer, customer=row.public_id))
    wallet = Table(
        title=f"Wallet, {total:,} to use" if total else "Wallet",
        headers=["Offer", "Got it", "Can be used until", "From"],
        rows=[
            [
                show.to_page(one, one.offer),
                show.moment(one.acquired_at, zone),
                show.moment(one.ends_at, zone, "no end"),
                wallet_words.source(one) or show.NOTHING,
            ]
            for one in held
        ],
        empty="Nothing to use at the moment.",
        more=everything if total else None,
    )
    past = Table(
        title=f"Offers so far, {ever:,} in all" if ever else "Offers so far",
        headers=["Offer", "Status", "Got it", "Used in"],
        rows=[
            [
                show.to_page(one.user_offer, one.user_offer.offer),
                wallet_words.status_chip(one.user_offer),
                show.moment(one.user_offer.acquired_at, zone),
                wallet_words.sale(one.user_offer.redeemed_in) or show.NOTHING,
            ]
            for one in told
        ],
        empty="Has never held an offer.",
        more=everything if ever else None,
    )
    return [wallet, *live_locks(row), past, transactions.of_customer(row)]


def live_locks(row: Customer) -> list[Table]:
    """Return what of a wallet is locked now; nothing where nothing is."""
    alive = OfferLock.objects.filter(user_offer__customer=row, state__in=(State.ACTIVE, State.CLAIMED))
    found = alive.select_related("store", "user_offer__offer").order_by("expires_at")[:SHOWN]
    live = [lock for lock in found if lock.state == State.CLAIMED or lock.expires_at > now()]
    if not live:
        return []
    cells = [
        [
            show.to_page(lock.user_offer, lock.user_offer.offer),
            show.mono(lock.transaction_id),
            lock.store.name,
            show.amount(lock.amount, row.retailer.currency),
            wallet_words.time_left(lock),
        ]
        for lock in live
    ]
    return [Table(title="Locked now", headers=["Offer", "Transaction", "Store", "Money off", "Time left"], rows=cells)]
