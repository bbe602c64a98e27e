"""Says whether the server lives (/healthz), whether it can work (/readyz), and how it fares (/metrics)."""

import hmac
import ipaddress
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson
import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse

from project import errors, metrics

log = logging.getLogger("offerkeep.health")


@dataclass(frozen=True)
class Reading:
    """What a probe found: whether work is possible, a figure for the curve, a word for people."""

    ok: bool
    value: float
    detail: str = ""


def database() -> Reading:
    """One statement answered."""
    started = time.perf_counter()
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except (DatabaseError, InterfaceError) as error:
        log.error("database unavailable: %s", error)
        return Reading(False, 0.0, "cannot be reached")
    return Reading(True, time.perf_counter() - started)


def broker() -> Reading:
    """Redis answers; without it locking and redeeming still work, so it is reported and not required."""
    started = time.perf_counter()
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    try:
        client.ping()
    except redis.RedisError:
        return Reading(False, 0.0, "cannot be reached; background work waits")
    finally:
        client.close()
    return Reading(True, time.perf_counter() - started)


@dataclass(frozen=True)
class Probe:
    """A thing to look at: `required` ones make the server unready, the others are only reported."""

    name: str
    read: Callable[[], Reading]
    required: bool


# Apps' figures are added here: a probe calls one query of the app and judges its answer.
PROBES = [Probe("database", database, required=True), Probe("broker", broker, required=False)]


def read_all() -> dict[str, Reading]:
    """Take every reading; once the database is known to be away, what needs it is not asked."""
    readings: dict[str, Reading] = {}
    for probe in PROBES:
        try:
            readings[probe.name] = probe.read()
        except (DatabaseError, InterfaceError):
            readings[probe.name] = Reading(False, 0.0, "not known without the database")
    return readings


def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers; asks nothing else, so that a slow database restarts nobody."""
    return HttpResponse(b'{"status":"ok"}', content_type="application/json")


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when every required probe is well, else 503; all readings in the body."""
    readings = read_all()
    ready = all(readings[probe.name].ok for probe in PROBES if probe.required)
    body = {
        "status": "ok" if ready else "unavailable",
        "checks": {name: _shown(reading) for name, reading in readings.items()},
    }
    return HttpResponse(orjson.dumps(body), status=200 if ready else 503, content_type="application/json")


def _shown(reading: Reading) -> dict[str, object]:
    shown: dict[str, object] = {"ok": reading.ok, "value": round(reading.value, 4)}
    return {**shown, "detail": reading.detail} if reading.detail else shown


def show_metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for this machine or the holder of METRICS_TOKEN."""
    if not may_read_metrics(request):
        return errors.envelope(403, request)
    values: dict[str, float] = {}
    for name, reading in read_all().items():
        values[f"{name}_ok"] = float(reading.ok)
        values[f"{name}_value"] = reading.value
    return HttpResponse(metrics.render(values), content_type="text/plain; version=0.0.4; charset=utf-8")


def may_read_metrics(request: HttpRequest) -> bool:
    """A bearer of METRICS_TOKEN may; without one configured only a direct call from this machine may."""
    if settings.METRICS_TOKEN:
        sent = request.META.get("HTTP_AUTHORIZATION", "").encode()
        return hmac.compare_digest(sent, f"Bearer {settings.METRICS_TOKEN}".encode())
    if request.META.get("HTTP_X_FORWARDED_FOR") or request.META.get("HTTP_FORWARDED"):
        return False  # came through a proxy, which may itself stand on this machine
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


VIEWS = {"/healthz": healthz, "/readyz": readyz, "/metrics": show_metrics}
