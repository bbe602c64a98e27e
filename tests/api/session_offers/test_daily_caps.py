"""A session offer's daily cap: so many visits a day of the shop's zone, never more, and none of it is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from checkout import code_entry, daily_caps, session_offers
from checkout.cart_prices import Visit
from checkout.models import Authorization
from offers.ledger.models import Counter, Entry
from offers.lib import clock
from offers.lib.errors import Refusal
from offers.models import Retailer, SessionCampaign, Voucher
from tests import factories
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
    refused,
)

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 11, 27, 9, tzinfo=UTC)
REACHED = (422, "daily_cap_reached")
SetClock = Callable[[datetime], None]


@pytest.fixture
def shop(set_clock: SetClock) -> Retailer:
    set_clock(MORNING)
    found, secret = lay_out()
    found.secret = secret  # type: ignore[attr-defined]
    return found


def used(code: str = TEN) -> int:
    found = SessionCampaign.objects.get(code=code)
    return daily_caps.used(campaigns=[found], now=clock.now())[found.pk]


def test_so_many_visits_a_day_and_then_it_is_not_shown_any_more(shop: Retailer) -> None:
    assert change(daily_cap=2) == {}
    assert [authorize(shop, session).status_code for session in ("one", "two")] == [200, 200]
    assert refused(authorize(shop, "three")) == REACHED
    assert codes(shop, "three") == [CODE]  # the other campaign knows nothing of it
    assert authorize(shop, "three", CODE).status_code == 200
    assert used() == 2
    call_command("prove_ledger")


def test_a_visit_that_has_it_keeps_it_and_takes_nothing_more(shop: Retailer, set_clock: SetClock) -> None:
    change(daily_cap=1)
    assert authorize(shop, "one").status_code == 200
    assert codes(shop, "one") == [CODE, TEN]
    for _ in range(3):
        assert authorize(shop, "one").json()["authorized"] == [TEN]
    set_clock(MORNING + timedelta(hours=2))  # the hour is over
    assert codes(shop, "one") == [CODE, TEN]
    assert authorize(shop, "one").json()["authorized"] == [TEN]
    session_offers.give_up(
        retailer_id=shop.pk, session_hash=session_offers.fingerprint("one"), code=TEN, now=clock.now()
    )
    assert authorize(shop, "one").json()["authorized"] == [TEN]
    session_offers.move(old=session_offers.fingerprint("one"), new=session_offers.fingerprint("signed in"))
    set_clock(MORNING + timedelta(hours=4))
    assert authorize(shop, "signed in").json()["authorized"] == [TEN]
    assert used() == 1 and refused(authorize(shop, "two")) == REACHED


def test_used_or_taken_back_it_is_still_counted_and_not_shown_again(shop: Retailer) -> None:
    change(daily_cap=1)
    authorize(shop, "one")
    Authorization.objects.update(state="used")
    assert codes(shop, "one") == [CODE]
    assert authorize(shop, "one").json()["authorized"] == []
    assert refused(authorize(shop, "two")) == REACHED


def test_a_refused_authorisation_leaves_nothing(shop: Retailer) -> None:
    change(daily_cap=1)
    ops({"op": "ensure", "kind": "channel", "fields": {"prefix": "FP_", "max_codes": 1}})
    authorize(shop, "full", CODE)
    Authorization.objects.update(on_cart=True)
    assert refused(authorize(shop, "full")) == (409, "too_many_codes")
    assert used() == 0 and not Counter.objects.filter(kind=daily_caps.KIND, taken__gt=0).exists()
    authorize(shop, "one")
    authorize(shop, "two", CODE)
    assert refused(authorize(shop, "two")) == REACHED
    # The code that would have made room for it is still there.
    row = Authorization.objects.get(session_hash=session_offers.fingerprint("two"))
    assert (row.code, row.state) == (CODE, "active")
    assert Entry.objects.filter(reference__startswith="authorization ").count() == 1


def test_a_code_that_the_cart_does_not_take_takes_nothing_of_the_cap(shop: Retailer) -> None:
    rule = {"code": "FP_OLD", "channel": "FP_", "discount": {"type": "AMOUNT", "amount_off": 100}}
    ops(
        {"op": "create", "kind": "voucher", "fields": rule},
        {"op": "create", "kind": "campaign", "fields": {"channel": "FP_", "code": "FP_OLD", "daily_cap": 5}},
    )
    who = Visit(retailer=shop, session_hash=session_offers.fingerprint("one"))
    grant = grant_for(shop, who.session_hash, "FP_OLD")  # and a moment later:
    Voucher.objects.filter(code="FP_OLD").update(expiration_date=datetime(2020, 1, 1, tzinfo=UTC))
    said = code_entry.put_on(whose=who, code="FP_OLD", grant=grant, now=clock.now())
    assert said == "This code has expired."
    assert used("FP_OLD") == 0


def test_the_day_is_the_shop_s_own(shop: Retailer, set_clock: SetClock) -> None:
    Retailer.objects.filter(pk=shop.pk).update(timezone="America/New_York")
    change(daily_cap=1)
    set_clock(datetime(2026, 11, 27, 23, 30, tzinfo=UTC))  # half past six in the evening
    assert authorize(shop, "one").status_code == 200
    set_clock(datetime(2026, 11, 28, 4, 59, 59, tzinfo=UTC))
    assert refused(authorize(shop, "two")) == REACHED and codes(shop, "two") == [CODE]
    set_clock(datetime(2026, 11, 28, 5, tzinfo=UTC))
    assert codes(shop, "two") == [CODE, TEN]
    assert authorize(shop, "two").status_code == 200
    assert refused(authorize(shop, "one")) == REACHED  # on a new day it counts anew
    assert list(
        Counter.objects.filter(kind=daily_caps.KIND).order_by("period").values_list("period", "taken", "granted")
    ) == [("2026-11-27", 1, 1), ("2026-11-28", 1, 1)]


def test_the_cap_may_change_during_the_day(shop: Retailer) -> None:
    change(daily_cap=1)
    authorize(shop, "one")
    assert refused(authorize(shop, "two")) == REACHED
    change(daily_cap=3)
    assert codes(shop, "two") == [CODE, TEN]
    assert [authorize(shop, session).status_code for session in ("two", "three")] == [200, 200]
    change(daily_cap=2)
    assert refused(authorize(shop, "four")) == REACHED and codes(shop, "four") == [CODE]
    assert authorize(shop, "one").json()["authorized"] == [TEN]  # nothing is taken back
    change(daily_cap=None)
    assert authorize(shop, "four").status_code == 200
    call_command("prove_ledger")


def test_a_cap_set_during_the_day_counts_what_was_authorised_before_it(shop: Retailer, set_clock: SetClock) -> None:
    set_clock(MORNING - timedelta(days=1))
    authorize(shop, "yesterday")
    set_clock(MORNING)
    for session in ("one", "two"):
        authorize(shop, session)
    change(daily_cap=3)
    assert used() == 2
    assert authorize(shop, "three").status_code == 200
    assert refused(authorize(shop, "four")) == REACHED
    set_clock(MORNING + timedelta(hours=2))
    assert authorize(shop, "one").status_code == 200
    assert used() == 3
    call_command("prove_ledger")


def test_a_cap_taken_away_and_set_again_counts_what_came_between(shop: Retailer) -> None:
    change(daily_cap=2)
    authorize(shop, "one")
    change(daily_cap=None)
    for session in ("two", "three"):
        authorize(shop, session)
    change(daily_cap=2)  # less than it came to
    assert used() == 2 and refused(authorize(shop, "four")) == REACHED
    change(daily_cap=4)
    assert used() == 3
    assert authorize(shop, "four").status_code == 200
    assert refused(authorize(shop, "five")) == REACHED
    change(daily_cap=4)  # nothing is counted twice
    assert used() == 4
    call_command("prove_ledger")


def test_the_page_of_a_shop_shows_no_offer_that_is_used_up(shop: Retailer) -> None:
    row, _ = factories.credential(shop, "publishable", origins=["http://testserver"])
    one, two = Shopper(shop, row.key), Shopper(shop, row.key)
    change(CODE, daily_cap=1)
    late = grant_for(shop, two.open())  # shown a moment ago
    assert one.authorize(CODE, grant_for(shop, one.open())).status_code == 204
    assert two.browser.get("/shop/offers").json() == {"data": []}
    assert refused(two.authorize(CODE, late)) == REACHED
    assert two.held() == []
    page = two.browser.get("/session-offers/apply", {"code": CODE, "grant": late})
    assert "This offer is used up for today." in two.browser.get(page["Location"]).content.decode()


# --- at the same moment, with real commits ---


def at_once(number: int, act: Callable[[int], object]) -> list[Any]:
    """Return what each thread's act returned, or the code of what it was refused with."""
    start = Barrier(number)

    def run(which: int) -> object:
        try:
            start.wait()
            return act(which)
        except Refusal as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


