"""Session offers: codes with a channel's prefix only work in the session that they were shown to."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from checkout import daily_caps, grants
from checkout.grants import Grant
from checkout.models import Authorization
from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import NotFound, Refusal
from offers.lib.normal_codes import folded, normalise_code
from offers.models import Channel, SessionCampaign, Voucher

State = Authorization.State


class CodeNotAuthorized(Refusal):
    """This code is not available for this visit."""

    code = "code_not_authorized"


class UnknownCode(Refusal):
    """There is no such code."""

    code = "unknown_code"


class PrefixRequired(Refusal):
    """Only codes of a channel can be authorised."""

    code = "channel_prefix_required"


class CampaignEnded(Refusal):
    """This offer is over."""

    code = "campaign_ended"


class CampaignNotStarted(Refusal):
    """This offer has not begun yet."""

    code = "campaign_not_started"


class TooManyCodes(Refusal):
    """This session has as many codes in use as it may."""

    code = "too_many_codes"


def fingerprint(session_key: str) -> str:
    """Return what stands for a session here: a salted SHA-256, so that no row and no page holds the session id."""
    return salted_hmac("offerkeep.session", session_key, algorithm="sha256").hexdigest()


def channel_of(*, retailer_id: int, code: str) -> Channel | None:
    """Return the channel whose prefix a code begins with, however it is spelt."""
    plain = folded(code)
    return next((one for one in Channel.objects.filter(retailer_id=retailer_id) if plain.startswith(one.prefix)), None)


def authorize(
    *,
    retailer_id: int,
    session_hash: str,
    code: str,
    now: datetime,
    grant: str | None = None,
    customer_key: str = "",
    trusted: bool = False,
    cart_total: int | None = None,
) -> Authorization:
    """Let a session use a code, once per grant; the same grant again changes nothing.

    By a grant (`grant_invalid`, judged before anything else is told), by the engine's own server (`trusted`), or in a
    channel's compatibility mode, where the campaign's conditions are judged again here. Ends with the campaign.
    Refuses `unknown_code`, `channel_prefix_required`, `campaign_ended`, `campaign_not_started`, `too_many_codes`,
    `daily_cap_reached`; `grant_invalid` to whoever has no right to ask. Refused, it takes nothing of the cap.
    """
    wanted = normalise_code(code)
    read = (
        None
        if trusted or grant is None
        else grants.read(grant, retailer_id=retailer_id, session_hash=session_hash, now=now)
    )
    if read is not None and normalise_code(read.code) != wanted:
        raise grants.GrantInvalid()
    channel = read.channel if read is not None else channel_of(retailer_id=retailer_id, code=wanted)
    if read is None and not trusted and (channel is None or not channel.compat_mode):
        raise grants.GrantInvalid()
    if channel is None or not wanted.startswith(channel.prefix) or wanted == channel.prefix:
        raise PrefixRequired()
    campaign = _campaign(retailer_id, channel, wanted, now)
    if read is None and not trusted and not meets(campaign, cart_total):
        raise grants.GrantInvalid()
    return _store(retailer_id, session_hash, channel, campaign, wanted, customer_key, read, now)


def require_authorized(
    *, retailer_id: int, session_hash: str, customer_id: str, code: str, now: datetime, for_update: bool = False
) -> Authorization | None:
    """Pass codes of no channel (None), and a channel's code that this session may use (its authorisation).

    Refuses `code_not_authorized`, the same whether the code exists or not. `for_update` inside the transaction that
    places the order: the row stays locked until then. `customer_id` is "" for a guest.
    """
    channel = channel_of(retailer_id=retailer_id, code=code)
    if channel is None:
        return None
    found = _valid(
        retailer_id=retailer_id, session_hash=session_hash, customer_key=customer_id, now=now, for_update=for_update
    )
    plain = folded(code)
    held = next((one for one in found if one.code == plain), None)
    if held is None:
        raise CodeNotAuthorized()
    return held


def permitted(
    *, retailer_id: int, session_hash: str, customer_key: str, codes: Iterable[str], now: datetime
) -> set[str]:
    """Return which of these codes (as they were written) the session may use now; one statement."""
    found = _valid(retailer_id=retailer_id, session_hash=session_hash, customer_key=customer_key, now=now)
    held = {one.code for one in found}
    return {code for code in codes if folded(code) in held}


def locked(*, retailer_id: int, session_hash: str, customer_key: str, now: datetime) -> list[Authorization]:
    """Return what a session may use now, each row locked until the caller's transaction ends."""
    return _valid(
        retailer_id=retailer_id, session_hash=session_hash, customer_key=customer_key, now=now, for_update=True
    )


