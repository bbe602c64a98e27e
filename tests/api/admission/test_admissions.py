"""/admission/v1 admissions and handoffs over HTTP: validate, claim, pay, complete, give up, and one-time codes."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import orjson
import pytest
from django.db import connection

from checkout.admission import claims, handoffs
from checkout.admission.models import Admission, Distribution, Entry, Handoff
from checkout.configure import operations
from offers import signing_keys
from offers.ledger import audit
from offers.ledger.models import Hold
from offers.lib.actors import SYSTEM
from offers.models import AuditEntry, Retailer
from tests import factories
from tests.api.client import Answer, ApiClient
from tests.checkout.admission import launch
from tests.checkout.admission.launch import NOW, at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("line_at_noon")]
SetClock = Callable[[datetime], None]
ORDER = {"order_id": "R-1", "order_amount": "49.00", "currency": "EUR"}


class Scene:
    """A queue of one place at a time, a shopper in it who was admitted, and the checkout's server."""

    def __init__(self, shop: Retailer, **fields: Any) -> None:
        self.shop = shop
        self.page = ApiClient({"X-Publishable-Key": factories.credential(shop, "publishable", origins=["*"])[0].key})
        self.server = ApiClient({"Authorization": f"Bearer {factories.credential(shop, 'secret')[1]}"})
        self.queue: Distribution = launch.queue(shop, max_active=1, currency="EUR", **fields)
        self.consumer, self.token = self.admit()

    def admit(self) -> tuple[ApiClient, str]:
        guest = self.page.post("/admission/v1/auth/guest", {}).json
        consumer = ApiClient({**self.page.headers, "Authorization": f"Bearer {guest['access_token']}"})
        consumer.post(f"/admission/v1/queues/{self.queue.uuid}/enter", {})
        launch.tick(self.queue)
        found = consumer.get(f"/admission/v1/queues/{self.queue.uuid}/status")
        return consumer, (found["admission"] or {"token": ""})["token"]

    def do(self, what: str, **more: object) -> Answer:
        return self.server.post(f"/admission/v1/admissions/{what}", {"admission_token": self.token, **more})


@pytest.fixture
def scene(shop_a: Retailer) -> Scene:
    return Scene(shop_a)


def test_a12_a13_a22_a23_once_from_validate_to_complete(scene: Scene) -> None:
    assert scene.do("validate")["valid"] is True
    assert scene.do("claim", session="cart-1")["state"] == "CLAIMED"
    assert scene.do("claim", session="cart-1").status == 200
    assert scene.do("claim", session="cart-2").json["error"]["code"] == "admission_bound_elsewhere"
    assert scene.do("validate", session="cart-2").json == {"valid": False, "reason": "bound_elsewhere"}
    assert scene.do("begin_payment", session="cart-1").status == 200
    done = scene.do("complete", **ORDER)
    assert (done.status, done["state"], done["order_id"]) == (200, "COMPLETED", "R-1")
    assert scene.do("complete", **ORDER).status == 200
    again = scene.do("complete", **{**ORDER, "order_id": "R-2"})
    assert (again.status, again.json["error"]["code"]) == (409, "admission_already_completed")
    assert scene.do("validate").json == {"valid": False, "reason": "completed"}
    assert Entry.objects.get().state == "COMPLETED"
    assert not Hold.objects.filter(state=Hold.State.LIVE).exists()  # the place is free for the next


def test_a8_forged_altered_and_foreign_tokens_are_refused(scene: Scene, shop_b: Retailer) -> None:
    head, _, mac = scene.token.rpartition(".")
    other = Scene(shop_b)
    for token, reason in [
        ("nonsense", "malformed"),
        (f"{head}.{mac[::-1]}", "invalid_signature"),
        (scene.token.replace(".key_", ".yek_"), "invalid_signature"),
        (other.token, "invalid_signature"),
    ]:
        sent = {"admission_token": token, "session": "cart-1"}
        told = scene.server.post("/admission/v1/admissions/validate", sent)
        assert (told.status, told.json) == (200, {"valid": False, "reason": reason})
        assert scene.server.post("/admission/v1/admissions/claim", sent).status == 401
    Admission.objects.filter(retailer=scene.shop).delete()
    assert scene.do("validate")["reason"] == "unknown"
    assert scene.do("claim", session="cart-1").status == 404


