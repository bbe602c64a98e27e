"""A session offer works between its moments and nowhere else, whoever was shown it before (session-offers.md 9)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout import cart_orders, carts, session_offers
from checkout.cart_prices import Visit
from checkout.models import Authorization
from offers.lib import clock
from offers.models import AuditEntry, Retailer, SessionCampaign
from tests import factories
from tests.api.client import ApiClient
from tests.api.session_offers.visits import (
    CODE,
    TEN,
    Shopper,
    authorize,
    change,
    codes,
    grant_for,
    lay_out,
    ops,
    presented,
    refused,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SetClock = Callable[[datetime], None]


@pytest.fixture
def shop(set_clock: SetClock) -> Retailer:
    set_clock(NOON)
    found, secret = lay_out()
    found.secret = secret  # type: ignore[attr-defined]
    return found


def works(shop: Retailer, session: str) -> bool:
    body = {"redeemables": [{"object": "voucher", "id": TEN}], "order": {"amount": 10000}}
    answer = ApiClient.of(shop).post("/v1/validations", {**body, "shopper": {"session": session}})
    assert answer.status == 200, answer
    return answer["valid"] is True


def test_before_its_start_it_is_not_shown_and_authorises_nobody(shop: Retailer, set_clock: SetClock) -> None:
    assert change(starts_at="2026-11-27T14:00:00+01:00") == {}
    assert codes(shop, "visit") == [CODE]
    assert refused(authorize(shop, "visit")) == (422, "campaign_not_started")
    set_clock(NOON + HOUR - timedelta(seconds=1))
    assert refused(authorize(shop, "visit")) == (422, "campaign_not_started")
    assert not Authorization.objects.exists()
    set_clock(NOON + HOUR)
    assert codes(shop, "visit") == [CODE, TEN]
    assert authorize(shop, "visit").json()["authorized"] == [TEN]


def test_after_its_end_it_is_not_shown_and_authorises_nobody(shop: Retailer, set_clock: SetClock) -> None:
    assert change(ends_at="2026-11-27T13:00:00Z") == {}
    set_clock(NOON + HOUR - timedelta(seconds=1))
    assert codes(shop, "visit") == [CODE, TEN]
    set_clock(NOON + HOUR)
    assert codes(shop, "visit") == [CODE]
    assert refused(authorize(shop, "visit")) == (410, "campaign_ended")


def test_what_was_authorised_ends_with_the_campaign_and_says_so(shop: Retailer, set_clock: SetClock) -> None:
    change(ends_at="2026-11-27T12:20:00Z")
    told = next(one for one in presented(shop, "visit") if one["code"] == TEN)
    assert told["expires_at"].startswith("2026-11-27T12:20:00")
    assert authorize(shop, "visit").json()["expires_at"].startswith("2026-11-27T12:20:00")
    set_clock(NOON + timedelta(minutes=20) - timedelta(seconds=1))
    assert works(shop, "visit")
    set_clock(NOON + timedelta(minutes=20))
    assert not works(shop, "visit")


@pytest.mark.parametrize(
    ("fields", "until"),
    [({"ends_at": "2026-11-27T12:10:00Z"}, 10), ({"starts_at": "2026-11-28T00:00:00Z"}, 0)],
    ids=["ends earlier", "put off"],
)
def test_moments_that_are_changed_bind_those_who_have_it_already(
    shop: Retailer, set_clock: SetClock, fields: dict[str, str], until: int
) -> None:
    authorize(shop, "visit")
    assert change(**fields) == {}
    if until:
        assert works(shop, "visit")
    set_clock(NOON + timedelta(minutes=until))
    assert not works(shop, "visit")
    row = Authorization.objects.get()
    assert session_offers.state_now(row, clock.now()) == "expired"
    body = {"redeemables": [{"object": "voucher", "id": TEN}], "order": {"amount": 10000}}
    answer = ApiClient.of(shop).post("/v1/redemptions", {**body, "shopper": {"session": "visit"}})
    assert (answer.status, answer["key"]) == (422, "code_not_authorized")
    assert change(starts_at=None, ends_at=None) == {}
    assert works(shop, "visit")


def test_the_browser_is_told_the_same_and_its_list_is_empty_at_the_end(shop: Retailer, set_clock: SetClock) -> None:
    row, _ = factories.credential(shop, "publishable", origins=["http://testserver"])
    one = Shopper(shop, row.key)
    grant = grant_for(shop, one.open(), TEN)
    change(starts_at="2026-11-27T12:01:00Z", ends_at="2026-11-27T12:02:00Z")
    assert refused(one.authorize(TEN, grant)) == (422, "campaign_not_started")
    assert refused(one.authorize(TEN, "sog1.a.b.c")) == (403, "grant_invalid")  # the grant is judged first
    set_clock(NOON + timedelta(minutes=1))
    assert one.authorize(TEN, grant).status_code == 204
    assert one.held() == [TEN]
    set_clock(NOON + timedelta(minutes=2))
    assert one.held() == []
    assert refused(one.authorize(TEN, grant)) == (410, "campaign_ended")
    page = one.browser.get("/session-offers/apply", {"code": TEN, "grant": grant})
    assert page.status_code == 302
    assert "This offer is over." in one.browser.get(page["Location"]).content.decode()


def test_a_cart_loses_it_at_the_end_and_the_old_total_is_not_ordered(shop: Retailer, set_clock: SetClock) -> None:
    ops({"op": "create", "kind": "product", "fields": {"sku": "tent", "name": "Tent", "price": 9000, "on_hand": 5}})
    who = Visit(retailer=shop, session_hash=session_offers.fingerprint("visit"))
    carts.add(visit=who, sku="tent", quantity=1, now=clock.now())
    change(ends_at="2026-11-27T12:30:00Z")
    authorize(shop, "visit")
    cheap = carts.add_code(visit=who, code=TEN, now=clock.now()).total
    ended = NOON + timedelta(minutes=30)
    with pytest.raises(cart_orders.TotalChanged):
        cart_orders.place(visit=who, total=cheap, now=ended)
    after = carts.look(visit=who, now=ended)
    assert (after.codes, after.total) == ((), cheap + 900)


def test_an_offer_that_ended_takes_no_room_of_the_session(shop: Retailer) -> None:
    ops({"op": "ensure", "kind": "channel", "fields": {"prefix": "FP_", "max_codes": 1}})
    authorize(shop, "visit")
    Authorization.objects.update(on_cart=True)
    assert refused(authorize(shop, "visit", CODE)) == (409, "too_many_codes")
    change(active=False)
    assert authorize(shop, "visit", CODE).status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"starts_at": "2026-11-27T12:00:00Z", "ends_at": "2026-11-27T12:00:00Z"},
        {"starts_at": "tomorrow"},
        {"ends_at": 5},
        {"ends_at": "0001-01-01T00:00:00+14:00"},
        {"ends_at": "9999-12-31T23:59:59-12:00"},
        {"daily_cap": 0},
        {"daily_cap": -1},
        {"daily_cap": 2**31},
        {"daily_cap": True},
        {"daily_cap": "5"},
        {"segment": {"cart_total_min": 2**63}},
        {"segment": {"cart_total_min": -1}},
    ],
)
def test_terms_that_cannot_be_are_refused_and_change_nothing(shop: Retailer, fields: dict[str, Any]) -> None:
    assert change(**fields)["error"]
    row = SessionCampaign.objects.get(code=TEN)
    assert (row.starts_at, row.ends_at, row.daily_cap, row.cart_total_min) == (None, None, None, 5000)


def test_a_document_makes_changes_and_takes_away_moments_and_cap(shop: Retailer) -> None:
    voucher = {"code": "FP_WEEK", "channel": "FP_", "discount": {"type": "AMOUNT", "amount_off": 100}}
    terms = {"starts_at": "2026-12-01T00:00:00", "ends_at": "2026-12-08T00:00:00+01:00", "daily_cap": 50}
    done = ops(
        {"op": "create", "kind": "voucher", "fields": voucher},
        {"op": "create", "kind": "campaign", "fields": {"channel": "FP_", "code": "FP_WEEK", **terms}},
    )
    assert "id" in done[1], done
    made = SessionCampaign.objects.get(code="FP_WEEK")
    assert (made.starts_at, made.ends_at, made.daily_cap) == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2026, 12, 7, 23, tzinfo=UTC),
        50,
    )
    assert change("FP_WEEK", text="Only this week") == {}
    assert change("FP_WEEK", ends_at=None) == {}
    made.refresh_from_db()
    assert (made.starts_at, made.ends_at, made.daily_cap) == (datetime(2026, 12, 1, tzinfo=UTC), None, 50)
    entry = AuditEntry.objects.filter(object_id=made.public_id).latest("id")
    assert (entry.before, entry.after) == ({"ends_at": "2026-12-07T23:00:00+00:00"}, {"ends_at": None})


def test_a_document_that_switches_off_leaves_a_reason_in_the_audit_trail(shop: Retailer) -> None:
    def reason() -> str:
        return AuditEntry.objects.filter(action="session_campaign.update").latest("id").reason

    assert change(active=False) == {}
    assert reason() == "not given in the document"
    assert change(active=True) == {}
    assert reason() == ""
    assert change(active=False, reason="It leaked") == {}
    assert reason() == "It leaked"


def test_campaigns_without_a_cap_cost_no_statement_of_the_ledger(shop: Retailer) -> None:
    def statements() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            codes(shop, "visit")
            assert authorize(shop, "visit").status_code == 200
        Authorization.objects.all().delete()
        return [one["sql"] for one in captured]

    statements()
    before = statements()
    assert not [one for one in before if "ledger" in one]
    change(starts_at="2026-11-01T00:00:00Z", ends_at="2026-12-01T00:00:00Z")
    assert len(statements()) == len(before)
    change(daily_cap=100)
    assert len([one for one in statements() if "ledger" in one]) == 2  # one look, one taking
