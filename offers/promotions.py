"""Promotion tiers: discounts without a code, in an order within their campaign."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypedDict

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from offers import audit, rules, windows, worth
from offers.lib import lookups, metadata
from offers.lib.actors import Actor
from offers.lib.errors import NotFound, Refusal
from offers.models import Campaign, Category, PromotionTier
from offers.outbox import events

ORDERS = ("created_at", "updated_at")
PLAIN = ("name", "banner", "hierarchy", "active", "start_date", "expiration_date")
CHECKED: dict[str, Callable[[Any], Any]] = {
    "discount": lambda raw: worth.discount(raw, ".action.discount"),
    "validity_timeframe": windows.timeframe,
    "validity_day_of_week": windows.days_of_week,
    "validity_hours": windows.hours,
}
AUDITED = (*PLAIN, *CHECKED, "category_id")


class NotAPromotion(Refusal):
    """Only a campaign of the type PROMOTION has tiers."""

    code = "invalid_campaign"


class Fields(TypedDict, total=False):
    """What a caller may set of a tier; a key left out stays as it is, None clears. `discount` as the wire has it."""

    name: str | None
    banner: str | None
    discount: Any
    hierarchy: int
    active: bool
    start_date: datetime | None
    expiration_date: datetime | None
    validity_timeframe: Any
    validity_day_of_week: Any
    validity_hours: Any
    metadata: dict[str, Any] | None
    category: str | None  # its id or name


def find_campaign(*, retailer_id: int, ident: str) -> Campaign:
    """Return the campaign with this id or name. Refuses `not_found`."""
    campaign = lookups.by_ident(Campaign.objects.filter(retailer_id=retailer_id, deleted_at=None), ident, other="name")
    if campaign is None:
        raise NotFound("campaign", ident)
    return campaign


def get(*, retailer_id: int, ident: str) -> PromotionTier:
    """Return the tier with this id. Refuses `not_found`."""
    return _found(_tiers(retailer_id), ident)


def search(
    *, retailer_id: int, available_at: datetime | None = None, order: str = "-created_at"
) -> QuerySet[PromotionTier]:
    """Return the retailer's tiers, ordered by one of ORDERS (- for descending).

    With `available_at` only those that are active and in time at that moment, and whose campaign is.
    """
    rows = _tiers(retailer_id)
    if available_at is not None:
        for place in ("", "campaign__"):
            rows = rows.filter(
                Q(**{f"{place}start_date": None}) | Q(**{f"{place}start_date__lte": available_at}),
                Q(**{f"{place}expiration_date": None}) | Q(**{f"{place}expiration_date__gt": available_at}),
                **{f"{place}active": True},
            )
    return lookups.ordered(rows, order)


def of(*, campaign: Campaign) -> QuerySet[PromotionTier]:
    """Return a campaign's tiers in the order they apply."""
    return _tiers(campaign.retailer_id).filter(campaign=campaign).order_by("hierarchy", "id")


def create(
    *, campaign: Campaign, fields: Fields, actor: Actor, now: datetime, rule_idents: list[str] | None = None
) -> PromotionTier:
    """Add a tier; without a `hierarchy` it becomes the last. Locks the campaign.

    Refuses `invalid_campaign` when the campaign is no promotion, `invalid_payload` for a discount or window that can't
    be, `not_found` for an unknown category or rule.
    """
    if campaign.campaign_type != Campaign.CampaignType.PROMOTION:
        raise NotAPromotion(resource_id=campaign.public_id, resource_type="campaign")
    tier = PromotionTier(retailer_id=campaign.retailer_id, campaign=campaign)
    _apply(tier, {"discount": None, **fields})
    with transaction.atomic():
        Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        if "hierarchy" not in fields:
            last = PromotionTier.objects.filter(campaign=campaign).aggregate(last=Max("hierarchy"))["last"]
            tier.hierarchy = (last or 0) + 1
        tier.save(force_insert=True)
        _record(tier, "promotion_tier.create", actor, now, after=_audited(tier))
        _tell(tier, "promotion_tier.create", actor, now)
        if rule_idents:
            rules.attach(target=tier, rule_idents=rule_idents, actor=actor, now=now)
    return tier


