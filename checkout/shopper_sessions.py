"""Judges codes with a channel's prefix in validations and redemptions: is the shopper's session allowed to use them."""

from datetime import datetime

from checkout import session_offers
from checkout.asks import Ask
from checkout.models import Authorization
from offers.configuration import Config
from offers.lib.normal_codes import folded


def barred(config: Config, ask: Ask, now: datetime) -> frozenset[str]:
    """Return the codes of the request that its session was not shown, whether they exist or not.

    One statement, and only when a code begins with a channel's prefix. A voucher named by its id is judged by its
    code once that is known (`of_code`).
    """
    prefixed = prefixed_codes(config, ask)
    return frozenset(prefixed - permitted(config, ask, prefixed, now)) if prefixed else frozenset()


def prefixed_codes(config: Config, ask: Ask) -> set[str]:
    """Return the codes of the request that belong to a channel, however they are spelt."""
    named = {one.id for one in ask.redeemables if one.object == "voucher"}
    return {code for code in named if folded(code).startswith(config.prefixes)}


def permitted(config: Config, ask: Ask, codes: set[str], now: datetime) -> set[str]:
    """Return which of these codes the shopper's session may use now."""
    return session_offers.permitted(
        retailer_id=config.retailer.pk,
        session_hash=session_hash(ask),
        customer_key=customer_key(ask),
        codes=codes,
        now=now,
    )


def of_code(config: Config, ask: Ask, code: str, now: datetime) -> bool:
    """Say whether a voucher that was named by its id is barred, by the code it turned out to have."""
    return folded(code).startswith(config.prefixes) and not permitted(config, ask, {code}, now)


def session_hash(ask: Ask) -> str:
    """Return what stands for the shopper's session, "" for a request that names none."""
    if ask.shopper is None:
        return ""
    if ask.shopper.session is not None:
        return session_offers.fingerprint(ask.shopper.session)
    return ask.shopper.session_fingerprint or ""


def customer_key(ask: Ask) -> str:
    """Return who the customer is in the shop's own words, for offers bound to customers."""
    return (ask.customer.source_id or "") if ask.customer is not None else ""


def lock(retailer_id: int, ask: Ask, now: datetime) -> list[Authorization]:
    """Return the session's authorisations of the codes asked for, locked until the caller's transaction ends."""
    codes = {folded(one.id) for one in ask.redeemables if one.object == "voucher"}
    found = session_offers.locked(
        retailer_id=retailer_id, session_hash=session_hash(ask), customer_key=customer_key(ask), now=now
    )
    return [one for one in found if one.code in codes]
