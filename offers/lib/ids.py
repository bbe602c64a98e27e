"""Random public ids and codes, drawn from the operating system's entropy."""

import secrets
from functools import lru_cache

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 24  # 142 bits: unguessable, and short enough for a log line


@lru_cache(maxsize=256)
def _tables(alphabet: str) -> tuple[str, bytes]:
    """The character of every byte, and the bytes to throw away because they would make some characters likelier."""
    size = len(alphabet)
    if not 0 < size <= 256:
        raise ValueError("alphabet needs 1 to 256 characters")
    return (alphabet * 256)[:256], bytes(range(256 - 256 % size, 256))


def random_text(length: int, alphabet: str = ALPHABET) -> str:
    """Return `length` characters drawn uniformly from `alphabet`.

    Rejection sampling over one block of random bytes: exact like `secrets.choice`, and fast enough for codes by the
    million.
    """
    table, rejected = _tables(alphabet)
    plain = table.encode("latin-1") if table.isascii() else None
    text = ""
    while len(text) < length:
        block = secrets.token_bytes((length - len(text)) * 5 // 4 + 16)
        if plain:
            text += block.translate(plain, rejected).decode("latin-1")
        else:
            text += "".join([table[byte] for byte in block.translate(None, rejected)])
    return text[:length]


def new_id(prefix: str, length: int = ID_LENGTH) -> str:
    """Return a fresh public id such as `v_3fK…`; `prefix` includes its separator."""
    return prefix + random_text(length)
