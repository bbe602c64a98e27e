"""Random public ids and codes, drawn from the operating system's entropy."""

import secrets

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 24  # 142 bits: unguessable, and short enough for a log line


def random_text(length: int, alphabet: str = ALPHABET) -> str:
    """Return `length` characters drawn uniformly from `alphabet`.

    Rejection sampling over one block of random bytes: exact like `secrets.choice`, several times faster.
    """
    size = len(alphabet)
    if not 0 < size <= 256:
        raise ValueError("alphabet needs 1 to 256 characters")
    limit = 256 - 256 % size
    picked: list[str] = []
    while len(picked) < length:
        block = secrets.token_bytes((length - len(picked)) * 2 + 8)
        picked.extend(alphabet[byte % size] for byte in block if byte < limit)
    return "".join(picked[:length])


def new_id(prefix: str, length: int = ID_LENGTH) -> str:
    """Return a fresh public id such as `v_3fK…`; `prefix` includes its separator."""
    return prefix + random_text(length)
