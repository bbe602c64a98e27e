"""Vouchers: made, changed, switched, deleted, found."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from offers import audit, categories, channels, codes, rules, windows, worth
from offers.ledger import counters, holds
from offers.lib import ids, lookups, metadata
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, NotFound, Refusal
from offers.models import Campaign, Channel, Voucher
from offers.outbox import events

USES, CUSTOMER_USES, CREDITS = "voucher.uses", "voucher.customer_uses", "voucher.credits"
ORDERS = ("created_at", "-created_at", "updated_at", "-updated_at", "code", "-code")
DRAWS = 50
CARDS = (Voucher.Type.GIFT, Voucher.Type.LOYALTY)  # kinds that hold something, counted by CREDITS
TYPE_OF: Mapping[str, Voucher.Type] = {
    Campaign.CampaignType.DISCOUNT_COUPONS: Voucher.Type.DISCOUNT,
    Campaign.CampaignType.GIFT_VOUCHERS: Voucher.Type.GIFT,
    Campaign.CampaignType.LOYALTY_PROGRAM: Voucher.Type.LOYALTY,
}
CARD_CAMPAIGNS = frozenset(kind for kind, made in TYPE_OF.items() if made in CARDS)
LIMITS = ("redemption_limit", "customer_limit", "hot")
PLAIN = ("active", "additional_info")


class InvalidVoucher(Refusal):
    """The voucher cannot be like this."""

    code = "invalid_voucher"


class InvalidCampaign(Refusal):
    """The campaign does not allow this."""

    code = "invalid_campaign"


class Fields(TypedDict, total=False):
    """What a caller may set. A key left out means the default or, in a change, as it is; None clears."""

    type: str
    discount: Mapping[str, Any] | None
    gift: Mapping[str, Any] | None
    loyalty_card: Mapping[str, Any] | None
    redemption_limit: int | None
    customer_limit: int | None
    hot: bool
    category: str | None
    start_date: datetime | None
    expiration_date: datetime | None
    validity_timeframe: Mapping[str, Any] | None
    validity_day_of_week: list[int] | None
    validity_hours: Mapping[str, Any] | None
    active: bool
    additional_info: str | None
    metadata: dict[str, Any] | None
    rules: list[str]


def get(*, retailer_id: int, ident: str, for_update: bool = False) -> Voucher:
    """Return the voucher with this code or id, whose campaign is at hand. Refuses `not_found`."""
    rows = Voucher.objects.filter(retailer_id=retailer_id, deleted_at__isnull=True)
    rows = rows.select_for_update(of=("self",)) if for_update else rows
    voucher = lookups.by_ident(rows.select_related("campaign", "category", "holder"), ident, other="code")
    if voucher is None:
        raise NotFound("voucher", ident)
    return voucher


def create(
    *,
    retailer_id: int,
    actor: Actor,
    now: datetime,
    fields: Fields,
    code: str | None = None,
    code_config: object = None,
    campaign: Campaign | None = None,
    channel: Channel | None = None,
) -> Voucher:
    """Make one voucher, of its own, of a STANDALONE campaign, or a card of a loyalty program; its code may be random.

    Refuses `invalid_payload`, `invalid_voucher`, `invalid_campaign`, `invalid_code_config`, `not_found` (category,
    rule), `duplicate_found`, also for the code of a deleted voucher, and `prefix_reserved` for a code that begins like
    those of a channel of session offers but is not made for that `channel`.
    """
    if fields.get("type") == Voucher.Type.LOYALTY and campaign is None:
        raise InvalidCampaign("A LOYALTY_CARD needs the campaign of a LOYALTY_PROGRAM")
    if campaign is not None and not _takes_one(campaign):
        raise InvalidCampaign("Only a STANDALONE campaign takes a single voucher; add codes to this campaign instead")
    if code is not None:
        codes.check(code)
        channels.guard(retailer_id=retailer_id, codes=[code], channel=channel)
    voucher = template(retailer_id=retailer_id, campaign=campaign, fields=fields, now=now)
    if campaign is None and not (voucher.discount or voucher.gift_amount is not None):
        kind = "gift" if voucher.type == Voucher.Type.GIFT else "discount"
        raise InvalidVoucher(f"A {voucher.type} needs a '{kind}'")
    with transaction.atomic():
        if campaign is not None:
            _join(campaign)
        insert(voucher, code=code, code_config=code_config)
        rules.attach(target=voucher, rule_idents=fields.get("rules") or [], actor=actor, now=now)
        _note(voucher, "voucher.create", actor, now, after=_money(voucher))
        _tell(voucher, "created", actor, now)
    return voucher


def template(*, retailer_id: int, campaign: Campaign | None, fields: Fields, now: datetime) -> Voucher:
    """Return an unsaved voucher without a code: the campaign's terms, and what the caller says over them.

    Limits and gift amount are copied; a discount stays null as long as it is the campaign's.
    """
    voucher = Voucher(retailer_id=retailer_id, campaign=campaign, created_at=now)
    if campaign is not None:
        voucher.type = TYPE_OF.get(campaign.campaign_type, Voucher.Type.DISCOUNT)
        for name in ("gift_amount", "gift_effect", *LIMITS):
            setattr(voucher, name, getattr(campaign, name))
    kind = fields.get("type")
    if kind is not None:
        if kind not in Voucher.Type.values:
            raise InvalidVoucher("type should be DISCOUNT_VOUCHER, GIFT_VOUCHER or LOYALTY_CARD")
        if campaign is not None and kind != voucher.type:
            raise InvalidVoucher(f"The vouchers of this campaign are of type {voucher.type}")
        voucher.type = Voucher.Type(kind)
    if voucher.type == Voucher.Type.GIFT:
        if fields.get("gift") is not None:
            voucher.gift_amount, voucher.gift_effect = worth.gift(fields["gift"])
    elif voucher.type == Voucher.Type.LOYALTY:
        if fields.get("loyalty_card") is not None:
            voucher.gift_amount = worth.loyalty_card(fields["loyalty_card"])
    elif fields.get("discount") is not None:
        voucher.discount = worth.discount(fields["discount"])
    _apply(voucher, fields)
    return voucher


def insert(voucher: Voucher, *, code: str | None, code_config: object = None) -> None:
    """Save a new voucher under its code or a random free one.

    Refuses `duplicate_found`, `invalid_code_config`, and `prefix_reserved` for random codes like a channel's.
    """
    if code is not None:
        if not _saved(voucher, code):
            raise Duplicate(resource_id=code, resource_type="voucher")
        return
    base = voucher.campaign.code_config if voucher.campaign else None
    config = codes.config(code_config, valuable=voucher.type in CARDS, base=base)
    free = channels.unreserved(retailer_id=voucher.retailer_id, codes=codes.draw(config, DRAWS))
    if not free:
        raise channels.PrefixReserved("Codes with these settings belong to a channel of session offers")
    if not any(_saved(voucher, drawn) for drawn in free):
        raise codes.InvalidCodeConfig(f"{DRAWS} random codes were all taken: make the code longer")


def update(*, retailer_id: int, ident: str, actor: Actor, now: datetime, fields: Fields, reason: str = "") -> Voucher:
    """Change the sent fields; metadata key by key. Locks the voucher. New limits reach the ledger and the audit trail.

    Refuses `not_found`, `invalid_payload`, and `invalid_voucher` for another type or another discount type.
    """
    with transaction.atomic():
        voucher = get(retailer_id=retailer_id, ident=ident, for_update=True)
        before = _money(voucher)
        if fields.get("type") not in {None, voucher.type}:
            raise InvalidVoucher(
                "The type of a voucher cannot be changed", resource_id=voucher.code, resource_type="voucher"
            )
        if fields.get("discount") is not None:
            voucher.discount = _same_kind(voucher, worth.discount(fields["discount"]))
        _apply(voucher, fields)
        voucher.updated_at = now
        voucher.save()
        change_limits(voucher, before=before, now=now)
        _note_change(voucher, "voucher.update", actor, now, before, reason)
        _tell(voucher, "updated", actor, now)
    return voucher


def switch(*, retailer_id: int, ident: str, active: bool, actor: Actor, now: datetime, reason: str = "") -> Voucher:
    """Enable or disable a voucher; to what it is already is fine. Refuses `not_found`."""
    with transaction.atomic():
        voucher = get(retailer_id=retailer_id, ident=ident, for_update=True)
        if voucher.active != active:
            voucher.active, voucher.updated_at = active, now
            voucher.save(update_fields=["active", "updated_at"])
            action = "voucher.enable" if active else "voucher.disable"
            what = {"before": {"active": not active}, "after": {"active": active}, "reason": reason}
            _note(voucher, action, actor, now, **what)
            _tell(voucher, "enabled" if active else "disabled", actor, now)
    return voucher


def delete(*, retailer_id: int, ident: str, actor: Actor, now: datetime, force: bool = False) -> None:
    """Delete a voucher: nothing finds it any more, its row stays for the history. Refuses `not_found`.

    The code keeps its place, so that an old receipt never comes to point to somebody else's code; `force` frees the
    code of a voucher that was never locked or redeemed.
    """
    with transaction.atomic():
        voucher = get(retailer_id=retailer_id, ident=ident, for_update=True)
        _note(voucher, "voucher.delete", actor, now, before={"code": voucher.code, **_money(voucher)})
        _tell(voucher, "deleted", actor, now)
        voucher.deleted_at = voucher.updated_at = now
        if force and not counters.states(kinds=[USES, CUSTOMER_USES, CREDITS], owners=[voucher.pk], now=now):
            voucher.code = f"deleted:{voucher.public_id}"
        voucher.save(update_fields=["deleted_at", "updated_at", "code"])
        if voucher.campaign_id is not None:
            Campaign.objects.filter(pk=voucher.campaign_id).update(vouchers_count=F("vouchers_count") - 1)


def search(
    *,
    retailer_id: int,
    campaign: str | None = None,
    category: str | None = None,
    customer: str | None = None,
    code: str | None = None,
    ids: Iterable[str] | None = None,
) -> QuerySet[Voucher]:
    """Return the retailer's vouchers that match everything given; campaign and category by id or name."""
    rows = Voucher.objects.filter(retailer_id=retailer_id, deleted_at__isnull=True)
    if campaign is not None:
        named = Campaign.objects.filter(retailer_id=retailer_id, deleted_at__isnull=True)
        rows = rows.filter(campaign__in=named.filter(Q(public_id=campaign) | Q(name=campaign)))
    if category is not None:
        rows = rows.filter(Q(category__public_id=category) | Q(category__name=category))
    if customer is not None:
        rows = rows.filter(Q(holder__public_id=customer) | Q(holder__source_id=customer))
    if code is not None:
        rows = rows.filter(code=code)
    if ids is not None:
        rows = rows.filter(public_id__in=list(ids))
    return rows.select_related("campaign", "category", "holder")