def set_on_cart(*, retailer_id: int, session_hash: str, codes: Sequence[str]) -> None:
    """Note which authorised codes a session's cart holds: those are never dropped to make room."""
    rows = Authorization.objects.filter(retailer_id=retailer_id, session_hash=session_hash)
    rows.filter(on_cart=True).exclude(code__in=codes).update(on_cart=False)
    rows.filter(on_cart=False, code__in=codes).update(on_cart=True)


def mark_used(*, authorization: Authorization, now: datetime) -> None:
    """Note that the order was placed; where the channel says once per session, the code is over for it."""
    rows = Authorization.objects.filter(pk=authorization.pk)
    if authorization.channel.one_use_per_session:
        rows.update(state=State.USED, ended_at=now, on_cart=False)
    else:
        rows.update(on_cart=False)


def move(*, old: str, new: str) -> None:
    """Take a session's codes along when logging in changes its id."""
    Authorization.objects.filter(session_hash=old).update(session_hash=new)


def end_all(*, session_hash: str, now: datetime) -> None:
    """End a session's codes: it logged out, or somebody else logged in."""
    Authorization.objects.filter(session_hash=session_hash, state=State.ACTIVE).update(
        state=State.EXPIRED, ended_at=now, on_cart=False
    )


def give_up(*, retailer_id: int, session_hash: str, code: str, now: datetime) -> None:
    """End one code of one's own session. Refuses `not_found`."""
    rows = _live(retailer_id, session_hash, now).filter(code=folded(code))
    if not rows.update(state=State.EXPIRED, ended_at=now, on_cart=False):
        raise NotFound("authorization", code)


def revoke(
    *, retailer_id: int, session_hash: str, code: str, actor: Actor, now: datetime, reason: str
) -> Authorization:
    """Take a code back from a session, by staff. Refuses `not_found`. It vanishes from carts at the next look."""
    with transaction.atomic():
        rows = Authorization.objects.select_for_update().filter(retailer_id=retailer_id, session_hash=session_hash)
        found = rows.filter(code=folded(code)).first()
        if found is None:
            raise NotFound("authorization", code)
        before = found.state
        found.state, found.ended_at, found.on_cart = State.REVOKED, now, False
        found.save(update_fields=["state", "ended_at", "on_cart"])
        audit.record(
            retailer_id=retailer_id,
            actor=actor,
            action="authorization.revoke",
            object_type="authorization",
            object_id=f"{found.code} {session_hash[:12]}",
            now=now,
            before={"state": before},
            after={"state": found.state},
            reason=reason,
        )
    return found


def authorized(*, retailer_id: int, session_hash: str, now: datetime) -> list[Authorization]:
    """Return what a session may use now, oldest first."""
    return list(_live(retailer_id, session_hash, now).select_related("campaign").order_by("id"))


def state_now(row: Authorization, now: datetime) -> str:
    """Return an authorisation's state by the clock; with its campaign over or put off, it is over as well."""
    if row.state == State.ACTIVE and (row.expires_at <= now or (row.campaign and not row.campaign.is_on(now))):
        return State.EXPIRED
    return row.state


def _campaign(retailer_id: int, channel: Channel, code: str, now: datetime) -> SessionCampaign | None:
    """The campaign of a code that exists, None for a code without one.

    Refuses `unknown_code`, `campaign_ended`, `campaign_not_started`.
    """
    rows = SessionCampaign.objects.filter(retailer_id=retailer_id, channel=channel, code=code)
    campaign = rows.select_related("retailer").first()
    if not Voucher.objects.filter(retailer_id=retailer_id, code=code, deleted_at=None).exists():
        raise UnknownCode()
    if campaign is not None and campaign.is_over(now):
        raise CampaignEnded()
    if campaign is not None and not campaign.has_begun(now):
        raise CampaignNotStarted()
    return campaign


