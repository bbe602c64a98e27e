"""Counts requests for Prometheus; several web processes share the counts through PROMETHEUS_MULTIPROC_DIR."""

import os
from collections.abc import Iterator
from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

requests = Counter("offerkeep_http_requests_total", "Answered requests.", ["route", "method", "status"])
durations = Histogram("offerkeep_http_request_seconds", "Time to answer.", ["route"], buckets=BUCKETS)


# Finding a counter by its labels costs as much as counting.
_request_counter = cache(requests.labels)
_duration_counter = cache(durations.labels)


def count_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answer under its route, never its path: the labels stay few."""
    _request_counter(route, method, status).inc()
    _duration_counter(route).observe(seconds)


class Readings:
    """Figures taken for one scrape. A Gauge would be kept per process, and say what was true long ago."""

    def __init__(self, values: dict[str, float]) -> None:
        self.values = values

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, value in self.values.items():
            yield GaugeMetricFamily(f"offerkeep_{name}", "Read when scraped.", value)


def render(values: dict[str, float]) -> bytes:
    """Return Prometheus text: the counts of all processes, and readings taken now."""
    now = CollectorRegistry()
    now.register(Readings(values))
    counted = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    return generate_latest(counted) + generate_latest(now)
