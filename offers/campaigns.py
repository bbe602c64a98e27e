"""Campaigns: made with their terms and codes, changed, switched, archived, deleted, and given more vouchers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from offers import (
    async_actions,
    audit,
    campaign_terms,
    channels,
    codes,
    generation,
    promotions,
    rules,
    vouchers,
    worth,
)
from offers.campaign_terms import Fields
from offers.ledger import counters
from offers.lib import ids, lookups
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, NotFound
from offers.models import AsyncAction, Campaign, PromotionTier, Voucher
from offers.outbox import events
from offers.vouchers import InvalidCampaign

BUDGET = "campaign.budget"
TIERS_LIMIT = 100
Kind, Type = Campaign.CampaignType, Campaign.Type


@dataclass(frozen=True, slots=True)
class NewTier:
    """A tier given with its campaign."""

    fields: promotions.Fields
    rules: list[str]


def get(*, retailer_id: int, ident: str, for_update: bool = False) -> Campaign:
    """Return the campaign with this id or name. Refuses `not_found`."""
    rows = Campaign.objects.filter(retailer_id=retailer_id, deleted_at__isnull=True)
    rows = rows.select_for_update(of=("self",)) if for_update else rows
    campaign = lookups.by_ident(rows.select_related("category"), ident, other="name")
    if campaign is None:
        raise NotFound("campaign", ident)
    return campaign


def search(*, retailer_id: int, campaign_type: str | None = None, status: str | None = None) -> QuerySet[Campaign]:
    """Return the retailer's campaigns, of one type and in one state of code generation if these are given."""
    rows = Campaign.objects.filter(retailer_id=retailer_id, deleted_at__isnull=True).select_related("category")
    if campaign_type is not None:
        rows = rows.filter(campaign_type=campaign_type)
    if status is not None:
        rows = rows.filter(vouchers_generation_status=status)
    return rows


def create(
    *,
    retailer_id: int,
    actor: Actor,
    now: datetime,
    name: str,
    fields: Fields,
    campaign_type: str = Kind.DISCOUNT_COUPONS,
    vouchers_count: int = 0,
    tiers: Sequence[NewTier] = (),
    request_id: str = "",
) -> Campaign:
    """Make a campaign; one voucher is made at once, more in the background.

    Refuses `duplicate_found` (name), `invalid_campaign` (type, missing discount or gift), `invalid_campaign_params`
    (count), `invalid_code_config` (more codes than there can be), `invalid_payload`, `not_found` (category, rule).
    """
    campaign_terms.check_kind(campaign_type, fields, vouchers_count)
    campaign = Campaign(
        retailer_id=retailer_id, campaign_type=campaign_type, created_at=now, name=campaign_terms.checked_name(name)
    )
    campaign.type = Type(worth.one_of(fields.get("type") or Type.STATIC, Type.values, ".type"))
    campaign_terms.set_terms(campaign, fields)
    campaign_terms.apply(campaign, fields)
    with transaction.atomic():
        try:
            with transaction.atomic():
                campaign.save(force_insert=True)
        except IntegrityError as error:
            raise Duplicate(resource_id=campaign.name, resource_type="campaign") from error
        rules.attach(target=campaign, rule_idents=fields.get("rules") or [], actor=actor, now=now)
        for tier in tiers:
            promotions.create(campaign=campaign, fields=tier.fields, rule_idents=tier.rules, actor=actor, now=now)
        _note(campaign, "campaign.create", actor, now, after=campaign_terms.money(campaign), request_id=request_id)
        _tell(campaign, "created", actor, now)
        if vouchers_count:
            _issue(campaign, vouchers_count, {}, None, actor=actor, now=now, request_id=request_id)
    return campaign


def update(
    *,
    retailer_id: int,
    ident: str,
    fields: Fields,
    actor: Actor,
    now: datetime,
    reason: str = "",
    request_id: str = "",
) -> Campaign:
    """Change the sent fields; metadata key by key. Locks the campaign. A new budget reaches the ledger at once.

    A new discount holds for all codes without one of their own; new limits and gift amounts for codes made later.
    Refuses `not_found`, `invalid_payload`, `invalid_campaign` for another discount type or an impossible type.
    """
    with transaction.atomic():
        campaign = get(retailer_id=retailer_id, ident=ident, for_update=True)
        before = campaign_terms.money(campaign)
        campaign_terms.change_type(campaign, fields.get("type"))
        campaign_terms.change_terms(campaign, fields)
        campaign_terms.apply(campaign, fields)
        campaign.updated_at = now
        campaign.save()
        if before["budget"] != campaign.budget:
            counter = counters.Name(kind=BUDGET, owner=campaign.pk)
            counters.set_limit(counter, campaign.budget, reference=ids.new_id("limit:"), now=now, reason=reason[:200])
        old, new = audit.changes(before, campaign_terms.money(campaign))
        if new:
            what = {"before": old, "after": new, "reason": reason, "request_id": request_id}
            _note(campaign, "campaign.update", actor, now, **what)
        _tell(campaign, "updated", actor, now)
    return campaign


def switch(*, retailer_id: int, ident: str, active: bool, actor: Actor, now: datetime, reason: str = "") -> Campaign:
    """Enable or disable a campaign and with it all its codes. Refuses `not_found`."""
    with transaction.atomic():
        campaign = get(retailer_id=retailer_id, ident=ident, for_update=True)
        if campaign.active != active:
            campaign.active, campaign.updated_at = active, now
            campaign.save(update_fields=["active", "updated_at"])
            action = "campaign.enable" if active else "campaign.disable"
            what = {"before": {"active": not active}, "after": {"active": active}, "reason": reason}
            _note(campaign, action, actor, now, **what)
            _tell(campaign, "enabled" if active else "disabled", actor, now)
    return campaign


