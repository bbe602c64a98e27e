"""How often a caller may call: per credential, per browser address, and how many codes or tokens he may guess.

A credential without `rate_limited` (demos, trusted callers) is never counted. Permits are taken from the shared counter
a few at a time, so that a busy server asks Redis once in fifty calls; a process may leave a few unused at the end.
"""

import ipaddress
import logging
import time
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from checkout.api.common import meters
from checkout.api.common.auth import Credential
from offers.lib.errors import Refusal

log = logging.getLogger("offerkeep.alarm")

TYPE = "api_calls"
LEASES_OF_A_LIMIT = 50
MINUTE = 60


class TooManyRequests(Refusal):
    """Slow down and try again later."""

    code = "too_many_requests"


@dataclass(slots=True)
class Lease:
    """Permits this process holds of one window, and what was left for all when it took them."""

    permits: int
    remaining: int
    ends: int  # time.monotonic_ns()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands after one more call."""

    allowed: bool
    limit: int
    remaining: int
    seconds_left: int


_leases: dict[str, Lease] = {}
# (credential, address) -> monotonic moment until which it is locked out
_locked: dict[str, int] = {}


def address(request: HttpRequest) -> str:
    """Return the network the caller is counted as: a home has a whole IPv6 /64 (LIMIT_PREFIX_V4, LIMIT_PREFIX_V6)."""
    text = _sent_from(request)
    found = _read(text)
    if found is None:
        return text[:45]
    prefix = settings.LIMIT_PREFIX_V4 if found.version == 4 else settings.LIMIT_PREFIX_V6
    return str(ipaddress.ip_network((found, min(prefix, found.max_prefixlen)), strict=False).network_address)


def is_loopback(request: HttpRequest) -> bool:
    """Whether the caller is on this machine."""
    found = _read(_sent_from(request))
    return found is not None and found.is_loopback


def _sent_from(request: HttpRequest) -> str:
    """Return the caller's address; X-Forwarded-For counts only as many hops as PROXY_HOPS says are our own."""
    hops = settings.PROXY_HOPS
    if hops:
        forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        if len(forwarded) >= hops:
            return str(forwarded[-hops])
    return str(request.META.get("REMOTE_ADDR", ""))


def _read(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address a text is; an IPv4 address that is written as an IPv6 one is itself."""
    try:
        found = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def take(credential: Credential, request: HttpRequest) -> Standing | None:
    """Count one call; None when the credential is not limited. Refuses too_many_requests while it is locked out."""
    if not credential.rate_limited:
        return None
    if _locked:
        _refuse_locked(credential, request)
    if credential.kind == "browser":
        name = f"ip:{credential.id}:{address(request)}"
        return count(name, settings.RATE_LIMIT_BROWSER, settings.RATE_LIMIT_BROWSER_SECONDS)
    if credential.kind == "publishable":  # one key, but a whole launch of shoppers
        return count(f"page:{credential.id}:{address(request)}", settings.RATE_LIMIT_PER_MINUTE, MINUTE)
    return count(f"client:{credential.id}", settings.RATE_LIMIT_PER_MINUTE, MINUTE)


def count(name: str, limit: int, seconds: int) -> Standing:
    now = time.monotonic_ns()
    lease = _leases.get(name)
    if lease is None or lease.ends <= now or (lease.permits < 1 and lease.remaining > 0):
        lease = _leases[name] = _new_lease(name, limit, seconds, now)
    allowed = lease.permits > 0
    if allowed:
        lease.permits -= 1
    return Standing(
        allowed=allowed,
        limit=limit,
        remaining=lease.remaining + lease.permits,
        seconds_left=max(1, -((now - lease.ends) // 10**9)),
    )


def _new_lease(name: str, limit: int, seconds: int, now: int) -> Lease:
    if len(_leases) >= meters.NAMES_AT_MOST:
        _leases.clear()
    wanted = max(1, limit // LEASES_OF_A_LIMIT)
    taken, ms_left = meters.add(name, wanted, seconds)
    return Lease(
        permits=min(wanted, max(0, limit - taken + wanted)),
        remaining=max(0, limit - taken),
        ends=now + ms_left * 10**6,
    )


def note_unknown_codes(credential: Credential, request: HttpRequest, number: int) -> None:
    """Count codes that do not exist; who asks for too many is locked out for the rest of the window, with an alarm."""
    if number < 1 or not credential.rate_limited:
        return
    name = _guesser(credential, request)
    most = settings.GUESS_LIMIT_BROWSER if credential.kind == "browser" else settings.GUESS_LIMIT_SERVER
    counted, ms_left = meters.add(f"guess:{name}", number, settings.GUESS_SECONDS)
    if counted <= most:
        return
    if len(_locked) >= meters.NAMES_AT_MOST:
        _locked.clear()
    _locked[name] = time.monotonic_ns() + ms_left * 10**6
    log.error(
        "code guessing: client %s from %s asked for %s unknown codes; locked for %s s",
        credential.key,
        address(request),
        counted,
        ms_left // 1000,
    )


def _refuse_locked(credential: Credential, request: HttpRequest) -> None:
    name = _guesser(credential, request)
    until = _locked.get(name)
    if until is None:
        return
    now = time.monotonic_ns()
    if until > now:
        raise TooManyRequests("Too many unknown codes", retry_after=-((now - until) // 10**9))
    del _locked[name]


def _guesser(credential: Credential, request: HttpRequest) -> str:
    return f"{credential.id}:{address(request)}"


def note_failed_login(request: HttpRequest) -> None:
    """Count a wrong credential; beyond the limit per address the answer is too_many_requests instead of 401.

    Right credentials from the same address are never refused for it: many shops may share one.
    """
    counted, ms_left = meters.add(f"login:{address(request)}", 1, MINUTE)
    if counted > settings.AUTH_FAILURE_LIMIT:
        if counted == settings.AUTH_FAILURE_LIMIT + 1:
            log.error("token guessing: %s wrong credentials within a minute from %s", counted, address(request))
        raise TooManyRequests("Too many wrong credentials", retry_after=ms_left // 1000 + 1)


def refuse(standing: Standing) -> None:
    """Refuse (too_many_requests) a caller who has no call left."""
    raise TooManyRequests(retry_after=standing.seconds_left)


def tell(response: HttpResponse, standing: Standing, unix_now: int) -> None:
    """Say on the answer where the caller stands."""
    response["X-Rate-Limit-Limit"] = str(standing.limit)
    response["X-Rate-Limit-Remaining"] = str(standing.remaining)
    response["X-Rate-Limit-Retry"] = str(unix_now + standing.seconds_left)
    response["X-Rate-Limit-Type"] = TYPE


def reset() -> None:
    """Forget what this process knows (tests)."""
    _leases.clear()
    _locked.clear()
    meters.reset()
