"""How many visits a day a session offer reaches: a counter of the ledger per campaign and day, as the shop has it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db import transaction

from checkout.models import Authorization
from offers.ledger import counters, holds
from offers.lib.errors import Refusal
from offers.models import SessionCampaign
from offers.offer_limits import period_key

KIND = "session_campaign.daily"


class DailyCapReached(Refusal):
    """This offer is used up for today."""

    code = "daily_cap_reached"


def take(*, campaign: SessionCampaign, authorization: Authorization, now: datetime) -> None:
    """Count an authorisation that begins now and is not part of today's count yet (`counted`).

    Refuses `daily_cap_reached`, and then the caller's transaction has to go with it. The one ledger call of that
    transaction, to be made last.
    """
    if campaign.daily_cap is None:
        return
    want = holds.Want(
        kind=KIND,
        owner=campaign.pk,
        period=day_of(campaign, now),
        amount=1,
        granted=campaign.daily_cap,
        fixed=True,
        entry=f"authorization {authorization.pk} {now.isoformat()}",
    )
    try:
        holds.use(retailer_id=campaign.retailer_id, wants=[want], reference="", now=now)
    except holds.Exceeded as short:
        raise DailyCapReached() from short


def counted(*, campaign: SessionCampaign, row: Authorization | None, now: datetime) -> bool:
    """Say whether an authorisation is part of today's count already, ended since or not."""
    if row is None or row.campaign_id != campaign.pk:
        return False
    return day_of(campaign, row.granted_at) == day_of(campaign, now)


def closed(*, campaigns: Sequence[SessionCampaign], known: Mapping[str, Authorization], now: datetime) -> set[int]:
    """Return the keys of those campaigns of one retailer whose cap shuts a session out today.

    `known` is what the session was authorised for by code: what it has it keeps. No statement if no campaign has a cap.
    """
    taken = used(campaigns=campaigns, now=now)
    spent = {one.pk for one in campaigns if one.daily_cap is not None and taken[one.pk] >= one.daily_cap}
    return {one.pk for one in campaigns if one.pk in spent and not _has(known.get(one.code), one, now)}


def used(*, campaigns: Iterable[SessionCampaign], now: datetime) -> dict[int, int]:
    """Return how many were counted today of each of those that have a cap; a statement per day that it is somewhere."""
    by_day: dict[str, list[int]] = {}
    for one in campaigns:
        if one.daily_cap is not None:
            by_day.setdefault(day_of(one, now), []).append(one.pk)
    found = {pk: 0 for keys in by_day.values() for pk in keys}
    for day, keys in by_day.items():
        states = counters.states(kinds=[KIND], owners=keys, period=day, now=now)
        found |= {name.owner: state.settled for name, state in states.items()}
    return found


def begin(*, campaign: SessionCampaign, now: datetime) -> None:
    """Open today's count of a campaign that was just given a cap, with what it authorised before on this day.

    One that is open stays as it is: the cap may go up and down during a day. What was authorised while a cap was taken
    away for part of a day stays uncounted.
    """
    if campaign.daily_cap is None:
        return
    zone = ZoneInfo(campaign.retailer.timezone)
    midnight = datetime.combine(now.astimezone(zone).date(), time.min, tzinfo=zone)
    with transaction.atomic():
        counters.open_counter(
            counters.Name(kind=KIND, owner=campaign.pk, period=day_of(campaign, now)),
            retailer_id=campaign.retailer_id,
            granted=campaign.daily_cap,
            opening=Authorization.objects.filter(campaign=campaign, granted_at__gte=midnight).count(),
            now=now,
        )


def _has(row: Authorization | None, campaign: SessionCampaign, now: datetime) -> bool:
    """Whether a session could be authorised without taking anything."""
    if row is None:
        return False
    running = row.state == Authorization.State.ACTIVE and row.expires_at > now
    return running or counted(campaign=campaign, row=row, now=now)


def day_of(campaign: SessionCampaign, at: datetime) -> str:
    """Name the day of a moment where the retailer is."""
    return period_key("day", at, campaign.retailer.timezone)
