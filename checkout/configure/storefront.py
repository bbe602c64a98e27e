"""Operations on the demo shop: what it sells, how many there are, and who can sign in."""

from typing import Any
from urllib.parse import quote

from checkout import shipping, shop_accounts
from checkout.configure.scene import ACTOR, Scene, need, text
from offers import catalogue, stock
from offers.lib.errors import InvalidPayload
from offers.models import Sku


def create_product(scene: Scene, fields: dict[str, Any], ident: object) -> dict[str, Any]:
    """Put a product on sale, or change the one with this sku."""
    sku, price = text(fields, "sku"), need(fields, "price", int)
    if not sku.strip() or not 0 <= price <= 10**12:
        raise InvalidPayload("A product has a sku, and a price from 0 in minor units", field="price")
    name = text(fields, "name", default=sku)
    variant = Sku.objects.filter(retailer=scene.retailer, sku=sku).order_by("pk").first()
    product = catalogue.upsert_product(
        retailer_id=scene.retailer.pk,
        ident=variant.product.public_id if variant else None,
        source_id=None if variant else sku,
        fields={"name": name, "price": price},
        actor=ACTOR,
        now=scene.now,
    )
    variant = catalogue.upsert_sku(
        product=product,
        ident=variant.public_id if variant else None,
        source_id=None if variant else sku,
        fields={"sku": sku, "price": price, "currency": scene.retailer.currency},
        actor=ACTOR,
        now=scene.now,
    )
    on_hand = need(fields, "on_hand", int, default=None)
    if on_hand is not None:
        stock.set_on_hand(sku=variant, on_hand=on_hand, now=scene.now, reason="configure")
    return {"id": sku, "url": f"/shop/products/{quote(sku, safe='')}/"}


def set_shipping(scene: Scene, fields: dict[str, Any]) -> dict[str, Any]:
    """Say what shipping an order costs, in minor units."""
    shipping.set_price(retailer_id=scene.retailer.pk, amount=need(fields, "amount", int), actor=ACTOR, now=scene.now)
    return {}


def create_customer(scene: Scene, fields: dict[str, Any], ident: object) -> dict[str, Any]:
    """Make an account of the demo shop."""
    made = shop_accounts.create(
        retailer_id=scene.retailer.pk, email=text(fields, "email"), password=text(fields, "password"), now=scene.now
    )
    return {"id": made.public_id}


def create_stock(scene: Scene, fields: dict[str, Any], ident: object) -> dict[str, Any]:
    """Say how many of a sku came in; a sku that nobody sells yet becomes a product of that name."""
    named = text(fields, "sku")
    variant = Sku.objects.filter(retailer=scene.retailer, sku=named).order_by("pk").first()
    if variant is None:
        create_product(scene, {"sku": named, "price": need(fields, "price", int, default=0)}, None)
        variant = stock.find(retailer_id=scene.retailer.pk, sku=named)
    return _told(stock.set_on_hand(sku=variant, on_hand=need(fields, "on_hand", int), now=scene.now))


def read_stock(scene: Scene, fields: dict[str, Any], ident: object) -> dict[str, Any]:
    """Return the figures of a sku (the operation's id)."""
    found = stock.find(retailer_id=scene.retailer.pk, sku=ident if ident is not None else fields.get("sku"))
    return _told(stock.figures(sku=found, now=scene.now))


def _told(found: stock.Figures) -> dict[str, Any]:
    return {"on_hand": found.on_hand, "held": found.held, "sold": found.sold}
