"""Writes offers and wallet entries as the wire shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from checkout.api.sessionm import scalars
from checkout.shops import Shop
from offers import offer_templates, offer_terms, offer_texts, wallets
from offers.models import Offer, UserOffer

MONEY = ("amount", "max_amount", "min_spend", "set_price")


def change(made: offer_templates.Change, status: int | None = None) -> dict[str, Any]:
    """Return the answer to create, update and the changes of status."""
    return {
        "offer_id": str(made.offer.uuid),
        "root_offer_id": str(made.offer.root),
        "validation_errors": {},
        "revisioned": made.revisioned,
        "new_status": made.offer.status if status is None else status,
        "state_transition": made.transition,
    }


def refused(errors: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what stands beside the errors when the terms of an offer are not valid."""
    return {
        "offer_id": None,
        "root_offer_id": None,
        "validation_errors": errors,
        "revisioned": False,
        "new_status": None,
        "state_transition": "",
    }


def offer(row: Offer, *, shop: Shop, culture: str | None, now: datetime) -> dict[str, Any]:
    """Return an offer with its texts, the one for the culture first."""
    chosen = offer_texts.text(row, culture, shop.settings.default_culture)
    others = [text for text in row.texts if text["id"] != chosen["id"]]
    picture = offer_texts.media(row, culture, shop.settings.default_culture)
    pictures = [picture, *(media for media in row.media if media is not picture)] if picture else []
    start, end = scalars.stamp(row.acquisition_start_at), scalars.stamp(row.acquisition_end_at)
    return {
        "offer_type_id": row.offer_type,
        "id": str(row.uuid),
        "root_offer_id": str(row.root),
        "retailer_id": str(shop.uuid),
        "title": chosen["title"],
        "status": offer_templates.status_of(row, now),
        "acquisition_start_date": start,
        "acquisition_end_date": end,
        "validity_period": row.validity_period,
        "validity_unit": row.validity_unit,
        "reward_store": row.reward_store,
        "custom_data": row.custom_data or None,
        "requires_extended_data": row.requires_extended_data,
        "all_items_eligible": not row.catalog_restrictions and row.offer_type != "manual_fulfillment",
        "parent_offer_ids": [],
        "check_level": row.offer_type in offer_terms.CHECK_TYPES,
        "offer_text": [_text(row, text) for text in ([chosen, *others] if row.texts else [])],
        "offer_media": [{**media, "offer_id": str(row.uuid)} for media in pictures],
        "start_date": start,
        "end_date": end,
        "valid_after_end_date": row.valid_after_end_date,
        "does_not_expire": row.does_not_expire,
        "key": row.key,
        "points_cost": row.points_cost,
        "stackable": row.stackable,
        "stack_group": row.stack_group,
        "discount_config": _major(row.discount_config, shop.currency),
        "use_restrictions": row.use_restrictions,
        "purchase_restrictions": [_major(line, shop.currency) for line in row.purchase_restrictions],
        "catalog_restrictions": row.catalog_restrictions,
        "location_restrictions": row.location_restrictions,
    }


def entry(
    row: UserOffer, *, shop: Shop, user_id: str, culture: str | None, now: datetime, status: int | None = None
) -> dict[str, Any]:
    """Return a wallet entry as wallet and history show it."""
    status = wallets.status_of(row, now) if status is None else status
    text = offer_texts.text(row.offer, culture, shop.settings.default_culture)
    picture = offer_texts.media(row.offer, culture, shop.settings.default_culture)
    return {
        "title": text["title"],
        "description": text["description"],
        "terms": text["terms"],
        "user_offer_id": str(row.uuid),
        "offer_id": str(row.offer.uuid),
        "root_offer_id": str(row.offer.root),
        "offer_type": row.offer.offer_type,
        "user_id": user_id,
        "acquire_date": scalars.stamp(row.acquired_at),
        "redemption_start_date": scalars.stamp(row.starts_at),
        "redemption_end_date": scalars.stamp(row.ends_at),
        "status": status,
        "status_description": UserOffer.Status(status).label,
        "culture": text["culture"],
        "media_uri": picture["uri"] if picture else "",
        "media_culture": picture["culture"] if picture else "",
        "custom_data": row.custom_data or row.offer.custom_data or None,
        "source": row.source,
    }


def brief(row: UserOffer, *, user_id: str, now: datetime) -> dict[str, Any]:
    """Return the answer to a change of one entry."""
    status = wallets.status_of(row, now)
    return {
        "user_id": user_id,
        "user_offer_id": str(row.uuid),
        "offer_id": str(row.offer.uuid),
        "root_offer_id": str(row.offer.root),
        "acquire_date": scalars.stamp(row.acquired_at),
        "redemption_start_date": scalars.stamp(row.starts_at),
        "redemption_end_date": scalars.stamp(row.ends_at),
        "status": status,
        "status_description": UserOffer.Status(status).label,
        "custom_data": row.custom_data or None,
    }


def _text(row: Offer, text: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": text["id"],
        "offer_id": str(row.uuid),
        "culture": text["culture"],
        "title": text["title"],
        "description": text["description"],
        "terms": text["terms"],
    }


def _major(terms: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Return terms with money as the decimals the wire speaks."""
    return {
        name: scalars.number(value, currency) if name in MONEY and type(value) is int else value
        for name, value in terms.items()
    }
