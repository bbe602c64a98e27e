"""The demo shop: variants with prices and stock, codes for everybody, and offers shown to single visits."""

from datetime import datetime

from checkout import shop_accounts
from checkout.demo import shelf
from offers import catalogue, channels, stock, vouchers
from offers.lib.actors import SYSTEM
from offers.models import Product, Retailer

PREFIX, FREE_SHIPPING, SAVE = "FP_", "FP_FREESHIP", "SAVE10"
SHOPPER, PASSWORD = "ada@example.com", "demo-shopper"
ON_HAND = {"tent-2": 25, "bag-0": 40, "stove-1": 60, "mug-red": 200, "lamp-1": 80}
FREE_FROM = 5000


def open_shop(acme: Retailer, minimum: str, now: datetime) -> dict[str, str]:
    """Put the products on sale; `minimum` is the rule of SAVE10. Returns how the shopper signs in, and the codes."""
    for source, _, price in shelf.PRODUCTS:
        variant = catalogue.upsert_sku(
            product=Product.objects.get(retailer=acme, source_id=source),
            source_id=source,
            fields={"sku": source, "price": price, "currency": acme.currency},
            actor=SYSTEM,
            now=now,
        )
        stock.set_on_hand(sku=variant, on_hand=ON_HAND[source], now=now, reason="demo")
    _offer(acme, now)
    vouchers.create(
        retailer_id=acme.pk,
        code=SAVE,
        fields={"discount": shelf.amount(1000), "rules": [minimum]},
        actor=SYSTEM,
        now=now,
    )
    shop_accounts.create(retailer_id=acme.pk, email=SHOPPER, password=PASSWORD, now=now)
    return {"SHOPPER_EMAIL": SHOPPER, "SHOPPER_PASSWORD": PASSWORD, "SESSION_CODE": FREE_SHIPPING, "SAVE_CODE": SAVE}


def _offer(acme: Retailer, now: datetime) -> None:
    """Free shipping for visits whose cart comes to 50.00, by a code that works in no other visit."""
    channel = channels.ensure(
        retailer_id=acme.pk, prefix=PREFIX, fields={"name": "Session offers"}, actor=SYSTEM, now=now
    )
    vouchers.create(
        retailer_id=acme.pk,
        code=FREE_SHIPPING,
        channel=channel,
        fields={"discount": {"type": "FREE_SHIPPING"}},
        actor=SYSTEM,
        now=now,
    )
    fields = {
        "name": "Free shipping",
        "text": "For your order in this visit.",
        "code": FREE_SHIPPING,
        "cart_total_min": FREE_FROM,
    }
    channels.create_campaign(retailer_id=acme.pk, channel=channel, fields=fields, actor=SYSTEM, now=now)
