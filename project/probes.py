"""Looks at what the server depends on: database, broker, undelivered events, untidied holds."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Min

from offers.ledger.models import Hold
from offers.lib import clock
from offers.outbox import delivery

log = logging.getLogger("offerkeep.health")

LATE_SECONDS = 300


@dataclass(frozen=True)
class Reading:
    """What a probe found: whether all is well, a figure in seconds for the curve, a word for people."""

    ok: bool
    seconds: float
    detail: str = ""


GOOD = Reading(True, 0)
UNKNOWN = Reading(False, 0, "not known without the database")


@dataclass(frozen=True)
class Probe:
    """A thing to look at: a `required` one makes the server unready, the others are only reported."""

    name: str
    read: Callable[[datetime], Reading]
    required: bool


def database(now: datetime) -> Reading:
    """One statement answered."""
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return Reading(True, time.perf_counter() - started)


def broker(now: datetime) -> Reading:
    """Redis answers. Locking and redeeming work without it, so it is not required."""
    started = time.perf_counter()
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    try:
        client.ping()
    except redis.RedisError:
        return Reading(False, 0, "cannot be reached; background work waits")
    finally:
        client.close()
    return Reading(True, time.perf_counter() - started)


def outbox(now: datetime) -> Reading:
    """How long the oldest event has waited for its turn, or the most overdue delivery for its next attempt."""
    return _age("webhook events wait", now, now - delivery.lag(now=now))


def sweeper(now: datetime) -> Reading:
    """How long the oldest lapsed lock has waited to be tidied; its unit is free all the same."""
    lapsed = Hold.objects.filter(state=Hold.State.LIVE, pinned=False, expires_at__lte=now)
    return _age("lapsed locks wait", now, lapsed.aggregate(at=Min("expires_at"))["at"])


def _age(what: str, now: datetime, *moments: datetime | None) -> Reading:
    seconds = max([(now - moment).total_seconds() for moment in moments if moment], default=0)
    late = seconds > LATE_SECONDS
    return Reading(
        not late, max(seconds, 0), f"{what} longer than {LATE_SECONDS} s: is a worker running?" if late else ""
    )


PROBES = [
    Probe("database", database, required=True),
    Probe("broker", broker, required=False),
    Probe("outbox", outbox, required=False),
    Probe("sweeper", sweeper, required=False),
]


def read_all() -> dict[str, Reading]:
    """Take every reading; a lost database is asked once, so that the answer stays quick."""
    now = clock.now()
    readings: dict[str, Reading] = {}
    for probe in PROBES:
        try:
            lost = probe.name != "broker" and not readings.get("database", GOOD).ok
            readings[probe.name] = UNKNOWN if lost else probe.read(now)
        except (DatabaseError, InterfaceError) as error:
            log.error("probe %s failed: %s", probe.name, error)
            readings[probe.name] = Reading(False, 0, "the database cannot be reached, or refuses")
    return readings