def ends_at(channel: Channel, campaign: SessionCampaign | None, now: datetime) -> datetime:
    """When what is authorised now ends: after the channel's time, or with the campaign."""
    ends = now + timedelta(seconds=channel.ttl_seconds)
    return min(ends, campaign.ends_at) if campaign is not None and campaign.ends_at else ends


def meets(campaign: SessionCampaign | None, cart_total: int | None) -> bool:
    """Whether a cart is one the campaign is for, as far as the server knows."""
    if campaign is None:
        return True
    return campaign.cart_total_min is None or (cart_total or 0) >= campaign.cart_total_min


def _store(
    retailer_id: int,
    session_hash: str,
    channel: Channel,
    campaign: SessionCampaign | None,
    code: str,
    customer_key: str,
    grant: Grant | None,
    now: datetime,
) -> Authorization:
    bound = customer_key if campaign is not None and campaign.bind == SessionCampaign.Bind.CUSTOMER else ""
    with transaction.atomic():
        # One change of a session's codes at a time: the bound on their number is a count.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"{retailer_id}:{session_hash}"])
        rows = Authorization.objects.filter(retailer_id=retailer_id)
        if grant is not None and rows.filter(jti=grant.jti).exclude(session_hash=session_hash).exists():
            raise grants.GrantInvalid()
        found = rows.filter(session_hash=session_hash, code=code).select_related("campaign").first()
        if found is not None and _stands(found, grant, now):
            return found
        _make_room(rows.filter(session_hash=session_hash), channel, now)
        kept = found or Authorization(retailer_id=retailer_id, session_hash=session_hash, code=code)
        counts = campaign is not None and not daily_caps.counted(campaign=campaign, row=found, now=now)
        kept.channel, kept.campaign, kept.customer_key = channel, campaign, bound
        kept.jti = grant.jti if grant is not None else None
        kept.state, kept.granted_at, kept.ended_at = State.ACTIVE, now, None
        kept.expires_at = ends_at(channel, campaign, now)
        kept.save()
        if campaign is not None and counts:
            daily_caps.steady(campaign=campaign)
            daily_caps.take(campaign=campaign, authorization=kept, now=now)
        return kept


def _stands(found: Authorization, grant: Grant | None, now: datetime) -> bool:
    """Whether what is there stays as it is: still good, used, taken back by staff, or made by this very grant."""
    if found.state in {State.USED, State.REVOKED}:
        return True
    if found.state == State.ACTIVE and found.expires_at > now:
        return True
    return grant is not None and found.jti == grant.jti


def _make_room(rows: QuerySet[Authorization], channel: Channel, now: datetime) -> None:
    live = rows.filter(Authorization.in_force(now), channel=channel).order_by("granted_at", "id")
    surplus = live.count() - channel.max_codes + 1
    if surplus < 1:
        return
    droppable = list(live.filter(on_cart=False).values_list("pk", flat=True)[:surplus])
    if len(droppable) < surplus:
        raise TooManyCodes()
    rows.filter(pk__in=droppable).update(state=State.EXPIRED, ended_at=now)


def _live(retailer_id: int, session_hash: str, now: datetime) -> QuerySet[Authorization]:
    rows = Authorization.objects.filter(retailer_id=retailer_id, session_hash=session_hash)
    return rows.filter(Authorization.in_force(now))


def _valid(
    *, retailer_id: int, session_hash: str, customer_key: str, now: datetime, for_update: bool = False
) -> list[Authorization]:
    """What a session may use: its own, and what is bound to its customer wherever it was shown."""
    rows = Authorization.objects.filter(Authorization.in_force(now), retailer_id=retailer_id).select_related("channel")
    own = rows.filter(session_hash=session_hash)
    if customer_key:
        own = own | rows.filter(customer_key=customer_key).exclude(customer_key="")
    return list(own.select_for_update(of=("self",)).order_by("id") if for_update else own)


def details(row: Authorization, now: datetime) -> dict[str, Any]:
    """Return an authorisation as its own session may see it."""
    return {"code": row.code, "expires_at": row.expires_at, "state": state_now(row, now)}
