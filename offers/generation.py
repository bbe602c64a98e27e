"""Makes many vouchers in the background: exactly as many as were asked for, however often the worker dies.

A batch is one transaction: it inserts codes that nobody has and counts what it really inserted in the job's row.
Codes that were taken are simply missing from the count and drawn anew by the next batch.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from offers import async_actions, channels, codes, vouchers
from offers.lib.actors import Actor
from offers.lib.ids import ID_LENGTH, random_text
from offers.models import AsyncAction, Campaign, Voucher
from offers.outbox import events

BATCH = 5_000
CROWDED = 10  # fewer than one in ten drawn codes was free: look through the whole space instead
SWEEP = 20_000
OWN = {"id", "code", "public_id"}


class CannotGoOn(Exception):
    """The job can't be finished, now or later."""


def start(
    campaign: Campaign,
    count: int,
    *,
    fields: vouchers.Fields,
    code_config: object,
    actor: Actor,
    now: datetime,
    request_id: str = "",
) -> AsyncAction:
    """Start the job, in the caller's transaction. Refuses what could not be done: settings, too few possible codes,

    codes that would begin like those of a channel of session offers (`prefix_reserved`).
    """
    valuable = campaign.campaign_type in vouchers.CARD_CAMPAIGNS
    config = codes.config(code_config, valuable=valuable, base=campaign.code_config)
    channels.guard(retailer_id=campaign.retailer_id, codes=[config.prefix + config.pattern])
    same = config.as_dict() == campaign.code_config
    codes.require_space(config, count, taken=campaign.vouchers_count if same else 0)
    template = vouchers.template(retailer_id=campaign.retailer_id, campaign=campaign, fields=fields, now=now)
    Campaign.objects.filter(pk=campaign.pk).update(vouchers_generation_status=Campaign.Generation.IN_PROGRESS)
    campaign.vouchers_generation_status = Campaign.Generation.IN_PROGRESS
    action = async_actions.start(
        retailer_id=campaign.retailer_id,
        type=async_actions.GENERATE,
        total=count,
        parameters={"campaign_id": campaign.pk, "code_config": asdict(config), "template": _frozen(template)},
        actor=actor,
        now=now,
        request_id=request_id,
    )
    _tell(campaign, action, "started", now)
    return action


def batch(action: AsyncAction, *, now: datetime, size: int = BATCH) -> bool:
    """Make the next vouchers of a claimed job; True when there is more to do.

    Raises LostClaim, with nothing written, when another worker took the job over.
    """
    campaign = Campaign.objects.filter(pk=action.parameters["campaign_id"]).first()
    if campaign is None:
        async_actions.fail(action, message="The campaign is gone", now=now)
        return False
    try:
        _fill(action, campaign, min(size, action.total - action.done), now)
    except CannotGoOn as error:
        with transaction.atomic():
            _end(campaign, Campaign.Generation.FAILED)
            async_actions.fail(action, message=str(error), now=now)
            _tell(campaign, action, "failed", now)
        return False
    if action.done < action.total:
        return True
    with transaction.atomic():
        _end(campaign, Campaign.Generation.DONE)
        async_actions.finish(action, message=f"{action.done} codes were made", now=now)
        _tell(campaign, action, "completed", now)
    return False


def count(campaign: Campaign, more: int) -> bool:
    """Note in the transaction that made them how many vouchers a campaign got; False when it was deleted meanwhile."""
    rows = Campaign.objects.filter(pk=campaign.pk, deleted_at__isnull=True)
    campaign.vouchers_count += more
    return bool(rows.update(vouchers_count=F("vouchers_count") + more))


def _fill(action: AsyncAction, campaign: Campaign, wanted: int, now: datetime) -> None:
    if wanted <= 0:
        return
    config = codes.CodeConfig(**action.parameters["code_config"])
    drawn = channels.unreserved(retailer_id=campaign.retailer_id, codes=codes.draw(config, wanted))
    made = _write(action, campaign, drawn, now) if drawn else 0
    if made * CROWDED < wanted and not _sweep(action, campaign, config, now):
        raise CannotGoOn("No free codes are left with these settings")


