"""Orders from carts: the sums worked out once more, codes used and stock taken, all of it or nothing."""

from datetime import datetime

from django.db import transaction

from checkout import cart_prices, orders, redemption, session_offers
from checkout.cart_prices import Priced, Visit
from checkout.models import Cart, Order
from checkout.redemption import NotRedeemable
from offers import stock
from offers.ledger import holds
from offers.lib.errors import Refusal
from offers.lib.ids import new_id


class EmptyCart(Refusal):
    """There is nothing in the cart."""

    code = "empty_cart"


class TotalChanged(Refusal):
    """The total has changed; please look at it again."""

    code = "total_changed"

    def __init__(self, priced: Priced) -> None:
        super().__init__(total=priced.total)
        self.priced = priced


class OutOfStock(Refusal):
    """Something in the cart was sold out in the meantime; nothing was ordered."""

    code = "sold_out"


def place(*, visit: Visit, total: int, now: datetime) -> tuple[str, int]:
    """Order what is in the cart for the total the shopper was shown; return the order's id and total.

    Sent twice it is one order. Refuses `empty_cart`; `total_changed` with the new total where it is another one by
    now, and then the cart is as it counts now; `sold_out`. Refused, nothing was used or taken.
    """
    changed: Priced | None = None
    with transaction.atomic():
        rows = Cart.objects.select_for_update().filter(retailer=visit.retailer, session_hash=visit.session_hash)
        cart = rows.first() if visit.session_hash else None
        if cart is None or not cart.lines:
            if cart is not None and cart.last_order and cart.last_total == total:
                return cart.last_order, cart.last_total
            raise EmptyCart()
        priced = cart_prices.price(visit=visit, quantities=cart.lines, codes=cart.codes, now=now)
        if priced.total == total and priced.lines:
            try:
                return _ordered(visit, cart, priced, now)
            except NotRedeemable:
                # Somebody used the code up a moment ago, or its authorisation ended.
                priced = cart_prices.price(visit=visit, quantities=cart.lines, codes=cart.codes, now=now)
        changed = priced
        cart.codes = list(priced.codes)
        cart.messages = [*priced.messages]
        cart.save()
        session_offers.set_on_cart(retailer_id=visit.retailer.pk, session_hash=visit.session_hash, codes=cart.codes)
    raise TotalChanged(changed)


def _ordered(visit: Visit, cart: Cart, priced: Priced, now: datetime) -> tuple[str, int]:
    retailer_id, named = visit.retailer.pk, new_id("shop_")
    sold = cart_prices.sold_of(visit, cart.lines)
    if priced.codes:
        asked = cart_prices.ask(visit, sold, priced.codes, order=named, shipping=priced.shipping)
        redemption.redeem(retailer_id=retailer_id, ask=asked, actor=cart_prices.ACTOR, now=now)
        order = orders.get(retailer_id=retailer_id, ident=named)
    else:
        order = _plain(visit, cart, priced, named, now)
    wants = [
        stock.wanted(sku=line.row, quantity=line.quantity, entry=named) for line in priced.lines if line.row is not None
    ]
    try:
        holds.use(retailer_id=retailer_id, wants=wants, reference=named, now=now)
    except holds.Exceeded as short:
        raise OutOfStock(available=short.shortage.available) from short
    cart.lines, cart.codes, cart.messages = {}, [], []
    cart.last_order, cart.last_total, cart.updated_at = order.public_id, priced.total, now
    cart.save()
    return order.public_id, priced.total


def _plain(visit: Visit, cart: Cart, priced: Priced, named: str, now: datetime) -> Order:
    """An order without a code."""
    fields = orders.Fields(
        status=Order.Status.PAID,
        items=[cart_prices.item(sku, quantity) for sku, quantity in cart_prices.sold_of(visit, cart.lines)],
        metadata={"shipping": priced.shipping},
    )
    if visit.customer:
        fields["customer"] = orders.Person(source_id=visit.customer)
    return orders.upsert(
        retailer_id=visit.retailer.pk, source_id=named, fields=fields, actor=cart_prices.ACTOR, now=now
    )
