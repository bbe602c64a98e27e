"""Celery's door to checkout: work off transactions, end due locks, forget what has been kept long enough."""

import time
from typing import Any

from celery import shared_task
from django.conf import settings

from checkout import idempotency, offer_codes, offer_locks, redeem_orphans, retention, sessions, transaction_queue
from offers.lib import clock
from offers.lib.actors import SYSTEM

DRAIN_SECONDS = 10


@shared_task(name="checkout.expire_sessions", acks_late=True)
def expire_sessions(**_: Any) -> None:
    """Mark due lock rows as expired; the ledger frees what they held by itself."""
    sessions.expire(now=clock.now())


@shared_task(name="checkout.expire_offer_locks", acks_late=True)
def expire_offer_locks(**_: Any) -> None:
    """Note on due locks of wallet entries that their time has passed, forget old codes; neither binds any more."""
    now = clock.now()
    offer_locks.expire(now=now)
    offer_codes.purge(now=now)


@shared_task(name="checkout.give_back_orphans", acks_late=True)
def give_back_orphans(**_: Any) -> None:
    """Reinstate offers that were redeemed at once and whose sale never came."""
    redeem_orphans.give_back_orphans(actor=SYSTEM, now=clock.now())


@shared_task(name="checkout.drain_transactions", acks_late=True)
def drain_transactions(**_: Any) -> None:
    """Work off what waits; the schedule starts another, so ending early loses nothing."""
    until = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < until and transaction_queue.drain(now=clock.now()):
        pass


@shared_task(name="checkout.purge_replies", acks_late=True)
def purge_replies(**_: Any) -> None:
    """Delete answers to idempotency keys that nobody may repeat any more."""
    idempotency.purge(now=clock.now())


@shared_task(name="checkout.purge_traces", acks_late=True)
def purge_traces(**_: Any) -> None:
    """Forget validations and traces older than TRACE_DAYS."""
    now = clock.now()
    retention.purge_validations(now=now, days=settings.TRACE_DAYS)
    retention.purge_traces(now=now, days=settings.TRACE_DAYS)


@shared_task(name="checkout.purge_session_offers", acks_late=True)
def purge_session_offers(**_: Any) -> None:
    """Forget refused codes and ended authorisations older than SESSION_OFFER_DAYS."""
    now = clock.now()
    retention.purge_refusals(now=now, days=settings.SESSION_OFFER_DAYS)
    retention.purge_authorizations(now=now, days=settings.SESSION_OFFER_DAYS)
