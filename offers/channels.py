"""Channels of session offers and their campaigns: made, changed, and guarded against codes that belong to nobody."""

import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import Duplicate, InvalidPayload, NotFound, Refusal
from offers.lib.ids import new_id
from offers.lib.normal_codes import folded, normalise_code
from offers.models import Channel, Retailer, SessionCampaign, Voucher

_PREFIX = re.compile(r"[A-Z0-9]{1,15}[_-]")
SETTINGS = ("name", "compat_mode", "ttl_seconds", "max_codes", "one_use_per_session")
LISTED = 20
CAP_MOST = 1_000_000_000
YEARS = range(1970, 10_000 - 1)  # what every clock and zone can show
OVERLAP = timedelta(days=1)


class InvalidChannel(Refusal):
    """These settings of a channel cannot be."""

    code = "invalid_channel"


class PrefixReserved(Refusal):
    """Codes that begin like this belong to a channel of session offers."""

    code = "prefix_reserved"


class PrefixUsed(Refusal):
    """Codes that begin like this exist."""

    code = "prefix_used"


def ensure(*, retailer_id: int, prefix: str, fields: Mapping[str, Any], actor: Actor, now: datetime) -> Channel:
    """Return the channel of this prefix with these settings, made if it was not there.

    Refuses `invalid_channel` (prefix, overlap, numbers) and `prefix_used`, which names ordinary codes in the way.
    """
    with transaction.atomic():
        _own(retailer_id)
        found = Channel.objects.filter(retailer_id=retailer_id, prefix=prefix).first()
        if found is None:
            _check_prefix(retailer_id, prefix, but=None)
            found = Channel(retailer_id=retailer_id, prefix=prefix, name=prefix, created_at=now)
            found.kid, found.secret = new_id("sok_", 12), secrets.token_urlsafe(32)
            _apply(found, fields)
            found.save()
            _note(found, "channel.create", actor, now, {}, _shown(found))
            return found
        before = _shown(found)
        _apply(found, fields)
        found.save()
        _note(found, "channel.update", actor, now, before, _shown(found))
        return found


def update(
    *, retailer_id: int, ident: str, fields: Mapping[str, Any], actor: Actor, now: datetime, reason: str = ""
) -> Channel:
    """Change a channel. Its prefix only while no code of it exists, so that none becomes free for all.

    Refuses `not_found`, `invalid_channel`, `prefix_used`.
    """
    with transaction.atomic():
        _own(retailer_id)
        found = get(retailer_id=retailer_id, ident=ident)
        before = _shown(found)
        prefix = fields.get("prefix")
        if prefix is not None and prefix != found.prefix:
            if left := _codes(retailer_id, found.prefix):
                raise PrefixUsed(
                    f"Archive the codes of {found.prefix} first: {', '.join(left)}", prefix=found.prefix, codes=left
                )
            _check_prefix(retailer_id, prefix, but=found.pk)
            found.prefix = prefix
        _apply(found, fields)
        found.save()
        _note(found, "channel.update", actor, now, before, _shown(found), reason)
        return found


def get(*, retailer_id: int, ident: str) -> Channel:
    """Return a channel by its id. Refuses `not_found`."""
    found = Channel.objects.filter(retailer_id=retailer_id, public_id=ident).first()
    if found is None:
        raise NotFound("channel", ident)
    return found


def rotate(*, retailer_id: int, ident: str, actor: Actor, now: datetime) -> Channel:
    """Give a channel a new key; grants of the one before are taken for a day more. Refuses `not_found`."""
    with transaction.atomic():
        _own(retailer_id)
        found = get(retailer_id=retailer_id, ident=ident)
        found.previous_kid, found.previous_secret, found.previous_until = found.kid, found.secret, now + OVERLAP
        found.kid, found.secret = new_id("sok_", 12), secrets.token_urlsafe(32)
        found.save()
        _note(found, "channel.rotate", actor, now, {"kid": found.previous_kid}, {"kid": found.kid})
    return found


def guard(*, retailer_id: int, codes: Iterable[str], channel: Channel | None = None) -> None:
    """Refuse (`prefix_reserved`) codes that begin with a channel's prefix but are not made for it, and the reverse."""
    prefixes = dict(Channel.objects.filter(retailer_id=retailer_id).values_list("prefix", "pk"))
    for code in codes:
        owner = next((pk for prefix, pk in prefixes.items() if folded(code).startswith(prefix)), None)
        if owner is not None and (channel is None or channel.pk != owner):
            raise PrefixReserved(f"{code}: codes that begin like this belong to a channel of session offers", code=code)
        if channel is not None:
            if owner is None:
                raise InvalidChannel(f"{code} does not begin with {channel.prefix}", code=code)
            if normalise_code(code) != code or code == channel.prefix:
                raise InvalidChannel(
                    f"{code}: codes of a channel are upper case, without blanks, and more than the prefix", code=code
                )


def unreserved(*, retailer_id: int, codes: Iterable[str]) -> list[str]:
    """Return those of some drawn codes that do not begin like a channel's; one statement."""
    prefixes = tuple(Channel.objects.filter(retailer_id=retailer_id).values_list("prefix", flat=True))
    return [code for code in codes if not (prefixes and folded(code).startswith(prefixes))]


def create_campaign(
    *, retailer_id: int, channel: Channel, fields: Mapping[str, Any], actor: Actor, now: datetime
) -> SessionCampaign:
    """Make a campaign of a channel.

    Refuses `invalid_channel` for a code without the prefix, and for terms that cannot be; `duplicate_found`.
    """
    code = normalise_code(str(fields.get("code") or ""))
    if not code.startswith(channel.prefix) or code == channel.prefix:
        raise InvalidChannel(f"{code} does not begin with {channel.prefix}", code=code)
    if SessionCampaign.objects.filter(retailer_id=retailer_id, code=code).exists():
        raise Duplicate(resource_id=code, resource_type="campaign")
    made = SessionCampaign(retailer_id=retailer_id, channel=channel, code=code, created_at=now)
    with transaction.atomic():
        _apply_campaign(made, fields)
        made.save()
        _note(made, "session_campaign.create", actor, now, {}, _campaign_shown(made))
    return made


