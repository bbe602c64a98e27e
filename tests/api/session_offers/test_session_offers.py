"""Session offers over HTTP: who may use a channel's code, and what everybody else is told (session-offers.md 11)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout import code_refusals, grants, session_offers, shopper_sessions
from checkout.asks import Ask, CustomerAsk, ShopperAsk
from checkout.models import Authorization, CodeRefusal
from offers.lib import clock
from offers.lib.actors import Actor
from offers.models import Channel, Retailer
from tests import factories
from tests.api.client import ApiClient
from tests.api.session_offers.visits import CODE, TEN, Shopper, grant_for, lay_out, ops, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Retailer:
    found, secret = lay_out()
    found.secret = secret  # type: ignore[attr-defined]
    return found


@pytest.fixture
def users(shop: Retailer) -> tuple[Shopper, Shopper]:
    row, _ = factories.credential(shop, "publishable", origins=["http://testserver"])
    return Shopper(shop, row.key), Shopper(shop, row.key)


@pytest.fixture
def shown(shop: Retailer, users: tuple[Shopper, Shopper]) -> tuple[Shopper, Shopper]:
    """User1 was shown the offer, User2 was not."""
    one, two = users
    two.open()
    assert one.authorize(CODE, grant_for(shop, one.open())).status_code == 204
    return one, two


def validate(shop: Retailer, code: str, session: str | None = None, **more: object) -> dict[str, object]:
    shopper = {} if session is None else {"shopper": {"session": session}}
    body = {"redeemables": [{"object": "voucher", "id": code}], "order": {"amount": 10000}, **shopper, **more}
    answer = ApiClient.of(shop).post("/v1/validations", body)
    assert answer.status == 200, answer
    found: dict[str, object] = answer.json
    return found


def reason(answer: dict[str, object]) -> str:
    return str(answer["redeemables"][0]["result"]["error"]["key"])  # type: ignore[index]


def test_s3_s4_s12_s13_scenarios_1_2_every_session_has_its_own_list_empty_at_first(
    shop: Retailer, users: tuple[Shopper, Shopper]
) -> None:
    one, two = users
    fingerprint, other = one.open(), two.open()
    assert fingerprint != other
    assert (one.held(), two.held()) == ([], [])
    answer = one.authorize(CODE, grant_for(shop, fingerprint))
    assert (answer.status_code, answer.content, answer["Cache-Control"]) == (204, b"", "no-store, private")
    assert (one.held(), two.held()) == ([CODE], [])


def test_s5_two_users_do_not_influence_one_another(shop: Retailer, users: tuple[Shopper, Shopper]) -> None:
    one, two = users
    prints = {one: one.open(), two: two.open()}
    for _ in range(5):
        one.authorize(CODE, grant_for(shop, prints[one]))
        two.authorize(TEN, grant_for(shop, prints[two], TEN))
        assert (one.held(), two.held()) == ([CODE], [TEN])  # twenty calls of two jars
    assert (one.held(), two.held()) == ([CODE], [TEN])


def test_s6_a_segment_decides_by_the_cart(shop: Retailer) -> None:
    secret = shop.secret  # type: ignore[attr-defined]
    path = "/session-offers/v1/present"
    codes = {
        total: [one["code"] for one in post(path, secret, {"session_fingerprint": "f" * 64, "facts": facts}).json()]
        for total, facts in {4000: {"cart_total": 4000}, 6000: {"cart_total": 6000}}.items()
    }
    assert codes == {4000: [CODE], 6000: [CODE, TEN]}


def test_s11_scenario_13_an_authorisation_holds_for_the_code_named_only(
    shop: Retailer, users: tuple[Shopper, Shopper]
) -> None:
    one, _ = users
    grant = grant_for(shop, one.open())
    assert one.authorize(TEN, grant).status_code == 403
    assert one.held() == []
    assert one.authorize(CODE, grant).status_code == 204
    assert one.held() == [CODE]


def test_scenario_9_without_a_grant_nobody_authorises_himself(shown: tuple[Shopper, Shopper]) -> None:
    answer = shown[1].authorize(CODE, Sec_Fetch_Site="same-origin")
    assert answer.status_code == 403
    assert answer.json()["key"] == "grant_invalid"
    assert shown[1].held() == []


def test_scenario_10_another_session_s_grant_is_worth_nothing(shop: Retailer, users: tuple[Shopper, Shopper]) -> None:
    one, two = users
    grant = grant_for(shop, one.open())
    two.open()
    assert two.authorize(CODE, grant).status_code == 403
    assert two.held() == []


def test_scenario_11_the_same_grant_again_changes_nothing(shop: Retailer, users: tuple[Shopper, Shopper]) -> None:
    one, _ = users
    grant = grant_for(shop, one.open())
    assert [one.authorize(CODE, grant).status_code for _ in range(3)] == [204, 204, 204]
    assert Authorization.objects.count() == 1


def test_scenario_12_a_grant_lasts_two_minutes(
    shop: Retailer, users: tuple[Shopper, Shopper], set_clock: Callable[[datetime], None]
) -> None:
    one, _ = users
    grant, now = grant_for(shop, one.open()), clock.now()
    set_clock(now + timedelta(seconds=126))
    assert one.authorize(CODE, grant).status_code == 403
    set_clock(now + timedelta(seconds=119))
    assert one.authorize(CODE, grant).status_code == 204


@pytest.mark.parametrize(
    "change", ["", "x", "sog1.a.b.c", "sog1.k.bm8.bm8", "é.b.c.d", "sog1.\0.\0.x", "sog1." + "a" * 2000]
)
def test_a_forged_grant_is_refused_with_one_message(
    shop: Retailer, users: tuple[Shopper, Shopper], change: str
) -> None:
    users[0].open()
    answer = users[0].authorize("FP_NOPE", change)
    assert (answer.status_code, answer.json()["key"]) == (403, "grant_invalid")


@pytest.mark.parametrize("name", ["jti", "cmp", "code", "sid"])
def test_a_partner_cannot_sign_what_no_row_can_keep(shop: Retailer, users: tuple[Shopper, Shopper], name: str) -> None:
    one, _ = users
    channel, session = Channel.objects.get(), one.open()
    says = {"code": CODE, "session_hash": session, "campaign": "c", "jti": "j"}
    says[{"cmp": "campaign", "sid": "session_hash"}.get(name, name)] += "\0"
    grant = grants.write(channel=channel, now=clock.now(), **says)
    answer = one.authorize(CODE, grant)
    assert (answer.status_code, answer.json()["key"]) == (403, "grant_invalid")
    assert one.browser.get("/session-offers/apply", {"code": CODE, "grant": grant}).status_code == 302
    assert one.held() == []


def test_an_altered_grant_is_refused(shop: Retailer, users: tuple[Shopper, Shopper]) -> None:
    one, _ = users
    grant = grant_for(shop, one.open())
    kind, kid, payload, mac = grant.split(".")
    for altered in (f"{kind}.{kid}.{payload}x.{mac}", f"{kind}.{kid}x.{payload}.{mac}", f"{kind}.{kid}.{payload}."):
        assert one.authorize(CODE, altered).status_code == 403


@pytest.mark.parametrize(("code", "status"), [("", 400), ("%c", 400), ("F" * 65, 400)])
def test_authorize_wants_a_code(users: tuple[Shopper, Shopper], code: str, status: int) -> None:
    users[0].open()
    assert users[0].authorize(code, "g").status_code == status


def test_without_a_visit_a_grant_is_worth_nothing(shop: Retailer, users: tuple[Shopper, Shopper]) -> None:
    grant = grant_for(shop, session_offers.fingerprint("some"))
    answer = users[0].authorize(CODE, grant)
    assert (answer.status_code, answer.json()["key"]) == (403, "grant_invalid")


def test_looking_ahead_authorises_nothing(shop: Retailer, users: tuple[Shopper, Shopper]) -> None:
    one, _ = users
    grant = grant_for(shop, one.open())
    assert one.authorize(CODE, grant, Sec_Purpose="prefetch").status_code == 204
    assert one.browser.head("/session-offers/authorize", {"code": CODE, "grant": grant}).status_code == 405
    assert one.browser.options("/session-offers/authorize").status_code == 204
    assert one.held() == []


def test_scenario_22_the_oldest_unused_code_makes_room(shop: Retailer, users: tuple[Shopper, Shopper]) -> None:
    one, _ = users
    fingerprint = one.open()
    codes = [CODE, *(f"FP_N{number}" for number in range(5))]
    secret = shop.secret  # type: ignore[attr-defined]
    for code in codes[1:]:
        ops(
            {
                "op": "create",
                "kind": "voucher",
                "fields": {"code": code, "channel": "FP_", "discount": {"type": "AMOUNT", "amount_off": 1}},
            }
        )
    for code in codes:
        answer = post("/session-offers/v1/authorize", secret, {"session_fingerprint": fingerprint, "code": code})
        assert answer.status_code == 200, answer.content
    assert one.held() == codes[1:]
    session_offers.set_on_cart(retailer_id=shop.pk, session_hash=fingerprint, codes=codes[1:])
    answer = post("/session-offers/v1/authorize", secret, {"session_fingerprint": fingerprint, "code": CODE})
    assert (answer.status_code, answer.json()["key"]) == (409, "too_many_codes")


def test_the_engine_needs_its_secret_key(shop: Retailer) -> None:
    body = {"session_fingerprint": "f" * 64, "code": CODE}
    assert post("/session-offers/v1/authorize", "sk_wrong", body).status_code == 401
    secret = shop.secret  # type: ignore[attr-defined]
    for code, status, key in (
        ("FP_NOPE", 404, "unknown_code"),
        ("WELCOME10", 409, "channel_prefix_required"),
        ("FP_", 409, "channel_prefix_required"),
    ):
        answer = post("/session-offers/v1/authorize", secret, {**body, "code": code})
        assert (answer.status_code, answer.json()["key"]) == (status, key)


@pytest.mark.parametrize(
    "body", [[], {}, {"code": 1, "session_fingerprint": "f"}, {"code": "FP_A", "session_fingerprint": 7}]
)
def test_nonsense_is_a_400(shop: Retailer, body: object) -> None:
    secret = shop.secret  # type: ignore[attr-defined]
    assert post("/session-offers/v1/authorize", secret, body).status_code == 400
    assert post("/session-offers/v1/present", secret, [body]).status_code == 400


def test_scenario_21_staff_take_a_code_back(shop: Retailer, shown: tuple[Shopper, Shopper]) -> None:
    fields = {"session_fingerprint": shown[0].open(), "code": CODE, "reason": "Leaked"}
    assert ops({"op": "revoke", "kind": "authorization", "fields": fields}) == [{}]
    assert shown[0].held() == []


def test_giving_up_needs_the_page_s_csrf_token(shown: tuple[Shopper, Shopper]) -> None:
    one = shown[0]
    one.browser.handler.enforce_csrf_checks = True
    headers = {"X-Publishable-Key": one.key, "Origin": "http://testserver"}
    assert one.browser.delete(f"/session-offers/v1/authorizations/{CODE}", headers=headers).status_code == 403
    one.browser.cookies["csrftoken"] = token = "a" * 32
    headers["X-CSRFToken"] = token
    assert one.browser.delete(f"/session-offers/v1/authorizations/{CODE}", headers=headers).status_code == 204
    assert one.held() == []


def test_a_campaign_switched_off_ends_its_authorisations(shop: Retailer, shown: tuple[Shopper, Shopper]) -> None:
    ident = Authorization.objects.get().campaign.public_id  # type: ignore[union-attr]
    assert ops({"op": "update", "kind": "campaign", "id": ident, "fields": {"active": False}}) == [{}]
    assert shown[0].held() == []


def test_scenarios_25_29_compatibility_mode(users: tuple[Shopper, Shopper], shop: Retailer) -> None:
    one, two = users
    ops({"op": "ensure", "kind": "channel", "fields": {"prefix": "FP_", "compat_mode": True}})
    assert one.authorize(CODE, Sec_Fetch_Site="same-origin").status_code == 403  # no visit before
    one.open()
    two.open()
    assert one.authorize(CODE, Sec_Fetch_Site="cross-site").status_code == 403  # scenario 25
    assert one.authorize(CODE).status_code == 403
    assert one.authorize(TEN, Sec_Fetch_Site="same-origin").status_code == 403  # its cart does not reach the segment
    assert one.authorize(CODE, Sec_Fetch_Site="same-origin").status_code == 204
    assert (one.held(), two.held()) == ([CODE], [])


# --- the shop's own checkout, server to server ---


def test_s18_s20_s21_a_shop_s_own_sessions_over_rest(shop: Retailer) -> None:
    secret = shop.secret  # type: ignore[attr-defined]
    assert reason(validate(shop, TEN, "visit-1")) == "code_not_authorized"
    answer = post("/session-offers/v1/authorize", secret, {"session": "visit-1", "code": TEN})
    assert answer.status_code == 200
    assert validate(shop, TEN, "visit-1")["valid"] is True
    assert reason(validate(shop, TEN, "visit-2")) == "code_not_authorized"
    assert reason(validate(shop, TEN)) == "code_not_authorized"


def test_s25_s26_codes_without_the_prefix_pass(shop: Retailer) -> None:
    for session in ("visit-1", None):
        assert validate(shop, "WELCOME10", session)["valid"] is True


def test_s27_scenario_8_and_follow_the_ordinary_rules(shop: Retailer) -> None:
    fields = {
        "code": "OLD10",
        "discount": {"type": "PERCENT", "percent_off": 10},
        "expiration_date": "2020-01-01T00:00:00Z",
    }
    ops({"op": "create", "kind": "voucher", "fields": fields})
    assert reason(validate(shop, "OLD10", "visit-1")) == "voucher_expired"


@pytest.mark.parametrize("spelt", ["fp_tenoff", " FP_TENOFF", "ＦＰ＿TENOFF", "Fp_ TenOff"])
def test_scenario_14_no_spelling_walks_around_the_prefix(shop: Retailer, spelt: str) -> None:
    assert reason(validate(shop, spelt, "visit-2")) == "code_not_authorized"


def test_scenario_26_an_unknown_code_is_told_apart_by_nothing(shop: Retailer) -> None:
    def told(code: str) -> object:
        first = validate(shop, code, "visit-2")["redeemables"][0]  # type: ignore[index]
        first["result"]["error"].pop("request_id")
        return repr(first).replace(code, "CODE")

    assert told("FP_NOPE99") == told(TEN)


def test_a_voucher_named_by_its_id_is_judged_by_its_code(shop: Retailer) -> None:
    ident = shop.vouchers.get(code=TEN).public_id
    assert reason(validate(shop, ident, "visit-2")) == "code_not_authorized"


def test_scenario_30_a_redemption_uses_the_authorisation_up(shop: Retailer) -> None:
    secret = shop.secret  # type: ignore[attr-defined]
    post("/session-offers/v1/authorize", secret, {"session": "visit-1", "code": TEN})
    body = {"redeemables": [{"object": "voucher", "id": TEN}], "order": {"amount": 10000}}
    api = ApiClient.of(shop)
    refused = api.post("/v1/redemptions", {**body, "shopper": {"session": "visit-2"}})
    assert (refused.status, refused["key"]) == (422, "code_not_authorized")
    done = api.post("/v1/redemptions", {**body, "shopper": {"session": "visit-1"}})
    assert (done.status, done["redemptions"][0]["result"]) == (200, "SUCCESS")
    again = api.post("/v1/redemptions", {**body, "shopper": {"session": "visit-1"}})
    assert (again.status, again["key"]) == (422, "code_not_authorized")
    assert shop.redemption_set.filter(succeeded=False).count() == 2


def test_s23_scenario_23_ordinary_vouchers_may_not_begin_like_a_channel_s(shop: Retailer) -> None:
    api = ApiClient.of(shop)
    body = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}
    for code in ("FP_SUMMER", "fp_summer", "Fp_x"):
        answer = api.post(f"/v1/vouchers/{code}", body)
        assert (answer.status, answer["key"]) == (409, "prefix_reserved")
    assert api.post("/v1/vouchers/XFP_SUMMER", body).status == 200


def test_s22_scenario_24_the_prefix_is_configurable_but_its_codes_never_become_free_for_all(shop: Retailer) -> None:
    made = ops({"op": "ensure", "kind": "channel", "fields": {"prefix": "VIP_"}})[0]
    assert {"id", "kid", "secret"} <= set(made)
    change = {"op": "update", "kind": "channel", "id": made["id"], "fields": {"prefix": "STAR-"}}
    assert ops(change) == [{}]
    voucher = {"code": "STAR-1", "channel": "STAR-", "discount": {"type": "AMOUNT", "amount_off": 100}}
    ops({"op": "create", "kind": "voucher", "fields": voucher})
    assert reason(validate(shop, "STAR-1", "visit-1")) == "code_not_authorized"
    refused = ops({**change, "fields": {"prefix": "VIP_"}})[0]["error"]
    assert "STAR-1" in refused
    assert "WELCOME10" in ops(
        {"op": "ensure", "kind": "channel", "fields": {"prefix": "FPX_"}},
        {
            "op": "create",
            "kind": "voucher",
            "fields": {"code": "WEL_1", "discount": {"type": "AMOUNT", "amount_off": 1}},
        },
        {"op": "ensure", "kind": "channel", "fields": {"prefix": "WEL_"}},
    )[2]["error"].replace("WEL_1", "WELCOME10")


@pytest.mark.parametrize("prefix", ["", "F", "_", "fp_", "FP", "F P_", "FP_X_", "ABCDEFGHIJKLMNOPQ_", "É_"])
def test_bad_and_overlapping_prefixes_are_refused(shop: Retailer, prefix: str) -> None:
    assert "error" in ops({"op": "ensure", "kind": "channel", "fields": {"prefix": prefix}})[0]


def test_refusals_are_counted_and_the_alarm_is_raised(shop: Retailer, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(code_refusals.LEAK_SESSIONS + 1):
        code_refusals.note(retailer_id=shop.pk, session_hash=f"{number}", code="fp_tenoff", now=clock.now())
    assert "leaked" in caplog.text
    assert CodeRefusal.objects.filter(code=TEN).count() == code_refusals.LEAK_SESSIONS + 1
    for _ in range(code_refusals.REFUSALS_MOST + 1):
        code_refusals.note(retailer_id=shop.pk, session_hash="same", code=TEN, now=clock.now())
    with pytest.raises(code_refusals.TooManyRefusals):
        code_refusals.check(retailer_id=shop.pk, session_hash="same", now=clock.now())


def test_refusals_over_rest_are_counted_and_then_slowed_down(shop: Retailer) -> None:
    for _ in range(code_refusals.REFUSALS_MOST + 1):
        validate(shop, TEN, "visit-2")
    assert CodeRefusal.objects.filter(code=TEN).count() == code_refusals.REFUSALS_MOST + 1
    body = {"redeemables": [{"object": "voucher", "id": TEN}], "order": {"amount": 10000}}
    for path in ("/v1/validations", "/v1/redemptions"):
        answer = ApiClient.of(shop).post(path, {**body, "shopper": {"session": "visit-2"}})
        assert (answer.status, answer["key"]) == (429, "too_many_requests")
    assert reason(validate(shop, TEN, "visit-3")) == "code_not_authorized"
    secret = shop.secret  # type: ignore[attr-defined]
    post("/session-offers/v1/authorize", secret, {"session": "visit-2", "code": TEN})
    assert validate(shop, TEN, "visit-2")["valid"] is True  # what it was shown still works


def test_a_voucher_redeemed_by_its_id_uses_the_authorisation_up(shop: Retailer) -> None:
    secret = shop.secret  # type: ignore[attr-defined]
    post("/session-offers/v1/authorize", secret, {"session": "visit-1", "code": TEN})
    ident = shop.vouchers.get(code=TEN).public_id
    body = {
        "redeemables": [{"object": "voucher", "id": ident}],
        "order": {"amount": 10000},
        "shopper": {"session": "visit-1"},
    }
    assert ApiClient.of(shop).post("/v1/redemptions", body).status == 200
    assert Authorization.objects.get().state == Authorization.State.USED
    assert ApiClient.of(shop).post("/v1/redemptions", body).status == 422


def test_scenario_18_bound_to_a_customer_it_works_in_his_other_session_when_a_server_says_so(shop: Retailer) -> None:
    ops(
        {
            "op": "create",
            "kind": "voucher",
            "fields": {"code": "FP_MINE", "channel": "FP_", "discount": {"type": "AMOUNT", "amount_off": 1}},
        },
        {
            "op": "create",
            "kind": "campaign",
            "fields": {"name": "Mine", "channel": "FP_", "code": "FP_MINE", "bind": "customer"},
        },
    )
    secret = shop.secret  # type: ignore[attr-defined]
    shown = {"session": "phone", "code": "FP_MINE", "customer_id": "ada"}
    assert post("/session-offers/v1/authorize", secret, shown).status_code == 200
    assert validate(shop, "FP_MINE", "laptop", customer={"source_id": "ada"})["valid"] is True
    assert reason(validate(shop, "FP_MINE", "laptop", customer={"source_id": "bob"})) == "code_not_authorized"
    assert reason(validate(shop, "FP_MINE", customer={"source_id": "ada"})) == "code_not_authorized"


def test_a_page_cannot_claim_to_be_the_customer(shop: Retailer) -> None:
    ask = Ask(redeemables=[], customer=CustomerAsk(source_id="ada"), shopper=ShopperAsk(session="s"))
    assert shopper_sessions.customer_key(ask, Actor(kind="API", ident="app_1")) == "ada"
    assert shopper_sessions.customer_key(ask, Actor(kind="API", ident="web_1")) == ""


@pytest.mark.parametrize("config", [{"prefix": "FP_"}, {"prefix": "fp_"}, {"pattern": "FP_###"}])
def test_s23_random_codes_may_not_begin_like_a_channel_s(shop: Retailer, config: dict[str, str]) -> None:
    body = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}, "code_config": config}
    answer = ApiClient.of(shop).post("/v1/vouchers", body)
    assert (answer.status, answer["key"]) == (409, "prefix_reserved")


def test_channels_cost_ordinary_codes_no_statement_and_their_own_one(shop: Retailer) -> None:
    plain = factories.retailer()
    voucher = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}
    assert ApiClient.of(plain).post("/v1/vouchers/WELCOME10", voucher).status == 200

    def statements(of: Retailer, code: str) -> int:
        validate(of, code, "visit-1")
        api = ApiClient.of(of)
        body: dict[str, object] = {"redeemables": [{"object": "voucher", "id": code}], "order": {"amount": 10000}}
        body["shopper"] = {"session": "visit-1"}
        api.post("/v1/validations", body)
        with CaptureQueriesContext(connection) as captured:
            assert api.post("/v1/validations", body).status == 200
        return len(captured)

    secret = shop.secret  # type: ignore[attr-defined]
    post("/session-offers/v1/authorize", secret, {"session": "visit-1", "code": TEN})
    without = statements(plain, "WELCOME10")
    assert statements(shop, "WELCOME10") == without
    assert statements(shop, TEN) == without + 1


def test_scenarios_16_17_logging_in_takes_codes_along_and_logging_out_ends_them(shop: Retailer) -> None:
    secret, now = shop.secret, clock.now()  # type: ignore[attr-defined]
    old, new = session_offers.fingerprint("before"), session_offers.fingerprint("after")
    post("/session-offers/v1/authorize", secret, {"session": "before", "code": TEN})
    session_offers.move(old=old, new=new)
    assert reason(validate(shop, TEN, "before")) == "code_not_authorized"
    assert validate(shop, TEN, "after")["valid"] is True
    session_offers.end_all(session_hash=new, now=now)
    assert reason(validate(shop, TEN, "after")) == "code_not_authorized"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_scenario_27_thirty_parallel_calls_with_one_grant_make_one_row() -> None:
    shop, _ = lay_out()
    fingerprint = session_offers.fingerprint("visit")
    grant, now, start = grant_for(shop, fingerprint), clock.now(), Barrier(30)
    failed: list[BaseException] = []

    def call() -> None:
        try:
            start.wait()
            session_offers.authorize(retailer_id=shop.pk, session_hash=fingerprint, code=CODE, grant=grant, now=now)
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [Thread(target=call) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert Authorization.objects.count() == 1