def change_limits(voucher: Voucher, *, before: Mapping[str, Any], now: datetime) -> None:
    """Bring changed limits of a voucher to its counters. That of its uses is opened if need be: a request that read
    the old limit a moment ago would open it with that."""
    limits: dict[counters.Name, int | None] = {}
    if before["redemption_limit"] != voucher.redemption_limit:
        limits[counters.Name(kind=USES, owner=voucher.pk)] = voucher.redemption_limit
    if before["customer_limit"] != voucher.customer_limit:
        open_now = counters.states(kinds=[CUSTOMER_USES], owners=[voucher.pk], now=now)
        limits |= dict.fromkeys(open_now, voucher.customer_limit)
    if limits:
        shards = holds.shards_for(voucher.redemption_limit, hot=voucher.hot)
        reference = ids.new_id("limit:")
        counters.set_limits(limits, retailer_id=voucher.retailer_id, shards=shards, reference=reference, now=now)


def limit(value: int | None, path: str) -> int | None:
    """Return a checked limit; None is unlimited."""
    return None if value is None else worth.whole(value, path)


def _apply(voucher: Voucher, fields: Fields) -> None:
    for name in PLAIN:
        if name in fields:
            setattr(voucher, name, fields[name])  # type: ignore[literal-required]
    if "hot" in fields:
        voucher.hot = fields["hot"]
    if "redemption_limit" in fields:
        voucher.redemption_limit = limit(fields["redemption_limit"], ".redemption.quantity")
    if "customer_limit" in fields:
        voucher.customer_limit = limit(fields["customer_limit"], ".redemption.per_customer")
    if "metadata" in fields:
        voucher.metadata = metadata.merged(voucher.metadata, fields["metadata"])
    if "category" in fields:
        ident = fields["category"]
        voucher.category = categories.get(retailer_id=voucher.retailer_id, ident=ident) if ident else None
    windows.apply(voucher, fields)


