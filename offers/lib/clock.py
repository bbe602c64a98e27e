"""Says what time it is: the only reader of the clock, and the one place where a test sets it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_fixed: ContextVar[datetime | None] = ContextVar("offerkeep_fixed_now", default=None)


def now() -> datetime:
    """Return the present moment, aware and in UTC, or the one set by `fixed`."""
    return _fixed.get() or datetime.now(UTC)


@contextmanager
def fixed(moment: datetime) -> Iterator[datetime]:
    """Stop the clock at an aware moment inside the block; blocks may be nested."""
    if moment.tzinfo is None:
        raise ValueError("the clock only takes aware times")
    token = _fixed.set(moment.astimezone(UTC))
    try:
        yield moment
    finally:
        _fixed.reset(token)
