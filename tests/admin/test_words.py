"""What pages of the back office say is said in the words of those who read them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from checkout.admin.sessions import lasting
from checkout.models import LockSession
from offers.admin import audit, show

AT = datetime(2026, 3, 27, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("rule.assign", "Condition bound"),
        ("promotion_tier.create", "Promotion tier made"),
        ("client.revoke", "API credential revoked"),
        ("redemption.rollback", "Redemption rolled back"),
        ("member.add_external_id", "Member add external id"),
    ],
)
def test_the_audit_trail_says_what_was_done(action: str, said: str) -> None:
    assert audit.words(action) == said


def test_a_finished_job_is_no_alarm_and_a_spent_budget_is() -> None:
    assert "ok-full" in show.bar(100, "all")
    assert "ok-full" not in show.bar(100, "all", warns=False)


def test_one_day_is_not_one_days() -> None:
    assert lasting(LockSession(ttl=Decimal(1), ttl_unit="DAYS")) == "1 day"
    assert lasting(LockSession(ttl=Decimal(15), ttl_unit="MINUTES")) == "15 minutes"


def test_a_day_is_the_day_of_the_shop() -> None:
    assert "28 Mar 2026" in show.day(AT, "Europe/Berlin")
    assert show.day(None, empty="never") == "never"


def test_a_page_that_is_not_there_and_one_that_is_forbidden_lead_back(owner: Client, reviewer: Client) -> None:
    missing = owner.get("/admin/offers/campaign/999999/change/")
    assert missing.status_code == 404
    assert "There is no such page" in missing.content.decode()
    forbidden = reviewer.get("/admin/offers/campaign/add/")
    assert forbidden.status_code == 403
    assert "Your role does not include it" in forbidden.content.decode()
    assert all('href="/admin/"' in answer.content.decode() for answer in (missing, forbidden))


def test_the_audit_trail_is_narrowed_by_what_was_changed(owner: Client) -> None:
    made = owner.post("/admin/offers/retailer/add/", {"name": "Retailer C", "currency": "EUR", "timezone": "UTC"})
    assert made.status_code == 302
    for what, found in (("retailer", 1), ("campaign", 0)):
        assert owner.get(f"/admin/offers/auditentry/?action={what}").context["cl"].result_count == found
