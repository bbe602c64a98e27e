"""Handoffs: one-time codes that carry an admission to a checkout in an address, and addresses one may be sent to."""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from checkout.admission.models import Admission, Handoff
from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.models import Retailer

_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
LIFE = timedelta(seconds=60)
LONGEST = 2000
KEPT = timedelta(days=1)


class ReturnRefused(Refusal):
    """Nobody may be sent to this address."""

    code = "return_url_refused"


class CodeRefused(Refusal):
    """This code is unknown, was used, or is too old."""

    code = "handoff_code_refused"


def origin_of(url: str) -> str:
    """Return scheme://host[:port] of an http(s) address. Refuses return_url_refused: javascript:, user names, junk."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ReturnRefused() from error
    strange = len(url) > LONGEST or any(ord(char) <= 32 or char == "\\" for char in url) or "@" in parts.netloc
    if strange or parts.scheme not in ("http", "https") or not parts.hostname or "*" in parts.netloc:
        raise ReturnRefused()
    # What ends up in a policy header must be a host and nothing else; others are written as punycode.
    if not _HOST.fullmatch(parts.hostname):
        raise ReturnRefused()
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}")


def create(*, admission: Admission, return_url: str, allowed: Collection[str], now: datetime) -> str:
    """Return a code for this admission and one of the `allowed` origins, exactly. Refuses return_url_refused."""
    origin = origin_of(return_url)
    if origin not in allowed:
        raise ReturnRefused()
    code = secrets.token_urlsafe(24)
    Handoff.objects.create(
        admission=admission, code_hash=_hash(code), origin=origin, created_at=now, expires_at=now + LIFE
    )
    return code


def set_return_origins(*, retailer_id: int, origins: Collection[str], actor: Actor, now: datetime) -> list[str]:
    """Say which origins shoppers may be handed to, exactly. Refuses return_url_refused for what is no exact origin."""
    wanted = list(dict.fromkeys(origins))
    if any(origin_of(text) != text for text in wanted):
        raise ReturnRefused()
    with transaction.atomic():
        row = Retailer.objects.select_for_update(no_key=True).get(pk=retailer_id)
        before = row.settings.get("return_origins", [])
        row.settings = {**row.settings, "return_origins": wanted}
        row.save(update_fields=["settings"])
        audit.record(
            retailer_id=retailer_id,
            actor=actor,
            action="retailer.return_origins",
            object_type="retailer",
            object_id=row.public_id,
            now=now,
            before={"return_origins": before},
            after={"return_origins": wanted},
        )
    return wanted


def allowed_origins(settings: Mapping[str, Any]) -> list[str]:
    """Return the `return_origins` of a retailer's settings; what is not an exact origin is none."""
    found = []
    for text in settings.get("return_origins", []):
        try:
            if origin_of(text) == text:
                found.append(text)
        except ReturnRefused:
            continue
    return found


def exchange(*, code: str, now: datetime, origin: str | None = None, retailer_id: int = 0) -> Admission:
    """Return the admission a code stands for, once: to the origin it is for, or to that retailer's server.

    Refuses handoff_code_refused, for every reason alike.
    """
    fresh = Handoff.objects.filter(code_hash=_hash(code), used_at=None, expires_at__gt=now)
    fresh = fresh.filter(origin=origin) if origin is not None else fresh.filter(admission__retailer_id=retailer_id)
    found = fresh.values_list("pk", flat=True).first()
    # By its own columns alone: a condition on another table is not looked at again after waiting for the row, and both
    # of two exchanges at once would get it.
    if found is None or not Handoff.objects.filter(pk=found, used_at=None).update(used_at=now):
        raise CodeRefused()
    return Admission.objects.select_related("distribution__sequence__experience").get(handoffs__code_hash=_hash(code))


def issuer(code: str) -> Retailer | None:
    """Return whose code it is, used or not, without using it; None for one that nobody made."""
    found = Handoff.objects.filter(code_hash=_hash(code)).select_related("admission__retailer").first()
    return found.admission.retailer if found else None


def forget(*, now: datetime, most: int = 1000) -> int:
    """Delete codes that have been worth nothing for a day, the oldest first; returns how many."""
    old = Handoff.objects.order_by("pk").values_list("pk", "expires_at")[:most]
    return Handoff.objects.filter(pk__in=[pk for pk, until in old if until <= now - KEPT]).delete()[0]


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
