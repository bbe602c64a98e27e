"""manage.py configure makes and changes queues, draws and auctions, as the reference lists their fields."""

import json
from typing import Any

import pytest

from checkout.admission.models import Distribution
from checkout.demo.people import ACME, BOREALIS
from checkout.management.commands.configure import answer_to
from offers.models import AuditEntry, Retailer
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shops(db: None) -> None:
    factories.retailer(name=ACME, currency="EUR")
    factories.retailer(name=BOREALIS)


def carry_out(op: str, ident: str | None = None, tenant: str | None = None, **fields: Any) -> dict[str, Any]:
    line = {"op": op, "kind": "distribution", "fields": fields, "id": ident, "tenant": tenant}
    found: dict[str, Any] = answer_to(json.dumps({"ops": [line]}).encode())["results"][0]
    return found


def test_a_queue_with_its_experience_and_defaults() -> None:
    made = carry_out("create", mechanism="queue", open_at="2026-01-01T00:00:00Z", pre_queue_minutes=5)
    row = Distribution.objects.select_related("sequence__experience").get(uuid=made["id"])
    assert made["experience_id"] == str(row.sequence.experience.uuid)
    assert made["url"] == f"/shop/waiting/{row.uuid}/"
    assert (row.admission_ttl_seconds, row.ordering, row.currency) == (900, "shuffle_prequeue", "EUR")
    assert AuditEntry.objects.filter(action="distribution.create", actor="configure").exists()


def test_an_auction_takes_amounts_as_texts() -> None:
    made = carry_out("create", mechanism="auction", start_price="10.00", reserve_price="50", min_bid_increment="0.5")
    row = Distribution.objects.get(uuid=made["id"])
    assert (row.start_price, row.reserve_price, row.min_bid_increment) == (1000, 5000, 50)


def test_a_change_is_in_force_at_once() -> None:
    made = carry_out("create", mechanism="queue", max_capacity=5, access_code="A")
    assert carry_out("update", made["id"], paused=True, max_capacity=None, access_code="B") == {}
    row = Distribution.objects.select_related("sequence").get(uuid=made["id"])
    assert (row.paused, row.max_capacity, row.sequence.access_code) == (True, None, "B")


def test_another_tenants_is_not_there() -> None:
    made = carry_out("create", mechanism="draw", tenant="B", winner_count=3)
    assert Retailer.objects.get(name=BOREALIS).distributions.get().winner_count == 3
    assert "not_found" in carry_out("update", made["id"], paused=True)["error"]
    assert carry_out("update", made["id"], tenant="B", paused=True) == {}
    assert "not_found" in carry_out("update", "x", paused=True)["error"]


@pytest.mark.parametrize(
    "fields",
    [
        {"mechanism": "lottery"},
        {},
        {"mechanism": "queue", "admission_ttl_seconds": 0},
        {"mechanism": "queue", "admission_ttl_seconds": "900"},
        {"mechanism": "queue", "admission_rate": -1},
        {"mechanism": "queue", "paused": 1},
        {"mechanism": "queue", "open_at": "tomorrow"},
        {"mechanism": "queue", "colour": "red"},
        {"mechanism": "queue", "open_at": "2026-01-02T00:00:00Z", "close_at": "2026-01-01T00:00:00Z"},
        {"mechanism": "auction", "close_at": "2026-01-02T00:00:00Z", "settle_at": "2026-01-01T00:00:00Z"},
        {"mechanism": "queue", "open_at": "2026-01-02T00:00:00Z", "hard_end_at": "2026-01-02T00:00:00Z"},
        {"mechanism": "queue", "ordering": "random"},
        {"mechanism": "queue", "time_zone": "Mars"},
        {"mechanism": "auction", "start_price": "-1"},
        {"mechanism": "auction", "start_price": "1e3"},
        {"mechanism": "auction", "start_price": [1]},
        {"mechanism": "queue", "reserve_on_admission": True},
        {"mechanism": "queue", "sku": ["x"]},
        {"mechanism": "queue", "access_code": "x" * 61},
    ],
)
def test_what_cannot_be_is_refused_and_nothing_stored(fields: dict[str, Any]) -> None:
    assert "error" in carry_out("create", **fields)
    assert not Distribution.objects.exists()


def test_an_auction_that_late_bids_put_off_can_still_be_changed() -> None:
    made = carry_out("create", mechanism="auction", close_at="2026-01-01T00:00:00Z", settle_at="2026-01-01T00:01:00Z")
    Distribution.objects.update(close_at="2026-01-01T00:02:00Z")
    assert carry_out("update", made["id"], paused=True) == {}
    assert "settle_at" in carry_out("update", made["id"], settle_at="2026-01-01T00:01:30Z")["error"]


def test_what_happens_when_nobody_answers_is_the_experiences() -> None:
    made = carry_out("create", mechanism="queue")
    row = Distribution.objects.select_related("sequence__experience").get(uuid=made["id"])
    assert row.sequence.experience.when_unknown == "closed"
    assert carry_out("update", made["id"], when_unknown="open") == {}
    row.sequence.experience.refresh_from_db()
    assert row.sequence.experience.when_unknown == "open"
    assert AuditEntry.objects.filter(action="distribution.update").latest("id").after == {"when_unknown": "open"}
    assert carry_out("create", mechanism="queue", when_unknown="open")["id"]
    for wrong in ("ajar", 1, None, ""):
        assert "error" in carry_out("update", made["id"], when_unknown=wrong), wrong
    row.sequence.experience.refresh_from_db()
    assert row.sequence.experience.when_unknown == "open"


def test_a_launch_says_whom_it_caps() -> None:
    made = carry_out("create", mechanism="queue", max_per_device=2, require_settled_guest=True, flagged_last=True)
    row = Distribution.objects.get(uuid=made["id"])
    assert (row.max_per_device, row.max_per_network, row.require_settled_guest) == (2, None, True)
    assert row.flagged_last
    for fields in ({"max_per_device": 0}, {"max_per_network": "5"}, {"require_challenge": True}):
        assert "error" in carry_out("create", mechanism="queue", **fields), fields
