"""What is only kept for looking something up goes after TRACE_DAYS; history and idempotency keep their own terms."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from checkout import retention, tasks
from checkout.models import Authorization, CodeRefusal, Redemption, Reply, Validation
from offers.lib import clock
from offers.models import Channel
from tests.api.session_offers.visits import CODE, lay_out

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


def validation(ident: str, at: datetime) -> Validation:
    return Validation.objects.create(public_id=ident, retailer_id=1, valid=True, created_at=at)


def redemption(ident: str, at: datetime, trace: Any) -> Redemption:
    return Redemption.objects.create(public_id=ident, retailer_id=1, succeeded=False, trace=trace, created_at=at)


def test_old_validations_go_and_young_ones_stay() -> None:
    validation("old", NOW - 31 * DAY)
    validation("young", NOW - 29 * DAY)
    assert retention.purge_validations(now=NOW, days=30) == 1
    assert [one.public_id for one in Validation.objects.all()] == ["young"]


def test_all_batches_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(5):
        validation(f"v{number}", NOW - 31 * DAY)
    assert retention.purge_validations(now=NOW, days=30) == 5


def test_a_redemption_loses_its_trace_and_nothing_else() -> None:
    redemption("old", NOW - 31 * DAY, [{"check": "x"}])
    redemption("untraced", NOW - 31 * DAY, None)
    redemption("young", NOW - 29 * DAY, [{"check": "x"}])
    assert retention.purge_traces(now=NOW, days=30) == 1
    traces = dict(Redemption.objects.values_list("public_id", "trace"))
    assert traces == {"old": None, "untraced": None, "young": [{"check": "x"}]}


def test_the_tasks_may_run_twice_and_take_arguments_of_later_versions(settings: Any) -> None:
    settings.TRACE_DAYS = 1
    validation("old", NOW - 2 * DAY)
    redemption("old", NOW - 2 * DAY, [])
    shared = {"client_id": 1, "route": "POST /", "body_hash": b"", "status": 200}
    Reply.objects.create(key="old", created_at=NOW - 8 * DAY, **shared)
    Reply.objects.create(key="promised", created_at=NOW - 6 * DAY, **shared)
    with clock.fixed(NOW):
        for _ in range(2):
            tasks.purge_traces(from_a_later_version=1)
            tasks.purge_replies(from_a_later_version=1)
    assert not Validation.objects.exists()
    assert Redemption.objects.get().trace is None
    assert Reply.objects.get().key == "promised"


def test_refused_codes_and_ended_authorisations_go_and_what_still_works_stays(settings: Any) -> None:
    settings.SESSION_OFFER_DAYS = 90
    shop, _ = lay_out()
    of: dict[str, Any] = {"retailer": shop, "channel": Channel.objects.get(), "granted_at": NOW - 200 * DAY}
    for name, expires, more in (
        ("old", 91, {}),
        ("used", 91, {"state": "used", "ended_at": NOW - 92 * DAY}),
        ("late", 91, {"state": "revoked", "ended_at": NOW - 10 * DAY}),
        ("young", 89, {}),
        ("works", -1, {}),
    ):
        Authorization.objects.create(session_hash=name, code=CODE, expires_at=NOW - expires * DAY, **of, **more)
    for days in (91, 89):
        CodeRefusal.objects.create(retailer=shop, code=CODE, session_hash=f"{days}", created_at=NOW - days * DAY)
    with clock.fixed(NOW):
        for _ in range(2):
            tasks.purge_session_offers(from_a_later_version=1)
    assert set(Authorization.objects.values_list("session_hash", flat=True)) == {"late", "young", "works"}
    assert [one.session_hash for one in CodeRefusal.objects.all()] == ["89"]