def _takes_one(campaign: Campaign) -> bool:
    program = campaign.campaign_type == Campaign.CampaignType.LOYALTY_PROGRAM
    return program or campaign.type == Campaign.Type.STANDALONE


def _join(campaign: Campaign) -> None:
    """Lock the campaign and count its new voucher. Refuses `invalid_campaign` when it is for one and has that."""
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    alone = campaign.type == Campaign.Type.STANDALONE
    if alone and campaign.vouchers.filter(deleted_at__isnull=True).exists():
        raise InvalidCampaign("A STANDALONE campaign has one voucher, and this one has its own already")
    Campaign.objects.filter(pk=campaign.pk).update(vouchers_count=F("vouchers_count") + 1)


def _same_kind(voucher: Voucher, discount: dict[str, Any]) -> dict[str, Any]:
    now_is = voucher.discount or (voucher.campaign.discount if voucher.campaign else None)
    if voucher.type != Voucher.Type.DISCOUNT or now_is is None or now_is["type"] != discount["type"]:
        raise InvalidVoucher(
            "The type of a voucher's discount cannot be changed", resource_id=voucher.code, resource_type="voucher"
        )
    return discount


def _saved(voucher: Voucher, code: str) -> bool:
    voucher.code = code
    try:
        with transaction.atomic():
            voucher.save(force_insert=True)
    except IntegrityError as error:
        if "voucher_code_once" not in str(error):
            raise
        return False
    return True


def _money(voucher: Voucher) -> dict[str, Any]:
    names = ("discount", "gift_amount", "redemption_limit", "customer_limit", "active")
    return {name: getattr(voucher, name) for name in names} | {
        name: value.isoformat() if value else None
        for name, value in (("start_date", voucher.start_date), ("expiration_date", voucher.expiration_date))
    }


def _note_change(
    voucher: Voucher, action: str, actor: Actor, now: datetime, before: dict[str, Any], reason: str
) -> None:
    old, new = audit.changes(before, _money(voucher))
    if new:
        _note(voucher, action, actor, now, before=old, after=new, reason=reason)


def _tell(voucher: Voucher, what: str, actor: Actor, now: datetime) -> None:
    data = {"id": voucher.public_id, "code": voucher.code, "type": voucher.type, "object": "voucher"}
    events.record(retailer_id=voucher.retailer_id, type=f"voucher.{what}", data=data, now=now, actor=actor)


def _note(voucher: Voucher, action: str, actor: Actor, now: datetime, **what: Any) -> None:
    audit.record(
        retailer_id=voucher.retailer_id,
        actor=actor,
        action=action,
        object_type="voucher",
        object_id=voucher.public_id,
        now=now,
        **what,
    )