def test_a_token_outlives_the_rotation_of_its_key_but_not_the_keys_end(scene: Scene) -> None:
    kid = scene.token.split(".")[1]
    who: Any = {"retailer_id": scene.shop.pk, "actor": SYSTEM, "now": NOW}
    signing_keys.rotate(purpose=signing_keys.ADMISSION, **who)
    again = scene.consumer.get(f"/admission/v1/queues/{scene.queue.uuid}/status")["admission"]["token"]
    assert again.split(".")[1] != kid
    assert scene.do("validate")["valid"] is True
    assert scene.do("claim", session="cart-1").status == 200
    signing_keys.retire(kid=kid, **who)
    assert scene.do("validate").json == {"valid": False, "reason": "invalid_signature"}
    refused = scene.do("claim", session="cart-1")
    assert (refused.status, refused.json["error"]["code"]) == (401, "invalid_signature")
    scene.token = again
    assert scene.do("complete", **ORDER)["state"] == "COMPLETED"


def test_a9_an_admission_says_when_it_ends(scene: Scene) -> None:
    shown = scene.consumer.get(f"/admission/v1/queues/{scene.queue.uuid}/status")["admission"]
    assert (shown["expires_at"], shown["seconds_left"]) == ("2026-06-01T12:15:00.000Z", 900)
    assert scene.do("validate")["expires_at"] == shown["expires_at"]


def test_a10_it_lasts_a_quarter_of_an_hour_unless_its_distribution_says_otherwise(scene: Scene) -> None:
    assert 10 * 60 <= scene.queue.admission_ttl_seconds <= 30 * 60
    assert Admission.objects.get().expires_at == at(scene.queue.admission_ttl_seconds)
    short = Scene(factories.retailer(), admission_ttl_seconds=120)
    assert short.do("validate")["expires_at"] == "2026-06-01T12:02:00.000Z"


def test_a38_no_payment_begins_without_an_admission_that_holds(scene: Scene, set_clock: SetClock) -> None:
    pay = "/admission/v1/admissions/begin_payment"
    assert scene.server.post(pay, {"session": "cart-1"}).status == 400
    assert scene.server.post(pay, {"admission_token": "made-up", "session": "cart-1"}).status == 401
    scene.do("claim", session="cart-1")
    assert scene.do("begin_payment", session="cart-2").status == 409
    set_clock(at(900))
    assert scene.do("begin_payment", session="cart-1").status == 410
    assert Admission.objects.get().state != "PAYING"


def test_a_token_outlives_a_new_secret_key_while_the_one_before_is_named(scene: Scene, settings: Any) -> None:
    before, settings.SECRET_KEY = settings.SECRET_KEY, "another" * 8
    assert scene.do("validate")["reason"] == "invalid_signature"
    settings.SECRET_KEY_FALLBACKS = [before]
    assert scene.do("validate")["valid"] is True


def test_a11_it_ends_at_its_second_and_a_payment_begun_has_two_minutes(scene: Scene, set_clock: SetClock) -> None:
    late = Scene(factories.retailer())
    scene.do("claim", session="cart-1")
    set_clock(at(899))
    assert scene.do("begin_payment", session="cart-1").status == 200
    set_clock(at(900 + 119))
    assert scene.do("complete", **ORDER).status == 200
    set_clock(at(900))
    assert late.do("validate")["reason"] == "expired"
    assert late.do("complete", **ORDER).status == 410
    assert late.do("begin_payment", session="cart-1").status == 410


def test_a24_five_declines_give_the_place_up(scene: Scene) -> None:
    scene.do("claim", session="cart-1")
    for declines in range(1, 6):
        scene.do("begin_payment", session="cart-1")
        state = scene.do("payment_failed", reason="card_declined")["state"]
        assert state == ("RELEASED" if declines == 5 else "CLAIMED")
    assert scene.do("complete", **ORDER).status == 409
    assert scene.do("validate")["reason"] == "released"


