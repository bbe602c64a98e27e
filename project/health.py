"""Says whether the server lives (/healthz), whether it can work (/readyz), and how it fares (/metrics)."""

import hmac
import ipaddress

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from project import errors, metrics, probes


def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers; asks nothing else, so that a slow database restarts nobody."""
    return HttpResponse(b'{"status":"ok"}', content_type="application/json")


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when every required probe is well, else 503; all readings in the body."""
    readings = probes.read_all()
    ready = all(readings[probe.name].ok for probe in probes.PROBES if probe.required)
    body = {
        "status": "ok" if ready else "unavailable",
        "checks": {name: _shown(reading) for name, reading in readings.items()},
    }
    return HttpResponse(orjson.dumps(body), status=200 if ready else 503, content_type="application/json")


def _shown(reading: probes.Reading) -> dict[str, object]:
    shown: dict[str, object] = {"ok": reading.ok, "seconds": round(reading.seconds, 4)}
    return {**shown, "detail": reading.detail} if reading.detail else shown


def show_metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for this machine or the holder of METRICS_TOKEN."""
    if not may_read_metrics(request):
        return errors.envelope(403, request)
    values: dict[str, float] = {}
    for name, reading in probes.read_all().items():
        values[f"{name}_ok"] = float(reading.ok)
        values[f"{name}_seconds"] = reading.seconds
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
