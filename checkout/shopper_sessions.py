"""Judges codes with a channel's prefix in validations and redemptions: is the shopper's session allowed to use them."""

from collections.abc import Iterable
from datetime import datetime

from checkout import code_refusals, session_offers
from checkout.asks import Ask
from checkout.models import Authorization
from offers.configuration import Config
from offers.lib.actors import Actor
from offers.lib.normal_codes import folded

BROWSER = "web_"  # how the keys of credentials begin that pages hold


def barred(config: Config, ask: Ask, actor: Actor, now: datetime) -> frozenset[str]:
    """Return the codes of the request that its session was not shown, whether they exist or not.

    One statement, and only when a code begins with a channel's prefix. A voucher named by its id is judged by its
    code once that is known (`of_code`). Refuses `too_many_requests` to a session that keeps trying such codes.
    """
    prefixed = prefixed_codes(config, ask)
    refused = prefixed - permitted(config, ask, actor, prefixed, now) if prefixed else prefixed
    if refused and (session := session_hash(ask)):
        code_refusals.check(retailer_id=config.retailer.pk, session_hash=session, now=now)
    return frozenset(refused)


def note_refused(config: Config, ask: Ask, codes: Iterable[str], now: datetime) -> None:
    """Count the codes that were refused to the shopper's session: that is how a leak is seen."""
    for code in codes:
        code_refusals.note(retailer_id=config.retailer.pk, session_hash=session_hash(ask), code=code, now=now)


def prefixed_codes(config: Config, ask: Ask) -> set[str]:
    """Return the codes of the request that belong to a channel, however they are spelt."""
    named = {one.id for one in ask.redeemables if one.object == "voucher"}
    return {code for code in named if folded(code).startswith(config.prefixes)}


def permitted(config: Config, ask: Ask, actor: Actor, codes: set[str], now: datetime) -> set[str]:
    """Return which of these codes the shopper's session may use now."""
    return session_offers.permitted(
        retailer_id=config.retailer.pk,
        session_hash=session_hash(ask),
        customer_key=customer_key(ask, actor),
        codes=codes,
        now=now,
    )


def of_code(config: Config, ask: Ask, actor: Actor, code: str, now: datetime) -> bool:
    """Say whether a voucher that was named by its id is barred, by the code it turned out to have."""
    return folded(code).startswith(config.prefixes) and not permitted(config, ask, actor, {code}, now)


def session_hash(ask: Ask) -> str:
    """Return what stands for the shopper's session, "" for a request that names none."""
    if ask.shopper is None:
        return ""
    if ask.shopper.session is not None:
        return session_offers.fingerprint(ask.shopper.session)
    return ask.shopper.session_fingerprint or ""


def customer_key(ask: Ask, actor: Actor) -> str:
    """Return who the customer is in the shop's own words, for offers bound to customers; "" where nobody vouches.

    A page may claim to be anybody, so only a server is believed, and only about a shopper whose visit it names.
    """
    if ask.shopper is None or ask.customer is None or actor.ident.startswith(BROWSER):
        return ""
    return ask.customer.source_id or ""


def lock(retailer_id: int, ask: Ask, actor: Actor, now: datetime) -> list[Authorization]:
    """Return what the session may use, each row locked until the caller's transaction ends."""
    return session_offers.locked(
        retailer_id=retailer_id, session_hash=session_hash(ask), customer_key=customer_key(ask, actor), now=now
    )
