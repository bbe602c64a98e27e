"""/v1/redemptions beyond the flows: without an order, by dates, what history shows, ids that hide something."""

from typing import Any

import pytest

from offers.models import Customer, Retailer
from tests.api.client import Answer, ApiClient
from tests.flows import shop
from tests.flows.shop import body, redeem, validate

pytestmark = pytest.mark.django_db

HIDING = ["a\nb", "\u202eabc", "a\u200b"]


@pytest.mark.parametrize("customer", [None, {"source_id": "ann"}])
def test_a_code_is_redeemed_without_an_order(api: ApiClient, shop_a: Retailer, customer: Any) -> None:
    shop.code(shop_a)
    wanted = {"redeemables": [{"id": "CODE"}], "customer": customer}
    assert api.post("/v1/validations", wanted)["valid"]
    answer = api.post("/v1/redemptions", wanted)
    assert answer.status == 200
    assert "order" not in answer.json
    (made,) = answer["redemptions"]
    assert (made["result"], made["order"]) == ("SUCCESS", None)
    assert made["voucher"]["redemption"]["redeemed_quantity"] == 1
    assert api.post("/v1/redemptions", wanted)["key"] == "quantity_exceeded"


def test_the_list_knows_when_they_were_made(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    assert redeem(api, "CODE").status == 200
    assert api.get("/v1/redemptions?created_at[after]=2020-01-01")["total"] == 1
    assert api.get("/v1/redemptions?[created_at][before]=2020-01-01T00:00:00.000000")["total"] == 0
    refused = api.get("/v1/redemptions?updated_at[after]=2020-01-01")
    assert (refused.status, refused["key"]) == (400, "invalid_query_params")


def test_a_failed_rollback_is_not_among_those_that_undid_it(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a)
    made = redeem(api, "CODE")["redemptions"][0]["id"]
    undone = api.post(f"/v1/redemptions/{made}/rollback")
    assert api.post(f"/v1/redemptions/{made}/rollback")["key"] == "already_rolled_back"
    shown = api.get(f"/v1/redemptions/{made}")["related_redemptions"]["rollbacks"]
    assert [one["id"] for one in shown] == [undone["id"]]


@pytest.mark.parametrize("text", HIDING)
@pytest.mark.parametrize(
    "path", [("session", "key"), ("customer", "source_id"), ("order", "source_id"), ("redeemables", "id")]
)
def test_an_id_that_hides_something_is_refused(
    api: ApiClient, shop_a: Retailer, path: tuple[str, str], text: str
) -> None:
    shop.code(shop_a)
    wanted: dict[str, Any] = body("CODE", session=shop.lock_of("k"), customer={"source_id": "ann"})
    part, name = path
    (wanted[part][0] if part == "redeemables" else wanted[part])[name] = text
    for address in ("/v1/validations", "/v1/redemptions"):
        answer = api.post(address, wanted)
        assert (answer.status, answer["key"]) == (400, "invalid_payload")
        assert f".{name}" in answer["details"]
    assert not Customer.objects.exists()


def test_the_error_of_an_unknown_code_names_it(api: ApiClient, shop_a: Retailer) -> None:
    error = validate(api, "NOPE")["redeemables"][0]["result"]["error"]
    assert (error["resource_id"], error["resource_type"]) == ("NOPE", "voucher")
    assert error["details"] == "Cannot find voucher with id NOPE"


@pytest.mark.parametrize("path", ["/v1/validations", "/v1/redemptions"])
def test_a_code_and_its_id_are_one_voucher(api: ApiClient, shop_a: Retailer, path: str) -> None:
    voucher = shop.code(shop_a, limit=2)
    answer = api.post(path, body("CODE", voucher.public_id, session=shop.lock_of("k")))
    assert (answer.status, answer["key"]) == (400, "duplicated_redeemables")
    assert api.post(path, body("NOPE", "NADA")).status == (200 if path == "/v1/validations" else 404)


@pytest.mark.parametrize("part", ["order", "customer"])
@pytest.mark.parametrize("name", ["id", "source_id"])
def test_an_empty_id_does_not_make_one_of_all_who_send_it(
    api: ApiClient, shop_a: Retailer, part: str, name: str
) -> None:
    shop.code(shop_a)
    wanted: dict[str, Any] = {"redeemables": [{"id": "CODE"}], "order": {"amount": 5}, "customer": {"source_id": "ann"}}
    wanted[part][name] = ""
    answer = api.post("/v1/redemptions", wanted)
    assert (answer.status, answer["key"]) == (400, "invalid_payload")


def test_metadata_sent_as_null_goes(api: ApiClient, shop_a: Retailer) -> None:
    shop.code(shop_a, limit=None)
    for sent, kept in (
        ({"a": 1, "b": None, "c": {"d": None}}, {"a": 1, "c": {"d": None}}),
        ({"a": None, "c": 2}, {"c": 2}),
    ):
        answer = redeem(
            api,
            "CODE",
            customer={"source_id": "ann", "metadata": sent},
            order={"source_id": "o-1", "amount": 100, "metadata": sent},
        )
        assert answer["redemptions"][0]["customer"]["metadata"] == answer["order"]["metadata"] == kept
        assert api.get("/v1/customers/ann")["metadata"] == api.get("/v1/orders/o-1")["metadata"] == kept


def test_a_failure_is_repeated_under_its_key_and_recorded_once(api: ApiClient, shop_a: Retailer) -> None:
    first, again = (redeem_once(api, "NOPE", "key-1") for _ in range(2))
    assert (first.status, again.status, first.text) == (404, 404, again.text)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert api.get("/v1/redemptions?result=FAILURE")["total"] == 1
    shop.code(shop_a, "NOPE", limit=2)
    assert redeem_once(api, "NOPE", "key-1").status == 404
    assert [redeem_once(api, "NOPE", "key-2").status for _ in range(3)] == [200] * 3
    assert api.get("/v1/vouchers/NOPE/redemption")["redeemed_quantity"] == 1
    reused = api.post("/v1/redemptions", body("NOPE", amount=7), Idempotency_Key="key-2")
    assert (reused.status, reused["key"]) == (422, "idempotency_key_reused")
    malformed = api.post("/v1/redemptions", {"redeemables": "NOPE"}, Idempotency_Key="key-3")
    assert (malformed.status, redeem_once(api, "NOPE", "key-3").status) == (400, 200)


def redeem_once(api: ApiClient, code: str, key: str) -> Answer:
    return api.post("/v1/redemptions", body(code), Idempotency_Key=key)
