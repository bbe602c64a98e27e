"""A fortnight of history: shoppers who redeemed, were refused, gave back, and a few carts that hold codes right now."""

from datetime import datetime, timedelta
from random import Random

from checkout import redemption, rollback, validation
from checkout.asks import Ask, CustomerAsk, GiftAsk, ItemAsk, OrderAsk, RedeemableAsk, SessionAsk
from checkout.demo.shelf import PRODUCTS, WELCOME
from offers import customers
from offers.lib.actors import SYSTEM, Actor
from offers.models import Retailer, Voucher

DAYS = 14
NAMES = [
    "Ada Lind",
    "Ben Okafor",
    "Chloé Martin",
    "Dmitri Volkov",
    "Elif Kaya",
    "Farid Haddad",
    "Grace Kim",
    "Hugo Silva",
]


def live(acme: Retailer, caller: Actor, now: datetime) -> None:
    """Play the shoppers; the same ones every time, as of `now`."""
    dice = Random(7)
    for number, name in enumerate(NAMES):
        level = "gold" if number % 3 == 0 else "blue"
        email = f"{name.split()[0].lower()}@example.com"
        customers.upsert(
            retailer_id=acme.pk,
            source_id=f"shopper-{number + 1}",
            fields={"name": name, "email": email, "metadata": {"level": level}},
            actor=SYSTEM,
            now=now - timedelta(days=DAYS),
        )
    codes = Voucher.objects.filter(retailer=acme, code__startswith="SPRING-").order_by("id")
    spring = list(codes.values_list("code", flat=True)[:63])
    for step in range(70):
        when = now - timedelta(days=DAYS) + timedelta(minutes=276 * step + dice.randrange(60))
        code = dice.choice([WELCOME, WELCOME, "GOLD15", "ONCE5", "FLASH25", "FREEMUG", spring[step % 60]])
        _shop(acme, caller, dice, code, when, number=step)
    _hold(acme, caller, spring[-3:], now)


def _shop(acme: Retailer, caller: Actor, dice: Random, code: str, when: datetime, *, number: int) -> None:
    source, _, price = dice.choice(PRODUCTS)
    item = ItemAsk(source_id=source, related_object="product", quantity=dice.randrange(1, 4), price=price)
    ask = Ask(
        redeemables=[RedeemableAsk(id=code)],
        order=OrderAsk(source_id=f"order-{1000 + number}", items=[item]),
        customer=CustomerAsk(source_id=f"shopper-{dice.randrange(1, len(NAMES) + 1)}"),
    )
    try:
        done = redemption.redeem(retailer_id=acme.pk, ask=ask, actor=caller, now=when)
    except redemption.NotRedeemable:
        return  # refused and recorded: history has those too
    if dice.randrange(12) == 0:
        rollback.roll_back(
            retailer_id=acme.pk,
            redemption_public_id=done.rows[0].public_id,
            reason="Goods returned",
            actor=caller,
            now=when + timedelta(hours=2),
        )


def _hold(acme: Retailer, caller: Actor, codes: list[str], now: datetime) -> None:
    for number, code in enumerate(codes):
        ask = Ask(
            redeemables=[RedeemableAsk(id=code)],
            order=OrderAsk(amount=12000 + 500 * number),
            customer=CustomerAsk(source_id=f"shopper-{number + 1}"),
            session=SessionAsk(type="LOCK", key=f"cart-demo-{number + 1}", ttl=4 + number, ttl_unit="HOURS"),
        )
        validation.validate(retailer_id=acme.pk, ask=ask, actor=caller, now=now)
    card = Ask(
        redeemables=[RedeemableAsk(id="GIFT-DEMO-CARD-50", gift=GiftAsk(credits=1500))],
        order=OrderAsk(amount=8900),
        session=SessionAsk(type="LOCK", key="cart-demo-gift", ttl=1, ttl_unit="DAYS"),
    )
    validation.validate(retailer_id=acme.pk, ask=card, actor=caller, now=now)
