"""Signed texts `<prefix>.<kid>.<payload>.<HMAC-SHA256>`, as grants and admission tokens are, in base64url."""

import base64
import hashlib
import hmac
from typing import Any

import orjson


def write(prefix: str, kid: str, payload: dict[str, Any], secret: str) -> str:
    """Return the payload signed with the secret of the key of this name."""
    signed = f"{prefix}.{kid}.{_text(orjson.dumps(payload))}"
    return f"{signed}.{mac(secret, signed)}"


def mac(secret: str, signed: str) -> str:
    """Return the signature of everything before the last dot."""
    return _text(hmac.new(secret.encode(), signed.encode("utf-8", "replace"), hashlib.sha256).digest())


def payload_of(part: str) -> Any:
    """Return what a payload says. Raises ValueError for what is no JSON; verify the signature first."""
    return orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
