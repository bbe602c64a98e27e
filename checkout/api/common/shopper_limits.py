"""How often one shopper may do what robots do most: become a guest, enter, bid, ask again; and one token be validated.

Counted with `meters`, so in one round trip and never the reason of a slow or failed request. Not for callers on this
machine unless LIMITS_ON_LOOPBACK says so.
"""

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from checkout.api.common import limits, meters

log = logging.getLogger("offerkeep.alarm")

MINUTE = 60


def guest(request: HttpRequest) -> None:
    """Count a new guest. Refuses too_many_requests beyond GUEST_LIMIT_ADDRESS a minute and address."""
    _count(request, {f"guest:{limits.address(request)}": settings.GUEST_LIMIT_ADDRESS})


def entry(request: HttpRequest, consumer: int) -> None:
    """Count an entry into a launch. Refuses too_many_requests beyond the limits of a consumer, and of an address."""
    _count(
        request,
        {
            f"entry:c:{consumer}": settings.ENTRY_LIMIT_CONSUMER,
            f"entry:a:{limits.address(request)}": settings.ENTRY_LIMIT_ADDRESS,
        },
    )


def bid(request: HttpRequest, consumer: int) -> None:
    """Count a bid. Refuses too_many_requests beyond BID_LIMIT_CONSUMER a minute."""
    _count(request, {f"bid:{consumer}": settings.BID_LIMIT_CONSUMER})


def validation(request: HttpRequest, token: str) -> None:
    """Count a look at one token. Refuses too_many_requests beyond VALIDATE_LIMIT_TOKEN a minute."""
    named = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    _count(request, {f"token:{named}": settings.VALIDATE_LIMIT_TOKEN})


def unknown_codes(request: HttpRequest, *, more: int = 0) -> None:
    """Count codes typed into the shop's pages that do not exist. Refuses too_many_requests to who tried too many."""
    if is_exempt(request):
        return
    counted, ms_left = meters.add(f"codes:{limits.address(request)}", more, settings.GUESS_SECONDS)
    if counted > settings.GUESS_LIMIT_BROWSER:
        raise limits.TooManyRequests("Too many unknown codes", retry_after=-(-ms_left // 1000))


def poll(request: HttpRequest, consumer: int, document: Mapping[str, Any]) -> None:
    """Refuse (too_many_requests) a status document that is asked for twice within half of its `poll_after_seconds`.

    A few polls more may come at once (a page that is looked at again, a second tab), and who has news is told them
    however often he asks: another stage or status, an admission, a pause.
    """
    if not settings.POLL_LIMIT or is_exempt(request):
        return
    admission = document["admission"] or {}
    news = (document["stage"], document["status"], document.get("paused"), admission.get("id"))
    early = meters.pace(
        f"poll:{consumer}:{document.get('distribution_id', '')}",
        every_ms=document["poll_after_seconds"] * 500,
        spare=settings.POLL_SPARE,
        told=" ".join(str(part) for part in news),
    )
    if early:
        raise limits.TooManyRequests("Ask again after poll_after_seconds", retry_after=-(-early // 1000))


def is_exempt(request: HttpRequest) -> bool:
    """Whether the caller is on this machine, and such callers are not counted."""
    return not settings.LIMITS_ON_LOOPBACK and limits.is_loopback(request)


def _count(request: HttpRequest, names: Mapping[str, int]) -> None:
    limited = {name: most for name, most in names.items() if most}
    if not limited or is_exempt(request):
        return
    for (name, most), (count, ms_left) in zip(
        limited.items(), meters.add_all(list(limited), seconds=MINUTE), strict=True
    ):
        if count <= most:
            continue
        if count == most + 1 and "HTTP_X_FORWARDED_FOR" in request.META and not settings.PROXY_HOPS:
            log.error("%s is counted as one caller, but forwards for others: is PROXY_HOPS right?", name)
        raise limits.TooManyRequests(retry_after=-(-ms_left // 1000))
