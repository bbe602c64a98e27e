"""Credentials, envelopes, errors, addresses and request ids: what every call of the dialect has in common."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import clear_url_caches, include, path
from pytest_django.fixtures import Settings

from checkout.api.sessionm.envelope import ConnectView, PosView, at
from offers import clients, retailer_settings
from offers.lib import clock
from offers.lib.actors import SYSTEM
from offers.lib.errors import NotFound, Refusal
from offers.models import Retailer, Store
from tests.api.sessionm.client import Till, basic, store


class Counted(Refusal):
    """Refused, and counted all the same."""

    code = "offer_not_applicable"


class Flat(ConnectView):
    scopes = ("offers.read",)

    def handle(self, **_: str) -> Any:
        return {"echo": self.body.get("echo")}


class Pos(PosView):
    operation = "echo"

    def handle(self, **_: str) -> Any:
        Store.objects.create(retailer_id=self.retailer_id, name="effect")
        if self.payload.get("fail") == "raise":
            raise NotFound("user_offer", "x")
        if self.payload.get("fail") == "return":
            return Counted()
        return {"echo": self.payload.get("echo"), "culture": self.culture}


class Reading(PosView):
    word = "success"
    store_optional = True

    def handle(self, **_: str) -> Any:
        return [Store.objects.count()]


urlpatterns = [
    *at("test/flat", view=Flat),
    *at("test/pos", "Pos", view=Pos),
    *at("test/reading", view=Reading),
    path("", include("project.urls")),
]


@pytest.fixture(autouse=True)
def own_urls(settings: Settings, db: None) -> Iterator[None]:
    settings.ROOT_URLCONF = __name__
    clear_url_caches()
    yield
    clear_url_caches()


@pytest.fixture
def till(shop_a: Retailer) -> Till:
    return Till(shop_a)


def effects() -> int:
    return Store.objects.filter(name="effect").count()


def test_o6_without_or_with_wrong_credentials_401(till: Till) -> None:
    wrong = ["", "Basic", "Basic !!!", "Bearer x", basic(till.row.key, "wrong"), basic("no-such", till.secret)]
    wrong += ["Basic " + "QQ==", basic(till.row.key, ""), "Basic " + "A" * 5000]
    for header in wrong:
        answer = till.call("test/flat", {"retailer_id": str(till.shop.uuid)}, Authorization=header)
        assert (answer.status, answer["errors"]["code"]) == (401, "not_authorized"), header
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert answer["status"] == "error" and answer["payload"] is None


def test_the_scheme_may_be_spelled_anyhow_and_the_id_in_capitals(till: Till) -> None:
    header = basic(till.row.key.upper(), till.secret).replace("Basic", "bAsIc")
    assert till.call("test/flat", {"retailer_id": str(till.shop.uuid)}, Authorization=header).status == 200


def test_credentials_of_another_dialect_do_not_work_here(till: Till, shop_a: Retailer) -> None:
    row, secret = clients.create(retailer_id=shop_a.pk, kind="server", name="x", actor=SYSTEM, now=clock.now())
    answer = till.call("test/flat", {"retailer_id": str(shop_a.uuid)}, Authorization=basic(row.key, secret))
    assert answer.status == 401


def test_revoked_and_rotated_credentials_end_at_the_next_call(till: Till) -> None:
    assert till.offer("test/flat").status == 200
    clients.revoke(retailer_id=till.shop.pk, key=till.row.key, actor=SYSTEM, now=clock.now())
    assert till.offer("test/flat").status == 401


def test_a_call_needs_its_scope(shop_a: Retailer) -> None:
    till = Till(shop_a, scopes=["pos"])
    assert (till.offer("test/flat").status, till.offer("test/flat")["errors"]["code"]) == (403, "access_denied")
    assert till.pos("test/pos", {}).status == 200


def test_o8_retailer_id_is_needed_and_must_be_our_own(till: Till, shop_b: Retailer) -> None:
    assert till.call("test/flat", {"echo": 1})["errors"]["code"] == "missing_data"
    assert till.call("test/flat", {"retailer_id": "x"})["errors"]["code"] == "argument_error"
    foreign = till.call("test/flat", {"retailer_id": str(shop_b.uuid)})
    assert (foreign.status, foreign["errors"]["code"]) == (403, "access_denied")
    assert till.call("test/flat", {"retailer_id": str(till.shop.uuid).upper()}).status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"[1]",
        b"null",
        b"{",
        b'{"a":NaN}',
        b'{"a":"\\u0000"}',
        b'{"a":"\xff"}',
        b"[" * 99999,
        b"\xef\xbb\xbf{}",
        b'{"a":' * 40 + b"1" + b"}" * 40,
    ],
)
def test_what_is_no_object_is_malformed(till: Till, raw: bytes) -> None:
    answer = till.call("test/flat", raw=raw)
    assert (answer.status, answer["errors"]["code"]) == (400, "malformed_json")


def test_of_a_key_sent_twice_the_last_counts(till: Till) -> None:
    raw = b'{"retailer_id":"x","retailer_id":"%s","echo":1,"echo":0.10}' % str(till.shop.uuid).encode()
    assert till.call("test/flat", raw=raw).text == '{"status":"ok","payload":{"echo":0.1}}'


def test_o7_only_json_is_read(till: Till) -> None:
    answer = till.call("test/flat", raw=b"a=1", content_type="application/x-www-form-urlencoded")
    assert (answer.status, answer["errors"]["code"]) == (415, "unsupported_media_type")


def test_a_body_beyond_five_megabytes_is_413(till: Till) -> None:
    answer = till.call("test/flat", raw=b'{"a":"' + b"x" * 5 * 1024 * 1024 + b'"}')
    assert (answer.status, answer["errors"]["code"]) == (413, "payload_too_large")


def test_o5_another_method_is_405(till: Till) -> None:
    answer = till.call("test/flat", method="GET")
    assert (answer.status, answer["errors"]["code"], answer.headers["Allow"]) == (405, "method_not_allowed", "POST")


def test_addresses_forgive_case_and_slashes_without_a_redirect(till: Till) -> None:
    for where in ("Pos", "pos", "POS/", "test/pos", "test/POS//"):
        assert till.pos(where, {}).status == 200, where
    nowhere = till.call("no/such", {"a": 1})
    assert (nowhere.status, nowhere["errors"]["code"]) == (404, "not_found")


def test_o51_every_part_of_the_envelope_is_needed_and_named(till: Till) -> None:
    for name in ("store_id", "client_id", "request_id", "request_payload"):
        body = till.envelope({})
        del body[name]
        answer = till.call("Pos", body)
        assert (answer.status, answer["errors"]["code"]) == (400, "missing_data")
        assert answer["errors"]["details"][0]["field"] == name


def test_o51_a_read_may_come_without_a_store(till: Till) -> None:
    body = till.envelope({})
    del body["store_id"]
    assert till.call("test/reading", body)["status"] == "success"


def test_o52_the_client_id_is_the_one_of_the_credentials(till: Till, shop_b: Retailer) -> None:
    assert till.pos("Pos", {}, client_id=till.row.key.upper()).status == 200
    answer = till.pos("Pos", {}, client_id=Till(shop_b).row.key)
    assert (answer.status, answer["errors"]["code"]) == (403, "access_denied")


def test_foreign_unknown_and_closed_stores_are_denied_alike(till: Till, shop_b: Retailer) -> None:
    denied = [
        till.pos("Pos", {}, store_id=str(place))
        for place in (
            store(shop_b).uuid,
            "00000000-0000-0000-0000-000000000000",
            store(till.shop, active=False).uuid,
        )
    ]
    assert {(answer.status, answer["errors"]["code"]) for answer in denied} == {(403, "access_denied")}
    assert till.pos("Pos", {}, store_id="x")["errors"]["code"] == "argument_error"


def test_a_request_id_is_answered_once_and_replayed_byte_for_byte(till: Till) -> None:
    first = till.pos("Pos", {"echo": 1}, request_id="1")
    again = till.pos("test/pos/", {"echo": 1}, request_id="1")
    assert (first.status, first.text, effects()) == (again.status, again.text, 1)
    assert again.headers["X-Idempotent-Replay"] == "true" and "X-Idempotent-Replay" not in first.headers


def test_the_same_request_id_with_another_body_is_a_conflict(till: Till) -> None:
    till.pos("Pos", {"echo": 1}, request_id="1")
    answer = till.pos("Pos", {"echo": 2}, request_id="1")
    assert (answer.status, answer["errors"]["code"], effects()) == (409, "request_id_conflict", 1)


def test_o99_request_ids_of_other_clients_are_their_own(till: Till, shop_a: Retailer) -> None:
    till.pos("Pos", {"echo": 1}, request_id="1")
    assert Till(shop_a).pos("Pos", {"echo": 2}, request_id="1").status == 200


def test_a_refusal_undoes_its_effect_and_is_replayed(till: Till) -> None:
    first = till.pos("Pos", {"fail": "raise"}, request_id="1")
    assert (first.status, first["errors"]["code"], effects()) == (404, "user_offer_not_found", 0)
    assert till.pos("Pos", {"fail": "raise"}, request_id="1").headers["X-Idempotent-Replay"] == "true"


def test_a_refusal_that_is_returned_keeps_its_effect(till: Till) -> None:
    answer = till.pos("Pos", {"fail": "return"})
    assert (answer.status, answer["errors"]["code"], effects()) == (422, "offer_not_applicable", 1)


def test_shape_errors_are_not_kept(till: Till) -> None:
    assert till.pos("Pos", None, request_id="1").status == 400
    assert till.pos("Pos", {}, request_id="1").status == 200


def test_reads_are_answered_afresh(till: Till) -> None:
    first = till.pos("test/reading", {}, request_id="1")
    store(till.shop)
    assert till.pos("test/reading", {}, request_id="1").text != first.text


def test_t17_a_lock_lasts_longer_than_the_queue_may_take() -> None:
    for wanted in ({"lock_ttl_seconds": 900}, {"lock_ttl_seconds": 0}, {"lock_ttl_seconds": 86_401}, {"x": 1}):
        with pytest.raises(retailer_settings.InvalidSettings):
            retailer_settings.merged({}, wanted)
    kept = retailer_settings.merged({"other": 1}, {"lock_ttl_seconds": 2, "transaction_max_queue_seconds": 1})
    assert (kept["other"], retailer_settings.of(kept).lock_ttl_seconds) == (1, 2)
