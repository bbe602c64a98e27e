"""/healthz lives, /readyz can work, /metrics is for those who may see it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from offers.ledger.models import Hold
from offers.outbox.models import Event
from project import probes

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ready(client: Client) -> tuple[int, dict[str, Any]]:
    response = client.get("/readyz")
    return response.status_code, json.loads(response.content)["checks"]


def test_it_lives_without_database_or_broker(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["offers.example"]
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_it_is_ready_with_both(client: Client, valkey: str) -> None:
    status, checks = ready(client)
    assert status == 200
    assert {name: check["ok"] for name, check in checks.items()} == dict.fromkeys(checks, True)
    assert set(checks) == {"database", "broker", "outbox", "sweeper"}


@pytest.mark.django_db
def test_it_is_ready_without_the_broker_and_says_so(client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    status, checks = ready(client)
    assert (status, checks["broker"]["ok"], checks["database"]["ok"]) == (200, False, True)


def test_it_is_not_ready_without_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(now: datetime) -> probes.Reading:
        raise OperationalError("connection refused")

    asked: list[datetime] = []

    def ask(now: datetime) -> probes.Reading:
        asked.append(now)
        return probes.GOOD

    monkeypatch.setattr(probes, "PROBES", [probes.Probe("database", lost, True), probes.Probe("outbox", ask, False)])
    status, checks = ready(client)
    assert (status, checks["database"]["ok"], checks["outbox"]["ok"]) == (503, False, False)
    assert asked == []


@pytest.mark.django_db
def test_it_tells_how_long_an_event_has_waited(set_clock: Callable[[datetime], None]) -> None:
    Event.objects.create(retailer_id=1, type="x", created_at=NOW - timedelta(seconds=301))
    set_clock(NOW)
    reading = probes.read_all()["outbox"]
    assert (reading.ok, reading.seconds) == (False, 301)
    Event.objects.update(fanned_out_at=NOW)
    assert probes.read_all()["outbox"] == probes.Reading(True, 0)


@pytest.mark.django_db
def test_it_tells_how_long_a_lapsed_lock_has_waited(set_clock: Callable[[datetime], None]) -> None:
    times = {"created_at": NOW - timedelta(hours=1), "counter_id": 1, "amount": 1}
    Hold.objects.create(reference="lapsed", expires_at=NOW - timedelta(seconds=60), **times)
    Hold.objects.create(reference="pinned", pinned=True, expires_at=NOW - timedelta(hours=1), **times)
    Hold.objects.create(reference="live", expires_at=NOW + timedelta(seconds=60), **times)
    set_clock(NOW)
    assert probes.read_all()["sweeper"] == probes.Reading(True, 60)
    set_clock(NOW + timedelta(seconds=300))
    assert not probes.read_all()["sweeper"].ok


@pytest.mark.django_db
def test_metrics_count_by_route_and_never_by_path(client: Client) -> None:
    client.get("/v1/nothing/SESAME-1")
    client.get("/v1/vouchers/SESAME-1")
    client.get("/admin/login/")
    text = client.get("/metrics").content.decode()
    assert "SESAME" not in text
    assert 'offerkeep_http_requests_total{method="GET",route="(none)",status="404"}' in text
    assert 'route="admin/login/"' in text
    assert "offerkeep_database_ok 1.0" in text
    assert "offerkeep_sweeper_seconds 0.0" in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("token", "headers", "address", "status"),
    [
        ("", {}, "127.0.0.1", 200),
        ("", {}, "::1", 200),
        ("", {}, "192.0.2.1", 403),
        ("", {}, "", 403),
        ("", {"x-forwarded-for": "192.0.2.1"}, "127.0.0.1", 403),
        ("s3same", {}, "127.0.0.1", 403),
        ("s3same", {"authorization": "Bearer wrong"}, "127.0.0.1", 403),
        ("s3same", {"authorization": "Bearer é"}, "192.0.2.1", 403),
        ("s3same", {"authorization": "Bearer s3same"}, "192.0.2.1", 200),
    ],
)
def test_metrics_are_for_this_machine_or_the_token_s_holder(
    client: Client, settings: Any, token: str, headers: dict[str, str], address: str, status: int
) -> None:
    settings.METRICS_TOKEN = token
    assert client.get("/metrics", headers=headers, REMOTE_ADDR=address).status_code == status