def test_more_time_is_given_once_to_whom_claimed_and_to_what_is_held(shop_a: Retailer, set_clock: SetClock) -> None:
    scene = Scene(shop_a, max_extensions=1, extension_seconds=300)
    assert scene.do("extend").status == 409  # not claimed yet
    scene.do("claim", session="cart-1")
    longer = scene.do("extend")
    assert (longer.status, longer["expires_at"]) == (200, "2026-06-01T12:20:00.000Z")
    assert longer["admission_token"] != scene.token
    assert scene.do("extend").json["error"]["code"] == "extension_refused"
    assert Hold.objects.get(state=Hold.State.LIVE).expires_at == at(1200)
    set_clock(at(1199))
    assert scene.do("validate")["valid"] is True  # the old text names the same admission
    set_clock(at(1200))
    assert scene.do("extend").status == 410
    assert scene.do("validate")["reason"] == "expired"


def test_no_time_beyond_the_hard_end_and_none_unless_allowed(scene: Scene) -> None:
    scene.do("claim", session="cart-1")
    assert scene.do("extend").status == 409
    Distribution.objects.update(max_extensions=5, extension_seconds=600, hard_end_at=at(1000))
    assert scene.do("extend")["expires_at"] == "2026-06-01T12:16:40.000Z"
    assert scene.do("extend").status == 409


def test_a14_staff_take_an_admission_away_with_a_reason(scene: Scene) -> None:
    named = {"op": "revoke", "kind": "admission", "id": str(Admission.objects.get().uuid)}
    Retailer.objects.filter(pk=scene.shop.pk).update(name=operations.TENANTS["A"])
    results = operations.carry_out([{**named, "fields": {"reason": "fraud"}}, {**named, "id": "none"}], now=NOW)
    assert results[0] == {} and "error" in results[1]
    assert scene.do("validate")["reason"] == "revoked"
    assert scene.do("claim", session="cart-1").status == 409
    assert scene.do("complete", **ORDER).status == 409
    assert not Hold.objects.filter(state=Hold.State.LIVE).exists()
    assert AuditEntry.objects.get(action="admission.revoke").reason == "fraud"


def test_a_place_given_up_is_the_next_ones(scene: Scene) -> None:
    _, none = scene.admit()
    assert none == ""
    stranger = ApiClient({**scene.page.headers, "Authorization": scene.admit()[0].headers["Authorization"]})
    body = {"admission_token": scene.token}
    assert stranger.post("/admission/v1/admissions/release", body).status == 404
    assert scene.consumer.post("/admission/v1/admissions/release", body)["state"] == "RELEASED"
    launch.tick(scene.queue)
    assert Admission.objects.filter(state="ISSUED").count() == 1


def test_a21_only_a_servers_secret_key_may(scene: Scene) -> None:
    for what in ("validate", "claim", "begin_payment", "payment_failed", "complete"):
        address, body = f"/admission/v1/admissions/{what}", {"admission_token": scene.token}
        assert ApiClient({}).post(address, body).status == 401
        assert scene.consumer.post(address, body).status == 401
        assert ApiClient({**scene.server.headers, "Origin": "https://x.example"}).post(address, body).status == 403
        assert scene.server.post(address, {}).status == 400