def _write(action: AsyncAction, campaign: Campaign, drawn: Iterable[str], now: datetime) -> int:
    with transaction.atomic():
        # In order, so that two jobs in one small space wait for one another but never in a circle.
        made = insert(_thawed(action, campaign, now), sorted(drawn))
        async_actions.advance(action, more=made, now=now)
        if not count(campaign, made):
            raise CannotGoOn("The campaign was deleted")
    return made


def _sweep(action: AsyncAction, campaign: Campaign, config: codes.CodeConfig, now: datetime) -> bool:
    """Go through every possible code for free ones; False when all are taken before the job is done.

    Somebody else may take what was seen to be free, so only a walk that saw nothing free is the last one.
    """
    seen = True
    while seen and action.done < action.total:
        seen = False
        for at in range(0, config.space, SWEEP):
            free = _free(campaign, list(codes.sweep(config, at, SWEEP)))[: action.total - action.done]
            if free:
                seen = True
                _write(action, campaign, free, now)
            if action.done == action.total:
                break
    return action.done == action.total


def _free(campaign: Campaign, candidates: list[str]) -> list[str]:
    candidates = channels.unreserved(retailer_id=campaign.retailer_id, codes=candidates)
    rows = Voucher.objects.filter(retailer_id=campaign.retailer_id, code__in=candidates)
    taken = set(rows.values_list("code", flat=True))
    return [code for code in candidates if code not in taken]


def insert(template: Voucher, drawn: list[str]) -> int:
    """Insert a copy of the template under every code that is free, in one statement; return how many there were."""
    fields = [field for field in Voucher._meta.concrete_fields if field.name not in OWN]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    values = ", ".join(f"%s::{field.db_type(connection)}" for field in fields)
    text = random_text(ID_LENGTH * len(drawn))
    public_ids = ["v_" + text[at : at + ID_LENGTH] for at in range(0, len(text), ID_LENGTH)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO offers_voucher (code, public_id, {columns})"
            f" SELECT u.code, u.public_id, {values} FROM unnest(%s::text[], %s::text[]) AS u(code, public_id)"
            " ON CONFLICT (retailer_id, code) DO NOTHING",
            [field.get_db_prep_save(getattr(template, field.attname), connection) for field in fields]
            + [drawn, public_ids],
        )
        return int(cursor.rowcount)


def _frozen(template: Voucher) -> dict[str, Any]:
    """The template as JSON: what the job needs is fixed when it is asked for, not when a worker comes to it."""
    fields = [field for field in Voucher._meta.concrete_fields if field.name not in OWN]
    found = {field.attname: getattr(template, field.attname) for field in fields}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in found.items()}


def _thawed(action: AsyncAction, campaign: Campaign, now: datetime) -> Voucher:
    values = dict(action.parameters["template"])
    for name in ("start_date", "expiration_date"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return Voucher(**{**values, "created_at": now, "campaign_id": campaign.pk})


def _tell(campaign: Campaign, action: AsyncAction, what: str, now: datetime) -> None:
    data = {
        "id": campaign.public_id,
        "name": campaign.name,
        "object": "campaign",
        "async_action_id": action.public_id,
        "vouchers_count": action.done,
    }
    kind = f"campaign.vouchers.generation.{what}"
    events.record(retailer_id=campaign.retailer_id, type=kind, data=data, now=now)


def _end(campaign: Campaign, status: str) -> None:
    others = AsyncAction.objects.filter(
        retailer_id=campaign.retailer_id,
        type=async_actions.GENERATE,
        status__in=[async_actions.Status.ENQUEUED, async_actions.Status.IN_PROGRESS],
        parameters__campaign_id=campaign.pk,
    )
    if others.count() <= 1:
        Campaign.objects.filter(pk=campaign.pk).update(vouchers_generation_status=status)
