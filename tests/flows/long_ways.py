"""Calls the database as processes of the release before the short calls do; they may run beside this one."""

from typing import Any

import orjson
import pytest

from checkout import lock_one, reading, redemption_held
from offers.lib import calls

ASKED = [
    "retailer",
    "codes",
    "folded",
    "by_id",
    "customer",
    "customer_by_id",
    "reference",
    "periods",
    "now",
    "order",
    "order_by_id",
    "products",
    "referrer",
]


def long_ways(patch: pytest.MonkeyPatch) -> None:
    """Read, lock and redeem by the calls of one JSON until the patch is undone."""
    patch.setattr(lock_one, "fits", lambda *asked: False)
    patch.setattr(redemption_held, "fits", lambda *asked: False)
    patch.setattr(reading, "call", _read)


def _read(statement: str, *arguments: Any) -> Any:
    assert "checkout_read" in statement
    asked = dict(zip(ASKED, arguments, strict=True))
    asked["codes"] = sorted({*asked["codes"], *asked.pop("folded")})
    row = calls.call("SELECT checkout_read(%s::jsonb)", orjson.dumps(asked).decode())
    assert row is not None
    found = orjson.loads(row[0])
    for voucher in found["vouchers"] or ():
        voucher.insert(-2, None)  # `held`, which it does not tell
    return (orjson.dumps(found),)