def shown_to(shop: Retailer, session: str, code: str = TEN) -> str:
    session_offers.authorize(
        retailer_id=shop.pk,
        session_hash=session_offers.fingerprint(session),
        code=code,
        trusted=True,
        now=clock.now(),
    )
    return "shown"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_sessions_at_once_use_the_cap_up_and_never_exceed_it() -> None:
    shop, _ = lay_out()
    change(daily_cap=9)
    told = at_once(30, lambda which: shown_to(shop, f"visit {which}"))
    assert sorted(set(told)) == ["daily_cap_reached", "shown"]
    assert told.count("shown") == 9
    assert Authorization.objects.filter(code=TEN).count() == 9
    counter = Counter.objects.get(kind=daily_caps.KIND)
    assert (counter.taken, counter.granted) == (9, 9)
    assert Entry.objects.filter(counter=counter, kind="settle").count() == 9
    call_command("prove_ledger")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_one_session_asking_many_times_at_once_takes_one_of_the_cap() -> None:
    shop, _ = lay_out()
    change(daily_cap=2)
    assert at_once(12, lambda which: shown_to(shop, f"visit {which % 2}")) == ["shown"] * 12
    assert Authorization.objects.count() == 2
    assert used() == 2
    call_command("prove_ledger")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_cap_raised_and_lowered_under_load_ends_in_no_more_than_the_highest() -> None:
    shop, _ = lay_out()
    change(daily_cap=4)

    def act(which: int) -> object:
        if which % 5 == 0:
            return change(daily_cap=4 + which // 5)
        return shown_to(shop, f"visit {which}")

    told = at_once(20, act)
    highest = 4 + 15 // 5
    assert 4 <= told.count("shown") <= highest
    assert {} in told and Authorization.objects.count() == told.count("shown") == used()
    call_command("prove_ledger")
