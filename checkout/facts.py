"""Turns what was read into the facts an evaluation judges, and remembers which counters stand behind them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checkout import order_facts, reading, shopper_sessions
from checkout.asks import Ask
from checkout.counts import Calendar
from checkout.reading import CustomerRow, Reading
from checkout.subjects import Builder, Subject
from offers import configuration
from offers.configuration import Config
from offers.evaluation.context import (
    Context,
    Redeemable,
)
from offers.lib.actors import Actor
from offers.lib.errors import NotFound

Confirm = Callable[[int], None]


@dataclass(slots=True)
class Facts:
    """One request's facts: the engine's context, and the rows it was made of in request order.

    `owner` is whom a stored order belongs to; only a customer whom the request names is judged and counted.
    """

    ask: Ask
    config: Config
    context: Context
    subjects: list[Subject]
    customer: CustomerRow | None
    order: dict[str, Any] | None
    now: datetime
    actor: Actor
    owner: CustomerRow | None = None
    referrer_id: str | None = None

    @property
    def buyer_id(self) -> str | None:
        """The cust_ id of whoever buys: the customer named in the request, else the one of the stored order."""
        buyer = self.customer or self.owner
        return buyer.public_id if buyer else None

    def subject(self, redeemable: Redeemable) -> Subject:
        return self.subjects[int(redeemable.key)]


def gather(
    *, retailer_id: int, ask: Ask, reference: str, actor: Actor, now: datetime, confirm: Confirm | None = None
) -> Facts:
    """Read everything about a request in one statement (more only for history, unit discounts and tiers' limits).

    `confirm` is told the version of the configuration that was read, and may refuse a caller who lost his right.
    Refuses `not_found` for a customer, referrer or order by an id (not a source id) that doesn't exist.
    """
    found = _read(retailer_id, ask, reference, now)
    if confirm is not None:
        confirm(found.version)
    config = configuration.current(retailer_id, found.version)
    if ask.customer is not None and ask.customer.id and found.customer is None:
        raise NotFound("customer", ask.customer.id)
    if ask.order is not None and ask.order.id and found.order is None:
        raise NotFound("order", ask.order.id)
    if ask.order is not None and ask.order.referrer and ask.order.referrer.id and found.referrer is None:
        raise NotFound("customer", ask.order.referrer.id)
    barred = shopper_sessions.barred(config, ask, actor, now) if config.prefixes else frozenset()
    builder = Builder(config, found, ask, actor, now, barred)
    built = [builder.redeemable(one, position) for position, one in enumerate(ask.redeemables)]
    catalogue = builder.catalogue([redeemable for redeemable, _ in built])
    context = Context(
        redeemables=tuple(redeemable for redeemable, _ in built),
        now=now,
        order=order_facts.order(ask.order, found.order, catalogue, config),
        customer=builder.customer(),
        stacking=config.stacking,
        catalogue=catalogue,
        metadata=ask.metadata or {},
        time_zone=config.retailer.timezone,
        api_key_id=actor.ident,
        user_login=actor.label or None,
        explain=ask.explain,
    )
    subjects = [subject for _, subject in built]
    referrer_id = found.order["referrer_id"] if found.order else found.referrer
    return Facts(ask, config, context, subjects, found.customer, found.order, now, actor, found.owner, referrer_id)


def _read(retailer_id: int, ask: Ask, reference: str, now: datetime) -> Reading:
    """Read in the zone this process knows of; once more if the retailer's days turn out to begin elsewhere."""
    cached = configuration.peek(retailer_id)
    zone = cached.retailer.timezone if cached else "UTC"
    for _ in range(2):
        periods = Calendar.at(now, zone).periods
        found = reading.read(retailer_id=retailer_id, ask=ask, reference=reference, periods=periods, now=now)
        actual = configuration.current(retailer_id, found.version).retailer.timezone
        if actual == zone:
            break
        zone = actual
    return found
