"""What people try with channels' codes: other spellings, used grants, many calls, and requests that name nobody."""

import secrets

import pytest

from checkout import code_refusals, grants, leaks, session_offers
from checkout.models import Authorization, CodeRefusal
from offers.lib import clock
from offers.models import Channel, Retailer
from tests import factories
from tests.api.client import ApiClient
from tests.api.session_offers.visits import CODE, TEN, Shopper, grant_for, lay_out, ops, post

pytestmark = pytest.mark.django_db
SPELT = ["fp_tenoff", "Fp_TenOff", "ＦＰ＿TENOFF", "FP_ TENOFF"]


@pytest.fixture
def laid() -> tuple[Retailer, str]:
    return lay_out()


@pytest.fixture
def one(laid: tuple[Retailer, str]) -> Shopper:
    row, _ = factories.credential(laid[0], "publishable", origins=["http://testserver"])
    return Shopper(laid[0], row.key)


def asked(code: str, **shopper: str) -> dict[str, object]:
    return {
        "redeemables": [{"object": "voucher", "id": code}],
        "order": {"amount": 10000},
        **({"shopper": shopper} if shopper else {}),
    }


@pytest.mark.parametrize("spelt", SPELT)
def test_a_channel_s_code_works_on_v1_however_it_is_spelt_where_it_was_shown(
    laid: tuple[Retailer, str], spelt: str
) -> None:
    shop, secret = laid
    api = ApiClient.of(shop)
    post("/session-offers/v1/authorize", secret, {"session": "visit-1", "code": TEN})
    shown = api.post("/v1/validations", asked(spelt, session="visit-1"))
    assert (shown["valid"], shown["redeemables"][0]["id"]) == (True, spelt)
    assert api.post("/v1/validations", asked(spelt, session="visit-2"))["valid"] is False
    by_print = asked(spelt, session_fingerprint=session_offers.fingerprint("visit-1"))
    assert api.post("/v1/validations", by_print)["valid"] is True
    twice = asked(TEN, session="visit-1")
    twice["redeemables"] = [{"object": "voucher", "id": TEN}, {"object": "voucher", "id": spelt}]
    assert (api.post("/v1/validations", twice).status, Authorization.objects.get().state) == (400, "active")
    assert api.post("/v1/redemptions", asked(spelt, session="visit-1")).status == 200
    assert Authorization.objects.get().state == "used"
    assert api.post("/v1/redemptions", asked(spelt, session="visit-1")).status == 422


def test_other_codes_are_matched_exactly(laid: tuple[Retailer, str]) -> None:
    assert ApiClient.of(laid[0]).post("/v1/validations", asked("welcome10"))["valid"] is False


def test_a_page_s_own_calls_need_the_session_too(laid: tuple[Retailer, str]) -> None:
    shop, secret = laid
    row, token = factories.credential(shop, "browser", origins=["https://shop.example"])
    page = ApiClient({"X-Client-Application-Id": row.key, "X-Client-Token": token, "Origin": "https://shop.example"})
    post("/session-offers/v1/authorize", secret, {"session": "visit-1", "code": TEN})
    for code in (TEN, "fp_tenoff"):
        assert page.post("/client/v1/validations", asked(code, session="visit-1"))["valid"] is True
        for shopper in ({"session": "visit-2"}, {}):
            refused = page.post("/client/v1/validations", asked(code, **shopper))
            assert refused["redeemables"][0]["result"]["error"]["key"] == "code_not_authorized"


def test_a_grant_for_a_code_that_is_used_up_or_given_up_brings_it_not_back(
    laid: tuple[Retailer, str], one: Shopper
) -> None:
    shop, secret = laid
    visit, grant = one.open(), grant_for(shop, one.open())
    nothing: dict[str, object] = {"authorized": [], "expires_at": None}
    assert one.authorize(CODE, grant).status_code == 204
    session_offers.give_up(retailer_id=shop.pk, session_hash=visit, code=CODE, now=clock.now())
    again = one.authorize(CODE, grant, Accept="application/json")
    assert (again.status_code, again.json()) == (200, nothing)
    Authorization.objects.update(state=Authorization.State.USED)
    channel = Channel.objects.get()
    fresh = grants.write(
        channel=channel, code=CODE, session_hash=visit, campaign="", jti=secrets.token_hex(8), now=clock.now()
    )
    again = one.authorize(CODE, fresh, Accept="application/json")
    assert (again.status_code, again.json()) == (200, nothing)
    told = post("/session-offers/v1/authorize", secret, {"session_fingerprint": visit, "code": CODE})
    assert (told.status_code, told.json()) == (200, nothing)
    assert one.held() == []


def test_unsigned_calls_are_counted_whatever_becomes_of_them(one: Shopper) -> None:
    ops({"op": "ensure", "kind": "channel", "fields": {"prefix": "FP_", "compat_mode": True}})
    one.open()
    told = [one.authorize("FP_NOPE", Sec_Fetch_Site="same-origin").status_code for _ in range(10)]
    assert 429 not in told
    late = one.authorize(CODE, Sec_Fetch_Site="same-origin")
    assert (late.status_code, late.json()["key"], one.held()) == (429, "too_many_requests", [])


@pytest.mark.parametrize("customer", ["x" * 65, "a\x00b", 7])
def test_a_customer_whom_no_row_can_hold_is_a_400(laid: tuple[Retailer, str], customer: object) -> None:
    _, secret = laid
    body = {"session": "visit-1", "code": CODE, "customer_id": customer}
    assert post("/session-offers/v1/authorize", secret, body).status_code == 400


def test_tries_that_name_no_session_are_nobody_s(laid: tuple[Retailer, str], caplog: pytest.LogCaptureFixture) -> None:
    shop, now = laid[0], clock.now()
    for number in range(code_refusals.LEAK_SESSIONS):
        code_refusals.note(retailer_id=shop.pk, session_hash=f"{number}", code=TEN, now=now)
    ApiClient.of(shop).post("/v1/validations", asked(TEN))
    assert CodeRefusal.objects.filter(session_hash="").count() == 1
    channel = Channel.objects.get()
    assert "leaked" not in caplog.text and leaks.leaked(channel=channel, now=now) == set()
    line = next(line for line in leaks.report(channel=channel, now=now) if line.code == TEN)
    assert (line.refused, line.sessions) == (51, 50)
    code_refusals.note(retailer_id=shop.pk, session_hash="51st", code=TEN, now=now)
    assert "leaked" in caplog.text


def test_a_refused_redemption_stays_counted(laid: tuple[Retailer, str]) -> None:
    api = ApiClient.of(laid[0])
    for number, headers in enumerate(({}, {"Idempotency-Key": "again"}), 1):
        client = ApiClient({**api.headers, **headers})
        assert client.post("/v1/redemptions", asked(TEN, session="visit-2")).status == 422
        assert CodeRefusal.objects.filter(code=TEN).count() == number
