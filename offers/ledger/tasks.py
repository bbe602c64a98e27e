"""Celery's door to the ledger: tidy up expired holds, tally busy counters, prove everything once a day."""

import logging
from typing import Any

from celery import shared_task

from offers.ledger import audit, expiry, tallies
from offers.lib import clock

log = logging.getLogger("offerkeep.ledger")


@shared_task(name="ledger.sweep", acks_late=True)
def sweep(**_: Any) -> None:
    """Expire due holds. Nobody waits for it: expiry is judged at use."""
    expiry.sweep(now=clock.now())


@shared_task(name="ledger.tally", acks_late=True)
def tally(**_: Any) -> None:
    """Tally the counters that were busy lately."""
    tallies.tally()


@shared_task(name="ledger.prove", acks_late=True)
def prove(**_: Any) -> None:
    """Tally whatever is left, then re-derive every counter; a difference is logged as an error, each by name."""
    tallies.tally(recent=None)
    proof = audit.prove()
    if proof.total:
        log.error("the ledger does not add up: %d differences in %d counters", proof.total, proof.counters)
    for difference in proof.differences:
        log.error("%s", difference)
