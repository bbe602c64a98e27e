"""/v1/vouchers/{code}/balance and /transactions."""

from typing import Any

import pytest

from tests.api.client import ApiClient
from tests.api.voucherify.test_vouchers import CARD, TEN


@pytest.fixture(autouse=True)
def card(api: ApiClient) -> dict[str, Any]:
    found: dict[str, Any] = api.post("/v1/vouchers/CARD", CARD).json
    return found


def test_credits_are_added_and_removed(api: ApiClient, card: dict[str, Any]) -> None:
    answer = api.post("/v1/vouchers/CARD/balance", {"amount": 1000, "reason": "sorry", "source_id": "s-1"})
    assert answer.json == {
        "amount": 1000,
        "total": 6000,
        "balance": 6000,
        "type": "gift_voucher",
        "operation_type": "MANUAL",
        "object": "balance",
        "related_object": {"type": "voucher", "id": card["id"]},
    }
    assert api.post("/v1/vouchers/CARD/balance", {"amount": -500})["balance"] == 5500
    gift = api.get("/v1/vouchers/CARD")["gift"]
    assert gift == {"amount": 6000, "subtracted_amount": 500, "balance": 5500, "effect": "APPLY_TO_ORDER"}


def test_a_source_id_counts_once(api: ApiClient) -> None:
    for _ in range(2):
        assert api.post("/v1/vouchers/CARD/balance", {"amount": 10, "source_id": "s-1"})["balance"] == 5010
    assert api.post("/v1/vouchers/CARD/balance", {"amount": 11, "source_id": "s-1"}).status == 409


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({}, "invalid_payload"),
        ({"amount": "5"}, "invalid_payload"),
        ({"amount": 1.5}, "invalid_payload"),
        ({"amount": True}, "invalid_payload"),
        ({"amount": 10**16}, "invalid_payload"),
        ({"amount": 5, "source_id": 7}, "invalid_payload"),
        ({"amount": 5, "source_id": "x" * 129}, "invalid_add_balance_params"),
        ({"amount": 5, "source_id": "a\u0000b"}, "invalid_payload"),
        ({"amount": 5, "reason": "x" * 201}, "invalid_payload"),
        ({"amount": 0}, "invalid_add_balance_params"),
        ({"amount": -5001}, "invalid_add_balance_params"),
        ({"amount": 10**15}, "invalid_add_balance_params"),
    ],
)
def test_bad_amounts_are_refused(api: ApiClient, body: dict[str, Any], key: str) -> None:
    answer = api.post("/v1/vouchers/CARD/balance", body)
    assert (answer.status, answer["key"]) == (400, key)
    assert api.get("/v1/vouchers/CARD")["gift"]["balance"] == 5000


def test_a_discount_code_has_neither_balance_nor_transactions(api: ApiClient) -> None:
    api.post("/v1/vouchers/TEN", TEN)
    assert api.post("/v1/vouchers/TEN/balance", {"amount": 5})["key"] == "invalid_add_balance_params"
    assert api.get("/v1/vouchers/TEN/transactions")["data"] == []


def test_what_is_locked_cannot_be_taken_off(api: ApiClient) -> None:
    session = {"type": "LOCK", "key": "cart"}
    redeemables = [{"object": "voucher", "id": "CARD", "gift": {"credits": 4000}}]
    api.post("/v1/validations", {"redeemables": redeemables, "order": {"amount": 9000}, "session": session})
    assert api.post("/v1/vouchers/CARD/balance", {"amount": -1001}).status == 400
    assert api.post("/v1/vouchers/CARD/balance", {"amount": -1000})["balance"] == 4000


def test_transactions_tell_what_moved(api: ApiClient, card: dict[str, Any]) -> None:
    api.post("/v1/vouchers/CARD/balance", {"amount": 1000, "reason": "sorry", "source_id": "s-1"})
    redeemables = [{"object": "voucher", "id": "CARD", "gift": {"credits": 700}}]
    order = {"amount": 9000, "source_id": "order-1"}
    redeemed = api.post("/v1/redemptions", {"redeemables": redeemables, "order": order})["redemptions"][0]
    rollback = api.post(f"/v1/redemptions/{redeemed['id']}/rollback").json
    answer = api.get("/v1/vouchers/CARD/transactions").json
    refund, spent, added = answer["data"]
    assert (answer["has_more"], answer["more_starting_after"], answer["data_ref"]) == (False, None, "data")
    assert [line["type"] for line in answer["data"]] == ["CREDITS_REFUND", "CREDITS_REDEMPTION", "CREDITS_ADDITION"]
    assert (added["source_id"], added["reason"], added["source"]) == ("s-1", "sorry", "API")
    assert added["details"]["balance"]["balance"] == 6000
    assert spent["details"]["order"]["source_id"] == "order-1"
    assert spent["details"]["redemption"] == {"id": redeemed["id"]}
    assert (spent["details"]["balance"]["amount"], spent["details"]["balance"]["balance"]) == (-700, 5300)
    assert refund["details"]["rollback"] == {"id": rollback["id"]}
    assert refund["related_transaction_id"] == spent["id"]
    assert all(line["voucher_id"] == card["id"] and line["id"].startswith("vtx_") for line in answer["data"])


@pytest.mark.parametrize("order", ["id", "-id"])
def test_transactions_page_by_the_last_id(api: ApiClient, order: str) -> None:
    for amount in range(1, 6):
        api.post("/v1/vouchers/CARD/balance", {"amount": amount})
    seen, after = [], ""
    for _ in range(3):
        page = api.get(f"/v1/vouchers/CARD/transactions?limit=2&order={order}{after}").json
        seen += [line["details"]["balance"]["amount"] for line in page["data"]]
        after = f"&starting_after_id={page['more_starting_after']}"
    assert not page["has_more"]
    assert seen == ([1, 2, 3, 4, 5] if order == "id" else [5, 4, 3, 2, 1])