def test_a18_a26_a_code_is_for_listed_origins_and_works_once(scene: Scene, set_clock: SetClock) -> None:
    scene.shop.settings = {"return_origins": ["https://shop.example"]}
    scene.shop.save()

    def ask(url: object) -> Answer:
        return scene.consumer.post("/admission/v1/handoffs", {"admission_token": scene.token, "return_url": url})

    for url in (
        "javascript:alert(1)",
        "https://evil.example/",
        "https://shop.example.evil.example/",
        "https://shop.example@evil.example/",
        "https://shop.example:444/",
        "https://shop.example:0/",
        "https://*.example/",
        "https://*/",
        "data:text/html,x",
        "https:shop.example",
        "https://shop.example.\t/",
        ["https://shop.example/"],
        "http://shop.example/",
        "//shop.example/",
        "https://shop.example\\@evil.example",
        None,
    ):
        assert ask(url).json["error"]["code"] == "return_url_refused", url
    code = ask("https://shop.example/checkout?cart=1")["code"]
    exchange = "/admission/v1/handoffs/exchange"
    assert scene.server.post(exchange, {"code": code}).json == {"admission_token": scene.token}
    assert scene.server.post(exchange, {"code": code}).status == 404
    late = ask("https://shop.example/")["code"]
    set_clock(at(60))
    assert scene.server.post(exchange, {"code": late}).status == 404
    assert scene.server.post(exchange, {"code": "x"}).status == 404


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_completes_at_once_one_order_gets_it(scene: Scene) -> None:
    row = Admission.objects.get()

    def complete(number: int) -> str:
        try:
            done = claims.complete(admission_id=row.pk, order_id=f"R-{number}", amount=1, currency="EUR", now=NOW)
            return done.order_id
        except claims.AlreadyCompleted:
            return ""
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        won = [order for order in pool.map(complete, [number // 2 for number in range(50)]) if order]
    assert won == 2 * [Admission.objects.get().order_id]  # told of twice, and the same answer both times
    assert audit.prove().differences == []


def test_codes_of_yesterday_are_forgotten(scene: Scene) -> None:
    row, origin = Admission.objects.get(), "https://shop.example"
    for seconds in (0, 10, 100):
        handoffs.create(admission=row, return_url=f"{origin}/", allowed=[origin], now=at(seconds))
    assert handoffs.forget(now=at(60 + 86_400 + 10), most=2) == 2
    assert handoffs.forget(now=at(60 + 86_400 + 10)) == 0
    assert Handoff.objects.get().created_at == at(100)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_exchanges_at_once_one_gets_the_admission(scene: Scene) -> None:
    row, origin = Admission.objects.get(), "https://shop.example"
    code = handoffs.create(admission=row, return_url=f"{origin}/", allowed=[origin], now=NOW)

    def exchange(_: int) -> int:
        try:
            return handoffs.exchange(code=code, retailer_id=scene.shop.pk, now=NOW).pk
        except handoffs.CodeRefused:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(exchange, range(24)))[-2:] == [0, row.pk]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_extensions_at_once_as_many_count_as_are_allowed(shop_a: Retailer) -> None:
    scene = Scene(shop_a, max_extensions=2, extension_seconds=100)
    row = Admission.objects.get()
    claims.claim(admission_id=row.pk, session="cart-1", now=NOW)

    def extend(_: int) -> int:
        try:
            return claims.extend(admission_id=row.pk, now=NOW).extensions
        except claims.NoExtension:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(extend, range(16)))[-3:] == [0, 1, 2]
    assert scene.do("validate")["expires_at"] == "2026-06-01T12:18:20.000Z"


def test_a_checkout_is_told_what_to_do_when_we_do_not_answer(scene: Scene) -> None:
    experience = scene.queue.sequence.experience
    address = f"/admission/v1/experiences/{experience.uuid}"
    assert scene.do("validate")["when_unknown"] == scene.page.get(address)["when_unknown"] == "closed"
    experience.when_unknown = "open"
    experience.save(update_fields=["when_unknown"])
    assert scene.do("claim", session="cart-1")["when_unknown"] == scene.page.get(address)["when_unknown"] == "open"
    assert "when_unknown" not in scene.do("validate", session="cart-2").json


def test_a27_our_own_checkout_needs_no_place_on_the_list(scene: Scene) -> None:
    for address, status in (("http://testserver/shop/checkout/", 201), ("http://elsewhere/shop/checkout/", 400)):
        made = scene.consumer.post("/admission/v1/handoffs", {"admission_token": scene.token, "return_url": address})
        assert made.status == status, address


def test_a_token_says_for_whom_it_is_and_is_never_longer_than_it_may_be(shop_a: Retailer) -> None:
    scene = Scene(shop_a, sku="手" * 255)
    said = orjson.loads(base64.urlsafe_b64decode(scene.token.split(".")[2] + "=="))
    assert (said["iss"], said["aud"], said["qty"]) == ("offerkeep", shop_a.public_id, 1)
    assert "skus" not in said  # the row knows it
    assert len(scene.token) <= 1024
    assert scene.do("validate")["limits"] == {"quantity": 1, "sku": "手" * 255}
