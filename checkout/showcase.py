"""What a session is shown: the offers of its channels that fit, each with a grant for this session only."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from checkout import daily_caps, grants, session_offers
from checkout.models import Authorization
from offers import voucher_figures
from offers.models import SessionCampaign, Voucher

OVER = {Authorization.State.USED, Authorization.State.REVOKED}


@dataclass(frozen=True, slots=True)
class Presented:
    """An offer to show, with the grant that lets its widget authorise it."""

    code: str
    grant: str
    title: str
    text: str
    expires_at: datetime


def present(
    *, retailer_id: int, session_hash: str, now: datetime, cart_total: int | None = None, customer_key: str = ""
) -> list[Presented]:
    """Decide what to show to a session on facts that the server holds, each with a grant for this session only.

    A campaign that is not on is not shown, nor one whose code nobody can use any more; one whose cap is used up today
    only to sessions that have it already.
    """
    rows = SessionCampaign.objects.filter(SessionCampaign.on(now), retailer_id=retailer_id, present=True)
    campaigns = [
        one
        for one in rows.select_related("channel", "retailer").order_by("id")
        if session_offers.meets(one, cart_total)
    ]
    usable = _usable(retailer_id, (one.code for one in campaigns), now)
    campaigns = [one for one in campaigns if one.code in usable]
    held = Authorization.objects.filter(retailer_id=retailer_id, session_hash=session_hash)
    known = {row.code: row for row in held}
    closed = daily_caps.closed(campaigns=campaigns, known=known, now=now)
    shown: list[Presented] = []
    for campaign in campaigns:
        before = known.get(campaign.code)
        if campaign.pk in closed or (before and before.state in OVER):
            continue
        jti = secrets.token_hex(16)
        text = grants.write(
            channel=campaign.channel,
            code=campaign.code,
            session_hash=session_hash,
            campaign=campaign.public_id,
            jti=jti,
            now=now,
        )
        ends = session_offers.ends_at(campaign.channel, campaign, now)
        shown.append(Presented(campaign.code, text, campaign.name, campaign.text, ends))
    return shown


def _usable(retailer_id: int, codes: Iterable[str], now: datetime) -> set[str]:
    """Return which of these codes are there, on, within their dates and not used up: an offer shown has to work."""
    rows = Voucher.objects.filter(retailer_id=retailer_id, code__in=list(codes), deleted_at=None, active=True)
    begun = Q(start_date=None) | Q(start_date__lte=now)
    found = list(rows.filter(begun, Q(expiration_date=None) | Q(expiration_date__gt=now)))
    limited = [row for row in found if row.redemption_limit is not None]
    uses = voucher_figures.of(limited, now=now)
    spent = {row.pk for row in limited if uses[row.pk].redeemed >= (row.redemption_limit or 0)}
    return {row.code for row in found if row.pk not in spent}
