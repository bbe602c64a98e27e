"""Carts of a shop's visits: filled, given codes, and looked at; every look works the sums out again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from checkout import cart_prices, code_refusals, code_words, session_offers
from checkout.cart_prices import Priced, Visit
from checkout.models import Cart
from offers import stock
from offers.lib.errors import InvalidPayload, NotFound, Refusal
from offers.lib.normal_codes import BadCode, normalise_code

MOST_OF_ONE = 99
MOST_LINES = 50
MOST_CODES = 10
LONGEST = 255


class SoldOut(Refusal):
    """There are not that many left."""

    code = "sold_out"


def look(*, visit: Visit, now: datetime) -> Priced:
    """Return the cart as it is now; what no longer applies is taken off it and said once."""
    with transaction.atomic():
        cart = _cart(visit)
        if cart is None:
            return Priced()
        told = list(cart.messages)
        priced = cart_prices.price(visit=visit, quantities=cart.lines, codes=cart.codes, now=now)
        if told or list(priced.codes) != cart.codes or priced.messages:
            cart.messages = []
            _keep(cart, visit, priced, now)
    return _with(priced, [*told, *priced.messages])


def count(*, visit: Visit) -> int:
    """Return how many pieces are in the cart."""
    if not visit.session_hash:
        return 0
    found = Cart.objects.filter(retailer=visit.retailer, session_hash=visit.session_hash).first()
    return sum(found.lines.values()) if found else 0


def subtotal(*, visit: Visit, now: datetime) -> int:
    """Return what is in the cart before codes and shipping, in minor units."""
    found = Cart.objects.filter(retailer=visit.retailer, session_hash=visit.session_hash).first()
    return cart_prices.price(visit=visit, quantities=found.lines, codes=[], now=now).subtotal if found else 0


def add(*, visit: Visit, sku: object, quantity: object, now: datetime) -> Priced:
    """Put so many more into the cart; a negative number takes some out. Refuses `not_found`, `sold_out`."""
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 0 < abs(quantity) <= MOST_OF_ONE:
        raise InvalidPayload(f"quantity should be a whole number from 1 to {MOST_OF_ONE}", field="quantity")
    with transaction.atomic():
        cart = _made(visit, now)
        found = cart_prices.find(retailer_id=visit.retailer.pk, sku=sku)
        if cart_prices.price_of(found) is None:
            raise NotFound("sku", sku)
        name = found.sku or ""
        wanted = max(0, cart.lines.get(name, 0) + quantity)
        left = stock.figures(sku=found, now=now).available
        if quantity > 0 and wanted > left:
            raise SoldOut(f"Only {left} left." if left else "Sold out.", available=left)
        if wanted > MOST_OF_ONE or (name not in cart.lines and len(cart.lines) >= MOST_LINES):
            raise InvalidPayload(f"A cart holds at most {MOST_OF_ONE} of one product", field="quantity")
        cart.lines = {key: value for key, value in {**cart.lines, name: wanted}.items() if value}
        return _repriced(cart, visit, now)


def add_code(*, visit: Visit, code: str, now: datetime) -> Priced:
    """Put a code on the cart, whichever way it came.

    A channel's code needs an authorisation of this visit, asked before anything else about it: refuses
    `code_not_authorized`, the same for one that does not exist. Then the ordinary rules: refuses with the reason's
    own key (`voucher_expired`, ...) and plain words. `code_required`, `bad_code`; `too_many_requests` after many tries.
    """
    if len(code) > LONGEST:
        raise BadCode()
    plain = normalise_code(code)
    bound = session_offers.channel_of(retailer_id=visit.retailer.pk, code=plain) is not None
    wanted = plain if bound else code.strip()
    if bound:
        code_refusals.check(retailer_id=visit.retailer.pk, session_hash=visit.session_hash, now=now)
        session_offers.require_authorized(
            retailer_id=visit.retailer.pk,
            session_hash=visit.session_hash,
            customer_id=visit.customer,
            code=plain,
            now=now,
        )
    with transaction.atomic():
        cart = _made(visit, now)
        priced = cart_prices.price(visit=visit, quantities=cart.lines, codes=cart.codes, now=now)
        if wanted not in priced.codes:
            if len(priced.codes) >= MOST_CODES:
                raise InvalidPayload(f"A cart takes at most {MOST_CODES} codes", field="code")
            _check(visit, cart, priced.codes, wanted, now)
            cart.codes = [*priced.codes, wanted]
        return _repriced(cart, visit, now, told=priced.messages)


def remove_code(*, visit: Visit, code: str, now: datetime) -> Priced:
    """Take a code off the cart, however it is spelt. Refuses `not_found`."""
    with transaction.atomic():
        cart = _cart(visit)
        wanted = {code, code.strip(), normalise_code(code)}
        if cart is None or not wanted & set(cart.codes):
            raise NotFound("code", code[:LONGEST])
        cart.codes = [one for one in cart.codes if one not in wanted]
        return _repriced(cart, visit, now)


def note(*, visit: Visit, message: str, now: datetime) -> None:
    """Keep a message for the next look at the cart."""
    with transaction.atomic():
        cart = _made(visit, now)
        cart.messages = [*cart.messages, message][-5:]
        cart.save(update_fields=["messages"])


def move(*, old: str, new: str) -> None:
    """Take a visit's carts along when signing in changes its session."""
    Cart.objects.filter(session_hash=new).delete()
    Cart.objects.filter(session_hash=old).update(session_hash=new)


def _check(visit: Visit, cart: Cart, codes: Sequence[str], wanted: str, now: datetime) -> None:
    sold = cart_prices.sold_of(visit, cart.lines)
    judged = cart_prices.judge(visit=visit, sold=sold, codes=[*codes, wanted], now=now)
    assert judged is not None
    if judged.fails(wanted):
        raise code_words.refusal(judged.verdicts[wanted], visit.retailer.currency)


def _cart(visit: Visit) -> Cart | None:
    """The visit's cart, its row locked."""
    if not visit.session_hash:
        return None
    rows = Cart.objects.select_for_update().filter(retailer=visit.retailer, session_hash=visit.session_hash)
    return rows.first()


def _made(visit: Visit, now: datetime) -> Cart:
    Cart.objects.get_or_create(retailer=visit.retailer, session_hash=visit.session_hash, defaults={"updated_at": now})
    found = _cart(visit)
    assert found is not None
    return found


def _repriced(cart: Cart, visit: Visit, now: datetime, told: Sequence[str] = ()) -> Priced:
    priced = cart_prices.price(visit=visit, quantities=cart.lines, codes=cart.codes, now=now)
    _keep(cart, visit, priced, now)
    return _with(priced, [*told, *priced.messages])


def _keep(cart: Cart, visit: Visit, priced: Priced, now: datetime) -> None:
    cart.codes = list(priced.codes)
    cart.lines = {sku: quantity for sku, quantity in cart.lines.items() if any(one.sku == sku for one in priced.lines)}
    cart.updated_at = now
    cart.save()
    session_offers.set_on_cart(retailer_id=visit.retailer.pk, session_hash=visit.session_hash, codes=cart.codes)


def _with(priced: Priced, messages: Sequence[str]) -> Priced:
    return replace(priced, messages=tuple(dict.fromkeys(messages)))