def update(
    *,
    retailer_id: int,
    ident: str,
    fields: Fields,
    actor: Actor,
    now: datetime,
    rule_idents: list[str] | None = None,
    action: str = "promotion_tier.update",
    reason: str = "",
) -> PromotionTier:
    """Change the sent fields; the next request gets the new tier. Refuses as `create` does; locks the tier."""
    with transaction.atomic():
        tier = _found(_tiers(retailer_id).select_for_update(of=("self",)), ident)
        before = _audited(tier)
        _apply(tier, dict(fields))
        tier.updated_at = now
        tier.save()
        old, new = audit.changes(before, _audited(tier))
        if new:
            _record(tier, action, actor, now, before=old, after=new, reason=reason)
        _tell(tier, action, actor, now)
        if rule_idents:
            rules.attach(target=tier, rule_idents=rule_idents, actor=actor, now=now)
    return tier


def enable(*, retailer_id: int, ident: str, actor: Actor, now: datetime, reason: str = "") -> PromotionTier:
    """Switch a tier on. Refuses `not_found`."""
    return update(
        retailer_id=retailer_id,
        ident=ident,
        fields={"active": True},
        actor=actor,
        now=now,
        action="promotion_tier.enable",
        reason=reason,
    )


def disable(*, retailer_id: int, ident: str, actor: Actor, now: datetime, reason: str = "") -> PromotionTier:
    """Switch a tier off. Refuses `not_found`."""
    return update(
        retailer_id=retailer_id,
        ident=ident,
        fields={"active": False},
        actor=actor,
        now=now,
        action="promotion_tier.disable",
        reason=reason,
    )


def delete(*, retailer_id: int, ident: str, actor: Actor, now: datetime) -> None:
    """Take a tier away with its rule assignments; the redemptions it had stay. Refuses `not_found`."""
    with transaction.atomic():
        tier = _found(_tiers(retailer_id).select_for_update(of=("self",)), ident)
        rules.detach(target=tier)
        before = _audited(tier)
        tier.active = False
        tier.deleted_at = tier.updated_at = now
        tier.save(update_fields=["active", "deleted_at", "updated_at"])
        _record(tier, "promotion_tier.delete", actor, now, before=before)
        _tell(tier, "promotion_tier.delete", actor, now)


def _tiers(retailer_id: int) -> QuerySet[PromotionTier]:
    rows = PromotionTier.objects.filter(retailer_id=retailer_id, campaign__deleted_at=None)
    return rows.select_related("campaign", "campaign__category", "category")


def _found(rows: QuerySet[PromotionTier], ident: str) -> PromotionTier:
    tier = lookups.by_ident(rows, ident, other="public_id")
    if tier is None:
        raise NotFound("promotion_tier", ident)
    return tier


def _apply(tier: PromotionTier, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if name in PLAIN:
            setattr(tier, name, value)
        elif name in CHECKED:
            setattr(tier, name, CHECKED[name](value))
    if "metadata" in fields:
        tier.metadata = metadata.merged(tier.metadata, fields["metadata"])
    if "category" in fields:
        tier.category = _category(tier.retailer_id, fields["category"])
    windows.together({name: getattr(tier, name) for name in windows.FIELDS})


def _category(retailer_id: int, ident: str | None) -> Category | None:
    if not ident:
        return None
    category = lookups.by_ident(Category.objects.filter(retailer_id=retailer_id), ident, other="name")
    if category is None:
        raise NotFound("category", ident)
    return category


def _audited(tier: PromotionTier) -> dict[str, Any]:
    values = {name: getattr(tier, name) for name in AUDITED}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _tell(tier: PromotionTier, action: str, actor: Actor, now: datetime) -> None:
    data = {"id": tier.public_id, "name": tier.name, "object": "promotion_tier"}
    kind = f"campaign.{action}d"  # promotion_tier.create -> campaign.promotion_tier.created
    events.record(retailer_id=tier.retailer_id, type=kind, data=data, now=now, actor=actor)


def _record(tier: PromotionTier, action: str, actor: Actor, now: datetime, **values: Any) -> None:
    audit.record(
        retailer_id=tier.retailer_id,
        actor=actor,
        action=action,
        object_type="promotion_tier",
        object_id=tier.public_id,
        now=now,
        **values,
    )
