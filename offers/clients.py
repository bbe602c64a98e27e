"""Credentials of the API: issued once in the clear, kept as a hash, rotated and revoked, with an audit row each."""

import hashlib
import re
import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import InvalidPayload, NotFound, Refusal
from offers.lib.ids import new_id
from offers.models import Client

SECRET_BYTES = 32
NAME_MOST = 100
ALL = "*"
RESOURCES = (
    "validations",  # validate, lock, release
    "qualifications",
    "redemptions",
    "rollbacks",
    "vouchers",
    "campaigns",
    "promotions",
    "rules",
    "customers",
    "orders",
    "products",
    "async_actions",
)
# Of HTTP Basic credentials: the offer, POS and loyalty families.
OFFER_SCOPES = ("offers.manage", "offers.read", "pos", "loyalty")
SCOPES = frozenset(
    {ALL, *(f"{resource}:{right}" for resource in RESOURCES for right in ("read", "write")), *OFFER_SCOPES}
)
BROWSER_SCOPES = ("validations:write", "redemptions:write", "qualifications:write")
_PREFIX = {
    Client.Kind.SERVER: "app_",
    Client.Kind.BROWSER: "web_",
    Client.Kind.PUBLISHABLE: "pk_",
    Client.Kind.SECRET: "sk_",
}
_DEFAULT_SCOPES = {
    Client.Kind.SERVER: (ALL,),
    Client.Kind.BROWSER: BROWSER_SCOPES,
    Client.Kind.BASIC: OFFER_SCOPES,
    Client.Kind.PUBLISHABLE: (),
    Client.Kind.SECRET: (),
}
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?|\*")


class UnknownScope(Refusal):
    """There is no such scope."""

    code = "unknown_scope"


def hash_secret(secret: str) -> bytes:
    """Return what is stored of a secret. It is 32 random bytes, so one round of SHA-256 is not to be guessed back."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def create(
    *,
    retailer_id: int,
    kind: str,
    name: str,
    actor: Actor,
    now: datetime,
    scopes: Iterable[str] | None = None,
    origins: Iterable[str] = (),
    rate_limited: bool = True,
    request_id: str = "",
) -> tuple[Client, str]:
    """Issue a credential and return it with its secret, which is shown this once.

    A server's default scope is everything, a browser's what a checkout page needs, that of HTTP Basic its dialect;
    the key of the last is a UUID, its `client_id`. A publishable key has no secret but itself, and a secret key is one
    text, `sk_…`, whose beginning is its key. Refuses unknown_scope and
    invalid_payload (kind, or an origin that is not scheme://host[:port] or *).
    """
    if kind not in _DEFAULT_SCOPES:
        raise InvalidPayload(f"A credential is of kind {' or '.join(_DEFAULT_SCOPES)}")
    if scopes is None:
        scopes = _DEFAULT_SCOPES[Client.Kind(kind)]
    key = str(uuid.uuid4()) if kind == Client.Kind.BASIC else new_id(_PREFIX[Client.Kind(kind)])
    secret = _new_secret(kind, key)
    client = Client(
        retailer_id=retailer_id,
        kind=kind,
        name=name,
        key=key,
        secret_hash=hash_secret(secret),
        scopes=_known_scopes(scopes),
        origins=_clean_origins(origins),
        rate_limited=rate_limited,
        created_at=now,
    )
    with transaction.atomic():
        client.save(force_insert=True)
        _record(client, "client.create", actor, now, request_id, None, _facts(client))
    return client, secret


def rotate(
    *, retailer_id: int, key: str, actor: Actor, now: datetime, reason: str = "", request_id: str = ""
) -> tuple[Client, str]:
    """Give a live credential a new secret and return it; the old one is refused from the next request on."""
    with transaction.atomic():
        client = _locked(retailer_id, key)
        secret = _new_secret(client.kind, client.key)
        client.secret_hash = hash_secret(secret)
        client.save(update_fields=["secret_hash"])
        _record(client, "client.rotate", actor, now, request_id, {}, {"secret": "replaced"}, reason)
    return client, secret


def rename(*, retailer_id: int, key: str, name: str, actor: Actor, now: datetime, request_id: str = "") -> Client:
    """Call a live credential something else; what it may do and its secret stay. Refuses not_found, and
    invalid_payload for a name that is empty or longer than 100 characters.
    """
    wanted = name.strip()
    if not wanted or len(wanted) > NAME_MOST:
        raise InvalidPayload(f"A credential's name has 1 to {NAME_MOST} characters", field="name")
    with transaction.atomic():
        client = _locked(retailer_id, key)
        before, client.name = client.name, wanted
        if before != wanted:
            client.save(update_fields=["name"])
            _record(client, "client.rename", actor, now, request_id, {"name": before}, {"name": wanted})
    return client


def revoke(
    *, retailer_id: int, key: str, actor: Actor, now: datetime, reason: str = "", request_id: str = ""
) -> Client:
    """End a credential for good; it is refused from the next request on. Revoking again is not_found."""
    with transaction.atomic():
        client = _locked(retailer_id, key)
        client.revoked_at = now
        client.save(update_fields=["revoked_at"])
        _record(client, "client.revoke", actor, now, request_id, {"revoked_at": None}, {"revoked_at": now}, reason)
    return client


def _new_secret(kind: str, key: str) -> str:
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return f"{key}_{secret}" if kind == Client.Kind.SECRET else secret


def _locked(retailer_id: int, key: str) -> Client:
    found = Client.objects.select_for_update().filter(retailer_id=retailer_id, key=key, revoked_at=None).first()
    if found is None:
        raise NotFound("client", key)
    return found


def _known_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = sorted(set(scopes))
    if unknown := [scope for scope in wanted if scope not in SCOPES]:
        raise UnknownScope(f"There is no scope {unknown[0]}", scope=unknown[0])
    return wanted


def _clean_origins(origins: Iterable[str]) -> list[str]:
    cleaned = sorted({origin.strip().lower().rstrip("/") for origin in origins})
    if wrong := [origin for origin in cleaned if not _ORIGIN.fullmatch(origin)]:
        raise InvalidPayload(f"{wrong[0][:100]} is not an origin such as https://shop.example")
    return cleaned


def _facts(client: Client) -> dict[str, Any]:
    names = ("kind", "name", "key", "scopes", "origins", "rate_limited")
    return {name: getattr(client, name) for name in names}


def _record(
    client: Client,
    action: str,
    actor: Actor,
    now: datetime,
    request_id: str,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    reason: str = "",
) -> None:
    audit.record(
        retailer_id=client.retailer_id,
        actor=actor,
        action=action,
        object_type="client",
        object_id=client.key,
        before=before,
        after={name: value.isoformat() if isinstance(value, datetime) else value for name, value in after.items()},
        reason=reason,
        now=now,
        request_id=request_id,
    )
