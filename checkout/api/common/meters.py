"""Counts events per name and window: in Redis for all processes together, in this process while Redis is away."""

import logging
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger("offerkeep.limits")

BREAK_SECONDS = 10
NAMES_AT_MOST = 10_000
PREFIX = "offerkeep:meter:"
# The window begins with its first event. Counting and expiry in one step: a counter without an end would lock for good.
_ADD = """
local n = redis.call('INCRBY', KEYS[1], ARGV[1])
if n == tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return {n, redis.call('PTTL', KEYS[1])}
"""

# A name's time to live is what it owes: how long until all it took is paid for at one per interval. Its value is what
# it was told last; somebody for whom that has changed owes nothing.
_PACE = """
local owed = math.max(0, redis.call('PTTL', KEYS[1]))
local every, spare = tonumber(ARGV[1]), tonumber(ARGV[2])
if redis.call('GET', KEYS[1]) ~= ARGV[3] then owed = 0 end
owed = math.min(owed, every * (spare + 1))
if owed > every * spare then return owed - every * spare end
redis.call('SET', KEYS[1], ARGV[3], 'PX', owed + every)
return 0
"""
T = TypeVar("T")

_local: dict[str, tuple[int, int]] = {}
_broken_until = 0


def add(name: str, amount: int, seconds: int) -> tuple[int, int]:
    """Add to a name's counter and return (its count, milliseconds until its window ends).

    Never raises and never waits long: when Redis does not answer, this process counts alone for ten seconds.
    """
    found = _asked(lambda: _script()(keys=[PREFIX + name], args=[amount, seconds * 1000]))
    if found is None:
        return add_here(name, amount, seconds)
    count, left = found
    return int(count), max(int(left), 1)


def add_all(names: Sequence[str], *, seconds: int) -> list[tuple[int, int]]:
    """Add one to each of several counters and return their counts and times as `add` does, in one round trip."""

    def ask() -> list[Any]:
        together = _client().pipeline(transaction=False)
        for name in names:
            together.eval(_ADD, 1, PREFIX + name, "1", str(seconds * 1000))
        return list(together.execute())

    found = _asked(ask)
    if found is None:
        return [add_here(name, 1, seconds) for name in names]
    return [(int(count), max(int(left), 1)) for count, left in found]


def pace(name: str, *, every_ms: int, spare: int, told: str) -> int:
    """Let a name through once in so many milliseconds, `spare` times more at once, and when what it is told changed.

    Returns 0, or how many milliseconds it is too early; being too early costs nothing. Without Redis all come through.
    """
    return int(_asked(lambda: _client().eval(_PACE, 1, PREFIX + name, str(every_ms), str(spare), told)) or 0)


def _asked(ask: Callable[[], T]) -> T | None:
    """Return what Redis answers, None while it does not."""
    global _broken_until
    if time.monotonic_ns() < _broken_until:
        return None
    try:
        return ask()
    except (redis.RedisError, OSError) as error:
        _broken_until = time.monotonic_ns() + BREAK_SECONDS * 10**9
        log.warning("rate limits are counted per process for %s s: %s", BREAK_SECONDS, type(error).__name__)
        return None


def add_here(name: str, amount: int, seconds: int) -> tuple[int, int]:
    """Do the same in this process's memory."""
    now = time.monotonic_ns()
    count, ends = _local.get(name, (0, 0))
    if ends <= now:
        make_room(_local, now)
        count, ends = 0, now + seconds * 10**9
    _local[name] = count + amount, ends
    return count + amount, (ends - now) // 10**6 + 1


def make_room(kept: dict[str, tuple[int, int]], now: int) -> None:
    """Forget windows that have ended, and everything if that is not enough: memory must not grow with attackers."""
    if len(kept) < NAMES_AT_MOST:
        return
    for name in [name for name, (_, ends) in kept.items() if ends <= now]:
        del kept[name]
    if len(kept) >= NAMES_AT_MOST:
        kept.clear()


def reset() -> None:
    """Forget this process's counts and connection (tests)."""
    global _broken_until
    _broken_until = 0
    _local.clear()
    _client.cache_clear()
    _script.cache_clear()


@cache
def _client() -> "redis.Redis":
    seconds = settings.RATE_LIMIT_REDIS_TIMEOUT_MS / 1000
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )


@cache
def _script() -> "redis.commands.core.Script":
    return _client().register_script(_ADD)
