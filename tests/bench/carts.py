"""The requests of the benchmark, ready to be sent: the same bodies for the product and for the floor."""

from collections.abc import Mapping
from typing import Any

import orjson

CUSTOMERS = 1000
MEMBERS = 1000
LOCK, REDEEM = "/v1/validations", "/v1/redemptions"
SEND, LOCK_OFFER = "/api/2.0/offers/send_transaction", "/api/2.0/offers/redemption/lock"


def customer(number: int) -> str:
    return f"customer-{number % CUSTOMERS}"


def body(code: str, key: str, number: int) -> dict[str, Any]:
    """Return a cart: one code, an order, one of the known customers, and the session that locks it."""
    return {
        "redeemables": [{"object": "voucher", "id": code}],
        "order": {"amount": 10_000 + number % 100},
        "customer": {"source_id": customer(number)},
        "session": {"type": "LOCK", "key": key, "ttl": 15, "ttl_unit": "MINUTES"},
    }


def sale(transaction_id: str, user_id: str) -> dict[str, Any]:
    """Return a closed sale of two lines."""
    moment = "2026-11-21 09:30:00.000"
    lines = [("1", "701.50"), ("2", "1.50")]
    return {
        "is_closed": "true",
        "pos_employee_id": "1",
        "channel": "Store",
        "transaction_id": transaction_id,
        "guest_count": "1",
        "subtotal": "703.00",
        "tax_total": "0.25",
        "open_time": moment,
        "modified_time": moment,
        "items": [
            {"line_id": line, "item_id": "2", "quantity": "1", "unit_price": price, "subtotal": price}
            for line, price in lines
        ],
        "payments": [
            {
                "payment_id": "df42224-462w-sdf89",
                "amount": "703.25",
                "type": "CREDIT",
                "payment_time": moment,
                "user_id": user_id,
                "user_id_type": "SessionM_ID",
            }
        ],
        "discounts": [],
    }


def envelope(till: Mapping[str, str], number: int, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "store_id": till["store"],
        "client_id": till["client"],
        "request_id": str(number),
        "request_payload": payload,
    }


def release_path(code: str, key: str) -> str:
    return f"/v1/vouchers/{code}/sessions/{key}"


def post(path: str, cart: dict[str, Any], headers: str) -> bytes:
    """Return the bytes of a POST."""
    sent = orjson.dumps(cart)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent


def delete(path: str, headers: str) -> bytes:
    """Return the bytes of a DELETE."""
    return f"DELETE {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode()
