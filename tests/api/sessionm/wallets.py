"""Offers, members and wallet entries for tests, and baskets as tills send them."""

from typing import Any

from loyalty import members
from loyalty.models import Member
from offers import offer_templates, user_offers
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.models import Offer, Product, Retailer, UserOffer

# The seed's own sample; its tax is spelled as there.
SEED_TRANSACTION: dict[str, Any] = {
    "pos_employee_id": "1000",
    "table_id": "12",
    "channel": "STORE",
    "transaction_id": "3b0bdfb0-8c40-4960-bcf1-3b31627a7e83",
    "guest_count": "1",
    "subtotal": "11.77",
    "TaxTotal": ".77",
    "open_time": "2018-06-10 9:20:00.000",
    "modified_time": "2018-06-10 9:30:00.000",
    "items": [
        {
            "line_id": "0",
            "item_id": "1",
            "quantity": "1",
            "unit_price": "10",
            "subtotal": "10",
            "tax_included": ".70",
            "modifies_line_id": "",
        },
        {
            "line_id": "1",
            "item_id": "2",
            "quantity": "1",
            "unit_price": "1",
            "subtotal": "1",
            "tax_included": ".07",
            "modifies_line_id": "0",
        },
    ],
    "discounts": [],
    "payments": [],
}


def offer(shop: Retailer, offer_type: str = "percent_check_discount", **fields: Any) -> Offer:
    """Publish an offer in the words of the wire; 10 % off the check unless said otherwise."""
    if offer_type == "percent_check_discount":
        fields.setdefault("discount_config", {"percent": "10"})
    body = {
        "offer_type": offer_type,
        "publish": True,
        "text_config": [{"title": "$20 coupon", "culture": "en"}, {"title": "Gutschein", "culture": "de"}],
        "common_config": {"validity_unit": "days", "validity_period": 10, **fields.pop("common", {})},
        **fields,
    }
    return offer_templates.create(retailer_id=shop.pk, body=body, actor=SYSTEM, now=clock.now()).offer


def member(shop: Retailer, **fields: Any) -> Member:
    return members.create(retailer_id=shop.pk, actor=SYSTEM, now=clock.now(), **fields)


def issue(one: Offer, whose: Member, **fields: Any) -> UserOffer:
    [entry] = user_offers.issue(
        retailer_id=one.retailer_id,
        offer=one,
        customer_id=whose.customer_id,
        actor=SYSTEM,
        now=clock.now(),
        **fields,
    )
    return entry


def in_wallet(shop: Retailer, offer_type: str = "percent_check_discount", **fields: Any) -> UserOffer:
    """Return an entry of a new offer in a new member's wallet."""
    return issue(offer(shop, offer_type, **fields), member(shop))


def product(shop: Retailer, item_id: str, **facts: Any) -> Product:
    return Product.objects.create(retailer=shop, source_id=item_id, metadata=facts)


def basket(*amounts: str, transaction_id: str = "t1", **fields: Any) -> dict[str, Any]:
    """Return an open check with a line for every amount; item ids are i0, i1, ..."""
    lines = [
        {"line_id": str(at), "item_id": f"i{at}", "quantity": "1", "unit_price": amount, "subtotal": amount}
        for at, amount in enumerate(amounts)
    ]
    return {"transaction_id": transaction_id, "channel": "STORE", "items": lines, **fields}


def asks(entry: UserOffer, transaction: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the payload of a lock or redeem."""
    return {
        "offer_lookup_code": str(entry.uuid),
        "offer_lookup_type": "userofferid",
        "transaction": transaction,
        **fields,
    }
