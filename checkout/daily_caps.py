"""How many visits a day a session offer reaches: a counter of the ledger per campaign and day, as the shop has it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from checkout.models import Authorization
from offers.ledger import counters, holds
from offers.ledger.models import Counter
from offers.lib.errors import Refusal
from offers.lib.ids import new_id
from offers.models import SessionCampaign
from offers.offer_limits import period_key

KIND = "session_campaign.daily"


class DailyCapReached(Refusal):
    """This offer is used up for today."""

    code = "daily_cap_reached"


def steady(*, campaign: SessionCampaign) -> None:
    """Read a campaign's cap again, and keep it as it is until the caller's transaction ends.

    Of an authorisation and a change of the cap one comes first: either the change waits and counts what the caller
    does, or the caller finds the new cap. Authorisations do not wait for one another.
    """
    _queue("pg_advisory_xact_lock_shared", campaign.public_id)
    campaign.refresh_from_db(fields=["daily_cap"])


def own(*, ident: str) -> None:
    """Wait for the authorisations under way of the campaign of this id; further ones wait for the caller's end."""
    _queue("pg_advisory_xact_lock", ident)


def take(*, campaign: SessionCampaign, authorization: Authorization, now: datetime) -> None:
    """Count an authorisation that begins now and is not part of today's count yet (`counted`), by a `steady` cap.

    Refuses `daily_cap_reached`, and then the caller's transaction has to go with it. The one ledger call of that
    transaction, to be made last.
    """
    if campaign.daily_cap is None:
        return
    try:
        _use(campaign, 1, f"authorization {authorization.pk} {now.isoformat()}", now)
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


def catch_up(*, campaign: SessionCampaign, now: datetime) -> None:
    """Count what the day authorised while there was no cap, as far as a cap that was just set has room for it.

    For whoever owns the campaign (`own`): everything authorised before is committed, and the rest finds the new cap.
    """
    if campaign.daily_cap is None:
        return
    zone = ZoneInfo(campaign.retailer.timezone)
    midnight = datetime.combine(now.astimezone(zone).date(), time.min, tzinfo=zone)
    counters_of_today = Counter.objects.filter(kind=KIND, owner=OuterRef("pk"), period=day_of(campaign, now))
    figures = SessionCampaign.objects.annotate(
        authorized=Count("authorizations", filter=Q(authorizations__granted_at__gte=midnight)),
        counted=Coalesce(Subquery(counters_of_today.values("taken")), 0),
    )
    authorized, taken = figures.values_list("authorized", "counted").get(pk=campaign.pk)
    missing = min(authorized, campaign.daily_cap) - taken
    if missing > 0:
        entry = new_id("cap_")  # one document may set a cap several times at one moment
        try:
            _use(campaign, missing, entry, now)
        except holds.Exceeded as short:
            if short.shortage.available > 0:
                _use(campaign, short.shortage.available, entry, now)


def _queue(lock: str, campaign: str) -> None:
    with connection.cursor() as cursor:
        # Not a lock of the row: those who share one keep its change waiting for as long as they keep coming.
        cursor.execute(f"SELECT {lock}(hashtextextended(%s, 7))", [campaign])


def _use(campaign: SessionCampaign, amount: int, entry: str, now: datetime) -> None:
    """Take from today's counter, whose limit becomes the cap. Refuses `quantity_exceeded`."""
    want = holds.Want(
        kind=KIND,
        owner=campaign.pk,
        period=day_of(campaign, now),
        amount=amount,
        granted=campaign.daily_cap,
        fixed=True,
        entry=entry,
    )
    holds.use(retailer_id=campaign.retailer_id, wants=[want], reference="", now=now)


def _has(row: Authorization | None, campaign: SessionCampaign, now: datetime) -> bool:
    """Whether a session could be authorised without taking anything."""
    if row is None:
        return False
    running = row.state == Authorization.State.ACTIVE and row.expires_at > now
    return running or counted(campaign=campaign, row=row, now=now)


def day_of(campaign: SessionCampaign, at: datetime) -> str:
    """Name the day of a moment where the retailer is."""
    return period_key("day", at, campaign.retailer.timezone)