def archive(*, retailer_id: int, ident: str, actor: Actor, now: datetime, reason: str = "") -> Campaign:
    """Disable a campaign for good and move it out of the way; its history stays. Refuses `not_found`."""
    with transaction.atomic():
        campaign = get(retailer_id=retailer_id, ident=ident, for_update=True)
        if campaign.archived_at is None:
            before = {"active": campaign.active}
            campaign.active, campaign.archived_at, campaign.updated_at = False, now, now
            campaign.save(update_fields=["active", "archived_at", "updated_at"])
            what = {"before": before, "after": {"active": False, "archived": True}, "reason": reason}
            _note(campaign, "campaign.archive", actor, now, **what)
            _tell(campaign, "updated", actor, now)
    return campaign


def delete(*, retailer_id: int, ident: str, actor: Actor, now: datetime, request_id: str = "") -> AsyncAction:
    """Delete a campaign: nothing finds or redeems it from now on; a job deletes its vouchers. Refuses `not_found`.

    Its row stays for the history, its name is free again.
    """
    with transaction.atomic():
        campaign = get(retailer_id=retailer_id, ident=ident, for_update=True)
        _note(campaign, "campaign.delete", actor, now, before=campaign_terms.money(campaign), request_id=request_id)
        _tell(campaign, "deleted", actor, now)
        campaign.active, campaign.deleted_at, campaign.updated_at = False, now, now
        campaign.save(update_fields=["active", "deleted_at", "updated_at"])
        PromotionTier.objects.filter(campaign=campaign, deleted_at__isnull=True).update(active=False, deleted_at=now)
        return async_actions.start(
            retailer_id=retailer_id,
            type=async_actions.DELETE,
            total=campaign.vouchers.filter(deleted_at__isnull=True).count(),
            parameters={"campaign_id": campaign.pk},
            actor=actor,
            now=now,
            request_id=request_id,
        )


def add_voucher(
    *,
    retailer_id: int,
    ident: str,
    actor: Actor,
    now: datetime,
    fields: vouchers.Fields,
    code: str | None = None,
    code_config: object = None,
) -> Voucher:
    """Add one voucher with this code or a random one; `fields` win over the campaign's terms.

    Refuses `not_found`, `invalid_campaign` (STANDALONE, PROMOTION), `duplicate_found`, `invalid_code_config`.
    """
    if code is not None:
        codes.check(code)
    campaign = get(retailer_id=retailer_id, ident=ident)
    require_pool(campaign)
    with transaction.atomic():
        voucher = _make_one(campaign, fields, code=code, code_config=code_config, actor=actor, now=now)
        _tell(campaign, "vouchers.added", actor, now, count=1, voucher={"id": voucher.public_id, "code": voucher.code})
        return voucher


def add_vouchers(
    *,
    retailer_id: int,
    ident: str,
    count: int,
    actor: Actor,
    now: datetime,
    fields: vouchers.Fields,
    code_config: object = None,
    request_id: str = "",
) -> AsyncAction:
    """Start a job that adds exactly `count` vouchers with random codes. Refuses as `add_voucher` and `create` do."""
    campaign = get(retailer_id=retailer_id, ident=ident)
    require_pool(campaign)
    campaign_terms.check_count(count)
    with transaction.atomic():
        return generation.start(
            campaign, count, fields=fields, code_config=code_config, actor=actor, now=now, request_id=request_id
        )


def require_pool(campaign: Campaign) -> None:
    """Refuse `invalid_campaign` when no codes can be added to a campaign."""
    if campaign.type == Type.STANDALONE:
        raise InvalidCampaign("A STANDALONE campaign has one public code; no more can be added")
    if campaign.campaign_type == Kind.PROMOTION:
        raise InvalidCampaign("A promotion has no codes; it has tiers")


def _issue(
    campaign: Campaign,
    count: int,
    fields: vouchers.Fields,
    code_config: object,
    *,
    actor: Actor,
    now: datetime,
    request_id: str,
) -> None:
    if count == 1:
        _make_one(campaign, fields, code=None, code_config=code_config, actor=actor, now=now)
        return
    generation.start(
        campaign, count, fields=fields, code_config=code_config, actor=actor, now=now, request_id=request_id
    )


def _make_one(
    campaign: Campaign,
    fields: vouchers.Fields,
    *,
    code: str | None,
    code_config: object,
    actor: Actor,
    now: datetime,
) -> Voucher:
    voucher = vouchers.template(retailer_id=campaign.retailer_id, campaign=campaign, fields=fields, now=now)
    if code is not None:
        channels.guard(retailer_id=campaign.retailer_id, codes=[code])
    vouchers.insert(voucher, code=code, code_config=code_config)
    if not generation.count(campaign, 1):
        raise NotFound("campaign", campaign.public_id)
    return voucher


def _tell(campaign: Campaign, what: str, actor: Actor, now: datetime, **more: Any) -> None:
    data = {"id": campaign.public_id, "name": campaign.name, "object": "campaign", **more}
    events.record(retailer_id=campaign.retailer_id, type=f"campaign.{what}", data=data, now=now, actor=actor)


def _note(campaign: Campaign, action: str, actor: Actor, now: datetime, **what: Any) -> None:
    audit.record(
        retailer_id=campaign.retailer_id,
        actor=actor,
        action=action,
        object_type="campaign",
        object_id=campaign.public_id,
        now=now,
        **what,
    )
