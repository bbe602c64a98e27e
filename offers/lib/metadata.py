"""How metadata changes: key by key, so that two systems writing different keys don't undo one another."""

from collections.abc import Mapping
from typing import Any


def merged(current: Mapping[str, Any], sent: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return `current` with the sent keys; a key sent as null goes, and null instead of an object clears all."""
    if sent is None:
        return {}
    return {key: value for key, value in {**current, **sent}.items() if value is not None}
