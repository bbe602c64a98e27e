"""Says who calls: reads the credential from the headers, compares its secret, checks origin and scope."""

import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.http import HttpRequest

from offers.clients import ALL, hash_secret
from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.models import Client

log = logging.getLogger("offerkeep.auth")

CLIENT_SIDE = "/client/"
HEADERS = {
    Client.Kind.SERVER.value: ("HTTP_X_APP_ID", "HTTP_X_APP_TOKEN"),
    Client.Kind.BROWSER.value: ("HTTP_X_CLIENT_APPLICATION_ID", "HTTP_X_CLIENT_TOKEN"),
}
TOUCH_EVERY = timedelta(minutes=1)
CACHE_AT_MOST = 10_000
# What an unknown id is compared with, so that it takes the same path as a wrong token.
_NOBODY = secrets.token_bytes(32)

_READ = """
SELECT c.id, c.key, c.kind, c.retailer_id, c.name, c.scopes, c.origins, c.rate_limited, c.secret_hash, v.number,
       c.last_used_at
FROM offers_client c JOIN offers_retailerversion v ON v.retailer_id = c.retailer_id
WHERE c.key = %s AND c.revoked_at IS NULL
"""


class Unauthorized(Refusal):
    """The credentials are missing or wrong."""

    code = "unauthorized"


class NoCredentials(Unauthorized):
    """The credentials are missing or wrong."""


class OriginRefused(Refusal):
    """This credential may not be used from this origin."""

    code = "forbidden"


class MissingPermission(Refusal):
    """The credential lacks a scope that this call needs."""

    code = "missing_required_permission"


@dataclass(frozen=True, slots=True)
class Credential:
    """A live credential as it was at `version` of its retailer's configuration."""

    id: int
    key: str
    kind: str
    retailer_id: int
    name: str
    scopes: frozenset[str]
    origins: frozenset[str]
    rate_limited: bool
    secret_hash: bytes
    version: int
    actor: Actor

    def permits(self, needed: str) -> bool:
        return needed in self.scopes or ALL in self.scopes


_cache: dict[str, Credential] = {}
_touched: dict[int, datetime] = {}


def read_credential(key: str) -> Credential | None:
    """Return the live credential with this key from the database (1 query), and remember it."""
    if not key.isascii() or len(key) > 64 or "\x00" in key:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_READ, [key])
        row = cursor.fetchone()
    if row is None:
        forget(key)
        return None
    ident, key, kind, retailer_id, name, scopes, origins, rate_limited, secret_hash, version, last_used_at = row
    found = Credential(
        id=ident,
        key=key,
        kind=kind,
        retailer_id=retailer_id,
        name=name,
        scopes=frozenset(scopes),
        origins=frozenset(origins),
        rate_limited=rate_limited,
        secret_hash=bytes(secret_hash),
        version=version,
        actor=Actor(kind="API", ident=key, label=name, credential_id=ident),
    )
    if len(_cache) >= CACHE_AT_MOST:
        _cache.clear()
    _cache[key] = found
    if last_used_at is not None and ident not in _touched:
        _touched[ident] = last_used_at
    return found


def cached_credential(key: str) -> Credential | None:
    """Return the credential as this process knows it, from the database only if it does not.

    Whoever uses it must `confirm` it with the retailer version that his own read of the database brought along.
    """
    return _cache.get(key) or read_credential(key)


def forget(key: str) -> None:
    """Drop what this process knows of a credential."""
    _cache.pop(key, None)


def authenticate(request: HttpRequest, *, cached: bool = False, origin_optional: bool = False) -> Credential:
    """Return the caller's credential; addresses under /client/ take browser credentials, the others a server's.

    Refuses unauthorized (absent, unknown, revoked or wrong, all alike) and forbidden (origin).
    """
    meta = request.META
    kind = "browser" if request.path_info.startswith(CLIENT_SIDE) else "server"
    id_header, token_header = HEADERS[kind]
    key, token = meta.get(id_header), meta.get(token_header)
    if not key or not token:
        raise NoCredentials()
    found = known(key, token, kind, cached=cached)
    if kind == "browser":
        check_origin(found, meta.get("HTTP_ORIGIN"), optional=origin_optional)
    return found


def known(key: str, secret: str, kind: str, *, cached: bool) -> Credential:
    """Return the live credential of this kind with this key and secret, else refuse (unauthorized)."""
    found = cached_credential(key) if cached else read_credential(key)
    fits = found is not None and found.kind == kind
    right = hmac.compare_digest(hash_secret(secret), found.secret_hash if fits and found else _NOBODY)
    if fits and right and found:
        return found
    # A secret that was rotated a moment ago in another process: what is remembered here may be the old one.
    if cached and found is not None and read_credential(key) != found:
        return known(key, secret, kind, cached=False)
    raise Unauthorized()


def check_origin(credential: Credential, origin: str | None, *, optional: bool = False) -> None:
    """Refuse (forbidden) an origin that is not on the credential's list; none at all passes only where optional."""
    if not origin:
        if optional:
            return
        raise OriginRefused("This credential needs an Origin header")
    if "*" not in credential.origins and origin.lower() not in credential.origins:
        raise OriginRefused()


def require(credential: Credential, scope: str) -> None:
    """Refuse (missing_required_permission) a credential without the scope."""
    if scope not in credential.scopes and ALL not in credential.scopes:
        raise MissingPermission(f"This call needs the scope {scope}")


def confirm(credential: Credential, version: int) -> Credential:
    """Return the credential as it is at this version of the retailer's configuration; 0 queries if nothing changed.

    The number comes from a read made after `authenticate`. Refuses unauthorized when the credential was revoked or
    rotated since this process remembered it; the caller checks a changed scope or origin again.
    """
    if version <= credential.version:
        return credential
    fresh = read_credential(credential.key)
    if fresh is None or fresh.secret_hash != credential.secret_hash or fresh.retailer_id != credential.retailer_id:
        raise Unauthorized()
    return fresh


def touch(credential: Credential, now: datetime) -> None:
    """Note that the credential is in use, at most once a minute and process; never fails a request."""
    last = _touched.get(credential.id)
    if last is not None and now - last < TOUCH_EVERY:
        return
    if len(_touched) >= CACHE_AT_MOST:
        _touched.clear()
    _touched[credential.id] = now
    try:
        Client.objects.filter(id=credential.id).update(last_used_at=now)
    except DatabaseError as error:
        log.warning("last use not noted: %s", type(error).__name__)
