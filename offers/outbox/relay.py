"""Carries waiting events to their endpoints: many at a time, and none of them holding up the others."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime

from django.conf import settings

from offers.lib import sealing, signing
from offers.outbox import delivery, endpoints, payloads, sender
from offers.outbox.models import Delivery

log = logging.getLogger(__name__)

PLACES = 16  # deliveries under way at once, all of them waiting for somebody else's network
SHARE = 4  # of them for one endpoint; one that has just failed gets a single place
Flight = dict[Future[sender.Answer], Delivery]


def run(*, tell: Callable[[], datetime], seconds: int) -> int:
    """Deliver what is due until nothing is left or `seconds` have passed; return how many attempts were made.

    `tell` says what time it is: an attempt takes a while. Threads only talk to the network; the database is this
    thread's alone. Any number of relays may run beside each other.
    """
    until, attempts = time.monotonic() + seconds, 0
    struggling: set[int] = set()
    under_way: Flight = {}
    delivery.pause_idle()
    with ThreadPoolExecutor(PLACES, thread_name_prefix="webhook") as pool:
        while True:
            taken = 0
            if time.monotonic() < until:
                taken = delivery.fan_out(now=tell()) + _take_up(pool, under_way, struggling, tell)
            if under_way:
                for ended in wait(under_way, timeout=1, return_when=FIRST_COMPLETED).done:
                    _write_down(under_way.pop(ended), ended, struggling, tell())
                    attempts += 1
            elif not taken:
                return attempts


def _take_up(pool: ThreadPoolExecutor, under_way: Flight, struggling: set[int], tell: Callable[[], datetime]) -> int:
    """Fill the free places and return how many deliveries were claimed for them."""
    free = PLACES - len(under_way)
    counts = Counter(one.endpoint_id for one in under_way.values())
    busy = [endpoint for endpoint, count in counts.items() if endpoint in struggling or count >= SHARE]
    claimed = delivery.claim(now=tell(), limit=free, share=SHARE, busy=busy, slow=struggling) if free else []
    for one in claimed:
        if delivery.exhausted(one):
            delivery.failed_here(one, "no attempt came to an end: the worker died each time", now=tell())
            continue
        try:
            body, headers = _letter(one, tell())
        except Exception as problem:  # one event nobody can put into words must not hold up the rest
            log.exception("webhook %s cannot be written", one.event.public_id)
            delivery.failed_here(one, f"{type(problem).__name__}: {problem}", now=tell())
            continue
        under_way[pool.submit(_send, one.endpoint.url, body, headers)] = one
    return len(claimed)


def _letter(one: Delivery, now: datetime) -> tuple[bytes, dict[str, str]]:
    body = payloads.body(one.event)
    if endpoints.secret(one.endpoint) is None:
        raise sealing.Unreadable("its secret was sealed under another SECRET_KEY: make a new one")
    secrets = endpoints.secrets_in_use(one.endpoint, now=now)
    stamped = signing.stamp(secrets, body, at=int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Offerkeep-Webhooks/1",
        "X-Voucherify-Signature": signing.sign(secrets[0], body),
        "Offerkeep-Signature": stamped,
        "X-Offerkeep-Signature": stamped,  # its name before
    }
    return body, headers


def _send(url: str, body: bytes, headers: dict[str, str]) -> sender.Answer:
    return sender.post(
        url,
        body,
        headers,
        seconds=settings.WEBHOOK_TIMEOUT_SECONDS,
        allow_http=settings.WEBHOOK_ALLOW_HTTP,
        allow_loopback=settings.WEBHOOK_ALLOW_LOOPBACK,
    )


def _write_down(one: Delivery, ended: Future[sender.Answer], struggling: set[int], now: datetime) -> None:
    problem = ended.exception()
    if problem is not None:
        log.error("webhook %s could not be sent", one.event.public_id, exc_info=problem)
        delivery.failed_here(one, f"{type(problem).__name__}: {problem}", now=now)
        return
    answer = ended.result()
    delivery.answered(one, answer, now=now)
    if answer.accepted:
        struggling.discard(one.endpoint_id)
    else:
        struggling.add(one.endpoint_id)
