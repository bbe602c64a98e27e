"""Signs texts with HMAC-SHA256, so that who receives one can tell that we wrote it and nobody changed it."""

import hashlib
import hmac
from collections.abc import Iterable

LONGEST_HEADER = 1000


def sign(secret: str, body: bytes) -> str:
    """Return the hex HMAC-SHA256 of the raw bytes."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def stamp(secrets: Iterable[str], body: bytes, *, at: int) -> str:
    """Return `t=<Unix second>,v1=<hex>,...`: one signature of `t.body` per secret, the time signed with it."""
    signed = f"{at}.".encode() + body
    return ",".join([f"t={at}", *(f"v1={sign(secret, signed)}" for secret in secrets)])


def verified(secrets: Iterable[str], header: str, body: bytes, *, at: int, tolerance: int) -> bool:
    """Whether a header as `stamp` writes it signs these bytes with one of the secrets, as near to `at` as tolerated."""
    parts = [part.strip().partition("=") for part in header[:LONGEST_HEADER].split(",")]
    times = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == "v1" and value.isascii()]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 12):
        return False
    signed = f"{times[0]}.".encode() + body
    fits = [hmac.compare_digest(sign(secret, signed), one) for secret in secrets for one in given]
    return any(fits) and abs(at - int(times[0])) <= tolerance
