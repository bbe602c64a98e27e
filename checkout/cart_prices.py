"""What a cart comes to: judged anew at every look by the same engine as everything else, never by a stored price."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from checkout import code_words, session_offers, shipping
from checkout import facts as facts_module
from checkout.asks import Ask, CustomerAsk, ItemAsk, OrderAsk, RedeemableAsk, ShopperAsk
from offers import stock
from offers.evaluation import engine
from offers.evaluation.verdicts import Outcome, Verdict
from offers.lib.actors import Actor
from offers.models import Retailer, Sku

ACTOR = Actor(kind="SYSTEM", ident="shop", label="shop")
FREE_SHIPPING, GIFT = "FREE_SHIPPING", "gift"


@dataclass(frozen=True, slots=True)
class Visit:
    """Whose cart: the shop, what stands for the session, and who is signed in ("" for a guest)."""

    retailer: Retailer
    session_hash: str
    customer: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is sold. `sku` is "" for what a code adds that is no variant."""

    sku: str
    name: str
    quantity: int
    price: int
    amount: int
    row: Sku | None


@dataclass(frozen=True, slots=True)
class Card:
    """A gift card on the cart: what it pays of this order, and what stays on it."""

    code: str
    pays: int
    left: int


@dataclass(frozen=True, slots=True)
class Priced:
    """A cart's lines and sums in minor units, the codes that count, and what became of the others.

    `discount` is everything that codes take off; `cards` says what of it gift cards pay.
    """

    lines: tuple[Line, ...] = ()
    subtotal: int = 0
    discount: int = 0
    shipping: int = 0
    total: int = 0
    codes: tuple[str, ...] = ()
    messages: tuple[str, ...] = field(default=())
    cards: tuple[Card, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the cart as the wire has it."""
        return {
            "items": [
                {
                    "sku": line.sku,
                    "name": line.name,
                    "quantity": line.quantity,
                    "price": line.price,
                    "amount": line.amount,
                }
                for line in self.lines
            ],
            "subtotal": self.subtotal,
            "discount": self.discount,
            "shipping": self.shipping,
            "total": self.total,
            "codes": [self._code(code) for code in self.codes],
            "messages": list(self.messages),
        }

    def _code(self, code: str) -> dict[str, Any]:
        card = next((one for one in self.cards if one.code == code), None)
        return {"code": code} | ({"gift_card": {"pays": card.pays, "left": card.left}} if card else {})


@dataclass(frozen=True, slots=True)
class Judged:
    """The engine's word on some codes for some lines."""

    outcome: Outcome
    verdicts: dict[str, Verdict]

    def fails(self, code: str) -> bool:
        return not self.verdicts[code].applicable


def price(*, visit: Visit, quantities: dict[str, int], codes: Sequence[str], now: datetime) -> Priced:
    """Return what it comes to now. Codes that no longer apply, and what is no longer sold, go with a message."""
    sold, messages = _sold(visit, quantities)
    kept = _permitted(visit, codes, now)
    messages += [f"{code} was removed. {code_words.NOT_HERE}" for code in codes if code not in kept]
    judged = judge(visit=visit, sold=sold, codes=kept, now=now)
    while judged and (lost := _first_to_go(judged, kept)):
        messages.append(f"{lost} was removed. {code_words.why(judged.verdicts[lost], visit.retailer.currency)}")
        kept = [code for code in kept if code != lost]
        judged = judge(visit=visit, sold=sold, codes=kept, now=now)
    return _summed(visit, sold, kept, judged, messages)


def judge(*, visit: Visit, sold: Sequence[tuple[Sku, int]], codes: Sequence[str], now: datetime) -> Judged | None:
    """Return the engine's word on these codes; None where there is none to judge.

    Gift cards pay what is left after everything that makes it less, whichever was put on first.
    """
    if not codes:
        return None
    facts = facts_module.gather(
        retailer_id=visit.retailer.pk, ask=ask(visit, sold, codes), reference="", actor=ACTOR, now=now
    )
    asked = sorted(facts.context.redeemables, key=lambda one: one.kind == GIFT)
    outcome = engine.evaluate(replace(facts.context, redeemables=tuple(asked)))
    return Judged(outcome, {one.redeemable.id: one for one in outcome.verdicts})


def ask(
    visit: Visit, sold: Sequence[tuple[Sku, int]], codes: Sequence[str], *, order: str = "", shipping: int = 0
) -> Ask:
    """Return what a shop asks about this cart; with `order` it is the paid order of that name."""
    items = [item(sku, quantity) for sku, quantity in sold]
    wanted = OrderAsk(items=items) if items else OrderAsk(amount=0)
    if order:
        wanted = OrderAsk(source_id=order, status="PAID", items=items, metadata={"shipping": shipping})
    return Ask(
        redeemables=[RedeemableAsk(id=code) for code in codes],
        order=wanted,
        customer=CustomerAsk(source_id=visit.customer, email=visit.email or None) if visit.customer else None,
        shopper=ShopperAsk(session_fingerprint=visit.session_hash),
    )


def item(sku: Sku, quantity: int) -> ItemAsk:
    return ItemAsk(sku_id=sku.public_id, product_id=sku.product.public_id, quantity=quantity, price=price_of(sku) or 0)


def price_of(sku: Sku) -> int | None:
    """Return what one costs; None: it is not for sale."""
    return sku.product.price if sku.price is None else sku.price


def find(*, retailer_id: int, sku: object) -> Sku:
    """Return what is sold under this sku. Refuses `not_found`."""
    return stock.find(retailer_id=retailer_id, sku=sku)


def sold_of(visit: Visit, quantities: dict[str, int]) -> list[tuple[Sku, int]]:
    return _sold(visit, quantities)[0]


def _sold(visit: Visit, quantities: dict[str, int]) -> tuple[list[tuple[Sku, int]], list[str]]:
    rows = Sku.objects.filter(retailer=visit.retailer, sku__in=list(quantities)).select_related("product")
    found = {row.sku: row for row in rows.order_by("-pk") if price_of(row) is not None}
    gone = [f"{sku} is no longer sold." for sku in quantities if sku not in found]
    return [(found[sku], quantity) for sku, quantity in quantities.items() if sku in found], gone


def _permitted(visit: Visit, codes: Sequence[str], now: datetime) -> list[str]:
    """The codes that need no authorisation or have one."""
    bound = [code for code in codes if session_offers.channel_of(retailer_id=visit.retailer.pk, code=code)]
    if not bound:
        return list(codes)
    held = session_offers.permitted(
        retailer_id=visit.retailer.pk,
        session_hash=visit.session_hash,
        customer_key=visit.customer,
        codes=bound,
        now=now,
    )
    return [code for code in codes if code not in bound or code in held]


def _first_to_go(judged: Judged, codes: Sequence[str]) -> str | None:
    failing = [code for code in codes if judged.fails(code)]
    inapplicable = [code for code in failing if judged.verdicts[code].status == "INAPPLICABLE"]
    return next(iter(inapplicable or failing), None)


def _summed(
    visit: Visit, sold: list[tuple[Sku, int]], codes: list[str], judged: Judged | None, messages: list[str]
) -> Priced:
    totals = judged.outcome.order if judged else None
    items = totals.items if totals else ()
    lines = []
    for at, (sku, quantity) in enumerate(sold):
        each = price_of(sku) or 0
        count = items[at].quantity if at < len(items) else quantity
        lines.append(Line(sku.sku or "", sku.product.name or sku.sku or "", count, each, each * count, sku))
    for one in items[len(sold) :]:
        name = one.line.sku_name or one.line.product_name or "Gift"
        lines.append(Line("", name, one.quantity, one.price or 0, one.amount, None))
    subtotal = totals.amount if totals else sum(line.amount for line in lines)
    discount = totals.total_discount_amount if totals else 0
    applied = judged.outcome.applicable if judged else ()
    free = any(one.redeemable.discount is not None and one.redeemable.discount.type == FREE_SHIPPING for one in applied)
    cards = tuple(
        Card(one.redeemable.id, one.credits, (one.gift_balance or 0) - one.credits)
        for one in applied
        if one.redeemable.kind == GIFT
    )
    # As they were judged, so that the order uses them as the shopper saw it.
    codes = [one.redeemable.id for one in applied if one.redeemable.id in codes] if judged else codes
    costs = 0 if free or not lines else shipping.price_of(visit.retailer)
    total = subtotal - discount + costs
    return Priced(tuple(lines), subtotal, discount, costs, total, tuple(codes), tuple(messages), cards)
