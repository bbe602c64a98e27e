"""Staff make channels and session offers, see how far codes have leaked, and take one back from a session."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from checkout import code_refusals, session_offers
from checkout.models import Authorization
from offers.lib import clock
from offers.models import AuditEntry, Channel, Retailer, SessionCampaign, Voucher
from tests.api.session_offers.visits import CODE, TEN, change, grant_for, lay_out

CHANNEL = {"name": "Widget", "prefix": "VIP_", "ttl_seconds": "10 min", "max_codes": "3", "one_use_per_session": "on"}


@pytest.fixture
def shop(db: None) -> Retailer:
    return lay_out()[0]


def authorised(shop: Retailer) -> Authorization:
    visit = session_offers.fingerprint("visit")
    grant = grant_for(shop, visit)
    return session_offers.authorize(retailer_id=shop.pk, session_hash=visit, code=CODE, grant=grant, now=clock.now())


def test_s22_a_channel_is_made_and_its_secret_shown_once(owner: Client, shop: Retailer) -> None:
    answer = owner.post("/admin/offers/channel/add/", {"retailer": shop.pk, **CHANNEL})
    made = Channel.objects.get(prefix="VIP_")
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    assert made.secret in answer.content.decode()
    page = owner.get(f"/admin/offers/channel/{made.pk}/change/").content.decode()
    assert made.secret not in page and made.kid in page
    old = made.kid
    answer = owner.post(f"/admin/offers/channel/{made.pk}/rotate/", {})
    made.refresh_from_db()
    assert made.kid != old == made.previous_kid and made.secret in answer.content.decode()
    assert list(
        AuditEntry.objects.filter(object_id=made.public_id).order_by("id").values_list("action", flat=True)
    ) == [
        "channel.create",
        "channel.rotate",
    ]


@pytest.mark.parametrize("wrong", [{"prefix": "fp_"}, {"prefix": "FP_"}, {"prefix": "WELCOME1-", "ttl_seconds": "0"}])
def test_what_a_channel_cannot_be_is_said(owner: Client, shop: Retailer, wrong: dict[str, str]) -> None:
    assert owner.post("/admin/offers/channel/add/", {"retailer": shop.pk, **CHANNEL, **wrong}).status_code == 422
    assert Channel.objects.count() == 1


def test_compatibility_mode_warns(owner: Client, shop: Retailer) -> None:
    row = Channel.objects.get()
    form = {**CHANNEL, "prefix": "FP_", "compat_mode": "on"}
    assert owner.post(f"/admin/offers/channel/{row.pk}/edit/", form).status_code == 302
    warning = "A shopper can authorise himself in this mode."
    assert warning in owner.get(f"/admin/offers/channel/{row.pk}/change/").content.decode()
    refused = owner.post(f"/admin/offers/channel/{row.pk}/edit/", {**form, "prefix": "VIP_"})
    assert refused.status_code == 422 and CODE in refused.content.decode()


def test_s23_an_ordinary_code_like_a_channel_s_is_refused(owner: Client, shop: Retailer) -> None:
    form = {"retailer": shop.pk, "kind": "DISCOUNT_VOUCHER", "code": "FP_SUMMER", "discount_kind": "PERCENT"}
    answer = owner.post("/admin/offers/voucher/add/", {**form, "percent_off": "10", "active": "on"})
    assert "belong to a channel of session offers" in answer.content.decode()
    assert not Voucher.objects.filter(code="FP_SUMMER").exists()
    of_channel = {"channel": Channel.objects.get().pk, "percent_off": "10"}
    assert owner.post("/admin/offers/voucher/add/", {**form, **of_channel}).status_code == 302
    assert Voucher.objects.filter(code="FP_SUMMER").exists()


def test_a_session_offer_is_made_changed_and_switched_off(owner: Client, shop: Retailer) -> None:
    form = {"name": "Come back", "text": "Now", "cart_total_min": "50.00", "bind": "customer", "active": "on"}
    url = "/admin/offers/sessioncampaign"
    channel = Channel.objects.get().pk
    assert owner.post(f"{url}/add/", {**form, "channel": channel, "code": "fp_back"}).status_code == 302
    made = SessionCampaign.objects.get(code="FP_BACK")
    assert (made.cart_total_min, made.bind, made.active, made.present) == (5000, "customer", True, False)
    changed = {"name": "Come back", "bind": "session"}
    silent = owner.post(f"{url}/{made.pk}/edit/", changed)
    assert silent.status_code == 422 and "Say why it is switched off." in silent.content.decode()
    assert owner.post(f"{url}/{made.pk}/edit/", {**changed, "reason": "Leaked"}).status_code == 302
    entry = AuditEntry.objects.get(action="session_campaign.update")
    assert (entry.reason, entry.actor) == ("Leaked", "alice")
    assert entry.after is not None and entry.after["active"] is False
    assert owner.post(f"{url}/{made.pk}/edit/", changed).status_code == 302  # it is off already
    made.refresh_from_db()
    assert (made.cart_total_min, made.bind, made.active, made.text) == (None, "session", False, "")
    assert "Come back" in owner.get(f"{url}/{made.pk}/change/").content.decode()
    assert owner.post(f"{url}/add/", {**form, "channel": channel, "code": "WRONG"}).status_code == 422


def test_a_session_offer_has_dates_and_a_cap_on_the_shop_s_clock(owner: Client, shop: Retailer) -> None:
    Retailer.objects.filter(pk=shop.pk).update(timezone="Europe/Berlin")
    form = {"name": "Week", "bind": "session", "active": "on", "present": "on"}
    url = "/admin/offers/sessioncampaign"
    given = {"starts_at": "2026-12-01T00:00", "ends_at": "2026-12-08T00:00", "daily_cap": "1,000"}
    channel = Channel.objects.get().pk
    assert owner.post(f"{url}/add/", {**form, **given, "channel": channel, "code": "FP_WEEK"}).status_code == 302
    made = SessionCampaign.objects.get(code="FP_WEEK")
    berlin = datetime(2026, 11, 30, 23, tzinfo=UTC), datetime(2026, 12, 7, 23, tzinfo=UTC)
    assert (made.starts_at, made.ends_at, made.daily_cap) == (*berlin, 1000)
    page = owner.get(f"{url}/{made.pk}/edit/").content.decode()
    assert 'value="2026-12-01T00:00"' in page and 'value="2026-12-08T00:00"' in page and 'value="1000"' in page
    # What was not touched keeps its seconds.
    SessionCampaign.objects.filter(pk=made.pk).update(ends_at=berlin[1] + timedelta(seconds=30))
    assert owner.post(f"{url}/{made.pk}/edit/", {**form, **given, "daily_cap": "unlimited"}).status_code == 302
    made.refresh_from_db()
    assert (made.ends_at, made.daily_cap) == (berlin[1] + timedelta(seconds=30), None)
    for wrong, said in (
        ({"ends_at": "2026-11-30T00:00"}, "It has to end after it starts."),
        ({"daily_cap": "0"}, "from 1 to a billion"),
        ({"daily_cap": "many"}, "Type a whole number"),
        ({"starts_at": "0001-01-01T00:00"}, "lies in one of the years"),
        ({"starts_at": "soon"}, "Type a date and a time"),
    ):
        answer = owner.post(f"{url}/{made.pk}/edit/", {**form, **given, **wrong})
        assert answer.status_code == 422 and said in answer.content.decode(), wrong
    assert owner.post(f"{url}/{made.pk}/edit/", form).status_code == 302
    made.refresh_from_db()
    assert (made.starts_at, made.ends_at, made.daily_cap) == (None, None, None)


def test_its_page_says_whether_it_is_on_and_how_far_today_s_cap_is_used_up(
    owner: Client, shop: Retailer, set_clock: Callable[[datetime], None]
) -> None:
    noon = datetime(2026, 11, 27, 12, tzinfo=UTC)
    set_clock(noon)
    change(CODE, daily_cap=3, starts_at="2026-11-27T12:00:00Z", ends_at="2026-11-27T18:00:00Z")
    row = authorised(shop)
    assert row.campaign is not None
    url = f"/admin/offers/sessioncampaign/{row.campaign.pk}/change/"

    def page() -> str:
        return " ".join(re.sub("<[^>]*>", " ", owner.get(url).content.decode()).split())

    assert "Authorised today 1 of 3 2 left, days in UTC" in page()
    assert "May use it now 1" in page()
    assert "Until 27 Nov 2026, 18:00:00 UTC" in page()
    assert "1 of 3" in owner.get("/admin/offers/sessioncampaign/").content.decode()
    change(CODE, daily_cap=1)
    assert "1 of 1 used up until midnight in UTC" in page()
    for moment, state, live in (
        (noon - timedelta(seconds=1), "Not yet", 0),
        (noon, "On", 1),
        (noon + timedelta(hours=6), "Over", 0),
    ):
        set_clock(moment)
        text = page()
        assert f"{row.campaign.name} {state}" in text and f"May use it now {live}" in text, moment
    change(CODE, ends_at="2026-11-27T12:10:00Z")
    set_clock(noon + timedelta(minutes=10))
    short = row.session_hash[:12]
    found = "/admin/checkout/authorization/?state="
    assert short in owner.get(f"{found}expired").content.decode()
    assert short not in owner.get(f"{found}active").content.decode()


def test_scenario_21_staff_find_an_authorisation_and_take_it_back(owner: Client, shop: Retailer) -> None:
    row = authorised(shop)
    url = "/admin/checkout/authorization"
    for query in ("", "?state=active", "?code=fp_freeship", f"?session={row.session_hash[:8]}"):
        assert row.session_hash[:12] in owner.get(f"{url}/{query}").content.decode(), query
    assert row.session_hash[:12] not in owner.get(f"{url}/?state=revoked").content.decode()
    assert "Revoke" in owner.get(f"{url}/{row.pk}/change/").content.decode()
    assert owner.post(f"{url}/{row.pk}/revoke/", {"reason": ""}).status_code == 422
    assert owner.post(f"{url}/{row.pk}/revoke/", {"reason": "Leaked"}).status_code == 302
    row.refresh_from_db()
    assert row.state == "revoked"
    assert AuditEntry.objects.filter(action="authorization.revoke", reason="Leaked", actor="alice").exists()


def test_only_those_who_may_revoke_and_see_keys(
    marketer: Client, reviewer: Client, chief: Client, shop: Retailer
) -> None:
    row, channel = authorised(shop), Channel.objects.get()
    url = f"/admin/checkout/authorization/{row.pk}/revoke/"
    assert marketer.get(url).status_code == 403
    assert reviewer.get(url).status_code == 200
    for person, status in ((marketer, 403), (reviewer, 403), (chief, 200)):
        assert person.get(f"/admin/offers/channel/{channel.pk}/rotate/").status_code == status
    assert marketer.get("/admin/offers/sessioncampaign/add/").status_code == 200
    assert reviewer.get("/admin/offers/sessioncampaign/add/").status_code == 403


def test_the_leak_report_counts_by_code_and_day(owner: Client, shop: Retailer) -> None:
    authorised(shop)
    for number in range(code_refusals.LEAK_SESSIONS + 1):
        code_refusals.note(retailer_id=shop.pk, session_hash=f"{number}", code=TEN, now=clock.now())
    page = owner.get(f"/admin/offers/channel/{Channel.objects.get().pk}/change/").content.decode()
    assert "Leak report" in page and f"{code_refusals.LEAK_SESSIONS + 1}" in page
    assert "codes tried in over 50 sessions" in page
    assert "51" in owner.get("/admin/offers/channel/").content.decode()
