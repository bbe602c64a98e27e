"""The arithmetic of a draw, and its proof: who wins follows from a secret seed and the frozen list of entries alone.

The commitment (hash of the seed) is published before anyone enters, so no seed can be chosen afterwards; the hash of
the list enters every key, so whoever knows the seed cannot tell the result before the list is closed.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

SEED_BYTES = 32
LATER = "alternates_admitted"


def commitment(seed: bytes) -> str:
    """Return what is published of a seed before the draw: SHA-256 in hex."""
    return hashlib.sha256(seed).hexdigest()


def freeze(entries: Iterable[str]) -> str:
    """Return the hash of a list of entry ids, whatever order they come in."""
    return hashlib.sha256("\n".join(sorted(entries)).encode()).hexdigest()


def ranking(*, seed: bytes, entries: Iterable[str]) -> list[str]:
    """Return all entries, the first drawn first: winners are the first n, the others follow as alternates."""
    listed = sorted(entries)
    frozen_hash = freeze(listed)
    return sorted(listed, key=lambda entry: hmac.digest(seed, (frozen_hash + entry).encode(), "sha256"))


def faults(published: Any) -> list[str]:
    """Return what is wrong with a draw as published, recomputed from this document alone; [] proves it.

    Wants `commit`, `seed`, `frozen_hash`, `entries` and `winners` (of the run, in the order drawn); `winner_count`,
    where given, says how many had to win, and `alternates_admitted` who was admitted later in their stead.
    """
    if not isinstance(published, dict):
        return ["this is no JSON object"]
    if published.get("seed") is None:
        return ["the draw has not been run: its seed is not revealed yet"]
    texts = [name for name in ("commit", "seed", "frozen_hash") if not isinstance(published.get(name), str)]
    lists = [name for name in ("entries", "winners") if not _are_texts(published.get(name))]
    lists += [name for name in (LATER,) if not _are_texts(published.get(name) or [])]
    if texts or lists:
        return [f"{name} is missing or of the wrong type" for name in texts + lists]
    seed = _seed_of(published["seed"])
    if seed is None:
        return ["seed is not 32 bytes in lower-case hex"]
    return _differences(published, seed)


def _differences(published: dict[str, Any], seed: bytes) -> list[str]:
    entries, winners = published["entries"], published["winners"]
    found = []
    if commitment(seed) != published["commit"]:
        found.append("the seed is not the one committed to")
    if len(set(entries)) != len(entries):
        found.append("an entry is listed twice")
    if freeze(entries) != published["frozen_hash"]:
        found.append("the list of entries is not the one that was frozen")
    drawn, later = ranking(seed=seed, entries=entries), published.get(LATER) or []
    if drawn[: len(winners)] != winners:
        found.append("the winners are not the first drawn")
    if drawn[len(winners) :][: len(later)] != later:
        found.append("those admitted later are not the next drawn")
    count = published.get("winner_count")
    if count is not None and (type(count) is not int or len(winners) != min(count, len(entries))):
        found.append("the number of winners is not the one announced")
    return found


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _seed_of(text: str) -> bytes | None:
    if len(text) != 2 * SEED_BYTES or set(text) - set("0123456789abcdef"):
        return None
    return bytes.fromhex(text)
