"""Grants of session offers: `sog1.<kid>.<payload>.<HMAC-SHA256>`, which say that one session was shown one code."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from offers.lib import signed_texts
from offers.lib.errors import Refusal
from offers.models import Channel

PREFIX = "sog1"
TTL_SECONDS = 120
TOLERANCE_SECONDS = 5
LONGEST = 1024


class GrantInvalid(Refusal):
    """This grant does not authorise this code in this session."""

    code = "grant_invalid"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a verified grant says: the code it is for, and its own id, which works once."""

    channel: Channel
    code: str
    session_hash: str
    campaign: str
    jti: str


def write(*, channel: Channel, code: str, session_hash: str, campaign: str, jti: str, now: datetime) -> str:
    """Return a grant for a session, good for two minutes."""
    issued = int(now.timestamp())
    payload = {
        "code": code,
        "sid": session_hash,
        "cmp": campaign,
        "var": "",
        "jti": jti,
        "iat": issued,
        "exp": issued + TTL_SECONDS,
        "ch": channel.prefix,
    }
    return signed_texts.write(PREFIX, channel.kid, payload, channel.secret)


def read(text: str, *, retailer_id: int, session_hash: str, now: datetime) -> Grant:
    """Return what a grant says. Refuses `grant_invalid`, one message for all: the signature is judged first."""
    signed, _, mac = text.rpartition(".")
    parts = signed.split(".")
    if len(text) > LONGEST or not text.isascii() or "\0" in text or len(parts) != 3 or parts[0] != PREFIX:
        raise GrantInvalid()
    channel, secret = _key(retailer_id, parts[1], now)
    if not hmac.compare_digest(signed_texts.mac(secret, signed), mac) or channel is None:
        raise GrantInvalid()
    payload = _payload(parts[2])
    said = {name: payload.get(name) for name in ("code", "sid", "ch", "jti")}
    if not all(isinstance(value, str) and value and "\0" not in value for value in said.values()):
        raise GrantInvalid()
    if len(str(said["jti"])) > 64 or "\0" in str(payload.get("cmp")):
        raise GrantInvalid()
    issued, ends, moment = payload.get("iat"), payload.get("exp"), now.timestamp()
    timely = (
        type(issued) is int
        and type(ends) is int
        and issued <= moment + TOLERANCE_SECONDS
        and moment < ends + TOLERANCE_SECONDS
        and ends <= issued + TTL_SECONDS
    )
    if not timely or said["sid"] != session_hash or said["ch"] != channel.prefix:
        raise GrantInvalid()
    return Grant(channel, str(said["code"]), session_hash, str(payload.get("cmp") or ""), str(said["jti"]))


def _key(retailer_id: int, kid: str, now: datetime) -> tuple[Channel | None, str]:
    """The channel that signs with this key, and the key; an unknown one takes the same path as a wrong signature."""
    rows = Channel.objects.filter(retailer_id=retailer_id)
    if found := rows.filter(kid=kid).first():
        return found, found.secret
    if found := rows.filter(previous_kid=kid, previous_until__gt=now).exclude(previous_kid="").first():
        return found, found.previous_secret
    return None, ""


def _payload(text: str) -> dict[str, Any]:
    try:
        found = signed_texts.payload_of(text)
    except ValueError:
        raise GrantInvalid() from None
    if not isinstance(found, dict):
        raise GrantInvalid()
    return found
