"""Seals texts for the database: a row or a backup tells nothing to whoever lacks the server's own SECRET_KEY.

Fernet (AES and HMAC) under a key made of SECRET_KEY. What an earlier SECRET_KEY sealed stays readable while that one
stands in SECRET_KEY_FALLBACKS; texts stored before there was sealing are read as they are.
"""

import base64
import hashlib
import hmac
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

MARK = "sealed:"


class Unreadable(Exception):
    """Sealed under a SECRET_KEY that is neither the present one nor in SECRET_KEY_FALLBACKS."""


def seal(text: str) -> str:
    """Return the text sealed; the same text looks different every time. An empty one stays empty."""
    return MARK + _box().encrypt(text.encode()).decode() if text else ""


def is_sealed(stored: object) -> bool:
    """Whether this is what `seal` makes; for somebody who may have the text or what is stored of it."""
    return isinstance(stored, str) and stored.startswith(MARK)


def unseal(stored: str) -> str:
    """Return the text again. Raises Unreadable: a secret that nobody can read must not pass for an empty one."""
    if not is_sealed(stored):
        return stored
    try:
        return _box().decrypt(stored.removeprefix(MARK).encode()).decode()
    except InvalidToken as error:
        raise Unreadable(Unreadable.__doc__) from error


def _box() -> MultiFernet:
    return _of(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=8)
def _of(*secrets: str) -> MultiFernet:
    keys = [hmac.digest(secret.encode(), b"offerkeep.sealing", hashlib.sha256) for secret in secrets]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