def update_campaign(
    *, retailer_id: int, ident: str, fields: Mapping[str, Any], actor: Actor, now: datetime, reason: str = ""
) -> SessionCampaign:
    """Change a campaign; switched off or ended, its authorisations no longer count from this moment.

    Refuses `not_found`, and `invalid_channel` for terms that cannot be.
    """
    with transaction.atomic():
        # Authorisations refer to this row when they commit, and by then they own what we may want next.
        rows = SessionCampaign.objects.select_for_update(no_key=True)
        found = rows.filter(retailer_id=retailer_id, public_id=ident).first()
        if found is None:
            raise NotFound("campaign", ident)
        before = _campaign_shown(found)
        _apply_campaign(found, fields)
        found.save()
        _note(found, "session_campaign.update", actor, now, before, _campaign_shown(found), reason)
    return found


def _apply_campaign(row: SessionCampaign, fields: Mapping[str, Any]) -> None:
    row.name = str(fields.get("name") or row.name or row.code)[:100]
    if fields.get("text") is not None:
        row.text = str(fields["text"])[:300]
    for name in ("active", "present"):
        if fields.get(name) is not None:
            setattr(row, name, bool(fields[name]))
    if fields.get("bind") is not None:
        if fields["bind"] not in SessionCampaign.Bind.values:
            raise InvalidChannel("bind is session or customer", field="bind")
        row.bind = SessionCampaign.Bind(fields["bind"])
    if "cart_total_min" in fields:
        row.cart_total_min = fields["cart_total_min"]
    for name in ("starts_at", "ends_at", "daily_cap"):
        if name in fields:
            setattr(row, name, fields[name])
    _check_times(row)
    if row.cart_total_min is not None and not 0 <= row.cart_total_min < 2**63:
        raise InvalidChannel("cart_total_min is an amount from 0 on", field="cart_total_min")
    if row.daily_cap is not None and not 1 <= row.daily_cap <= CAP_MOST:
        raise InvalidChannel(
            "daily_cap is a whole number from 1 to a billion; off, it is shown to nobody", field="daily_cap"
        )


def _check_times(row: SessionCampaign) -> None:
    for name in ("starts_at", "ends_at"):
        at: datetime | None = getattr(row, name)
        if at is not None and at.year not in YEARS:
            raise InvalidChannel(f"{name} lies in one of the years {YEARS[0]} to {YEARS[-1]}", field=name)
    if row.starts_at and row.ends_at and row.ends_at <= row.starts_at:
        raise InvalidChannel("It has to end after it starts.", field="ends_at")


def _apply(row: Channel, fields: Mapping[str, Any]) -> None:
    for name in SETTINGS:
        if fields.get(name) is not None:
            setattr(row, name, fields[name])
    if not 1 <= row.ttl_seconds <= 30 * 86_400:
        raise InvalidChannel("ttl_seconds should be from 1 to 2592000", field="ttl_seconds")
    if not 1 <= row.max_codes <= 100:
        raise InvalidChannel("max_codes should be from 1 to 100", field="max_codes")


def _check_prefix(retailer_id: int, prefix: str, *, but: int | None) -> None:
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise InvalidChannel("A prefix is 2 to 16 of A-Z and 0-9, the last one _ or -", field="prefix")
    others = dict(Channel.objects.filter(retailer_id=retailer_id).values_list("pk", "prefix"))
    for other in (text for pk, text in others.items() if pk != but):
        if other.startswith(prefix) or prefix.startswith(other):
            raise InvalidChannel(f"{prefix} overlaps with the prefix {other}", field="prefix")
    if taken := _codes(retailer_id, prefix):
        raise PrefixUsed(f"Ordinary codes begin with {prefix}: {', '.join(taken)}", prefix=prefix, codes=taken)


def _codes(retailer_id: int, prefix: str) -> list[str]:
    """The first codes that begin with the prefix however they are spelt; archived ones are nobody's any more."""
    rows = Voucher.objects.filter(retailer_id=retailer_id, deleted_at=None)
    begins = rows.filter(code__istartswith=prefix).order_by("code").values_list("code", flat=True)
    return list(begins[:LISTED])


def _own(retailer_id: int) -> None:
    """One change of a retailer's channels at a time."""
    if Retailer.objects.select_for_update(no_key=True).filter(pk=retailer_id).first() is None:
        raise InvalidPayload("There is no such retailer")


def _shown(row: Channel) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("prefix", *SETTINGS)}


def _campaign_shown(row: SessionCampaign) -> dict[str, Any]:
    terms = ("name", "code", "active", "bind", "present", "cart_total_min", "daily_cap")
    moments = {name: getattr(row, name) for name in ("starts_at", "ends_at")}
    said = {name: at.isoformat() if at else None for name, at in moments.items()}
    return {**{name: getattr(row, name) for name in terms}, **said}


def _note(
    row: Channel | SessionCampaign,
    action: str,
    actor: Actor,
    now: datetime,
    before: dict[str, Any],
    after: dict[str, Any],
    reason: str = "",
) -> None:
    old, new = audit.changes(before, after)
    audit.record(
        retailer_id=row.retailer_id,
        actor=actor,
        action=action,
        object_type=action.partition(".")[0],
        object_id=row.public_id,
        now=now,
        before=old or None,
        after=new,
        reason=reason,
    )
