"""Signs texts with HMAC-SHA256, so that who receives one can tell that we wrote it and nobody changed it."""

import hashlib
import hmac
from collections.abc import Iterable


def sign(secret: str, body: bytes) -> str:
    """Return the hex HMAC-SHA256 of the raw bytes."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def stamp(secrets: Iterable[str], body: bytes, *, at: int) -> str:
    """Return `t=<Unix second>,v1=<hex>,...`: one signature of `t.body` per secret, the time signed with it."""
    signed = f"{at}.".encode() + body
    return ",".join([f"t={at}", *(f"v1={sign(secret, signed)}" for secret in secrets)])
