"""Counts events per name and window: in Redis for all processes together, in this process while Redis is away."""

import logging
import time
from functools import cache

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

_local: dict[str, tuple[int, int]] = {}
_broken_until = 0


def add(name: str, amount: int, seconds: int) -> tuple[int, int]:
    """Add to a name's counter and return (its count, milliseconds until its window ends).

    Never raises and never waits long: when Redis does not answer, this process counts alone for ten seconds.
    """
    global _broken_until
    if time.monotonic_ns() >= _broken_until:
        try:
            count, left = _script()(keys=[PREFIX + name], args=[amount, seconds * 1000])
            return int(count), max(int(left), 1)
        except (redis.RedisError, OSError) as error:
            _broken_until = time.monotonic_ns() + BREAK_SECONDS * 10**9
            log.warning("rate limits are counted per process for %s s: %s", BREAK_SECONDS, type(error).__name__)
    return add_here(name, amount, seconds)


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
    _script.cache_clear()


@cache
def _script() -> "redis.commands.core.Script":
    seconds = settings.RATE_LIMIT_REDIS_TIMEOUT_MS / 1000
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )
    return client.register_script(_ADD)
