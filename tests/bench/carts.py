"""The requests of the benchmark, ready to be sent: the same bodies for the product and for the floor."""

from typing import Any

import orjson

CUSTOMERS = 1000
LOCK, REDEEM = "/v1/validations", "/v1/redemptions"


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
