"""The discount object of the POS family: what Lookup, lock and redeem answer and a transaction gives back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from checkout.api.sessionm import scalars
from checkout.offer_pricing import Part
from checkout.shops import Shop
from loyalty.members import shown_id
from offers import offer_texts
from offers.models import UserOffer


def discount(
    entry: UserOffer,
    *,
    shop: Shop,
    status: str,
    culture: str | None,
    amount: int = 0,
    parts: Sequence[Part] = (),
    stack_order: int = 0,
    applied_at: datetime | None = None,
) -> dict[str, Any]:
    """Return the discount object of a wallet entry."""
    default = shop.settings.default_culture
    media = offer_texts.media(entry.offer, culture, default)
    member = getattr(entry.customer, "member", None)
    return {
        "reference_id": str(entry.uuid),
        "user_id": shown_id(member) if member is not None else entry.customer.public_id,
        "reference_id_type": "userofferid",
        "pos_discount_id": entry.offer.discount_config.get("pos_discount_id"),
        "status": status,
        "display_name": offer_texts.text(entry.offer, culture, default)["title"],
        "image_url": (media or {}).get("uri") or None,
        "discounted_line_ids": [part.line_id for part in parts],
        "discounted_line_id_quantities": [{"line_id": part.line_id, "quantity": part.quantity} for part in parts],
        "discount_source": shop.settings.discount_source,
        "amount": scalars.number(amount, shop.currency),
        "stack_order": stack_order,
        "applied_time": scalars.stamp(applied_at),
    }
