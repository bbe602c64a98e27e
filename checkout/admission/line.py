"""The waiting line of a queue, on Redis: places by number, who is called next, what everybody may know of it.

Nothing here is the truth: rows in PostgreSQL and the signed tickets of those who come back refill an emptied Redis.
Each verb is one Lua call, so it happens whole or not at all; all keys of a line share one slot of a cluster.
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from checkout.admission.line_answers import Called, Event, Lead, Marked, Overview, Place
from offers.lib.errors import Refusal

LUA = Path(__file__).with_name("lua")
NUMBER_KEEP_MS = 15 * 60_000
SKIP_AT_MOST = 5_000  # a call never blocks Redis longer than about 75 ms
CALL_AT_MOST = 1_000
BUCKET_SECONDS = 5
LEADER_MS = 10_000
NEAR_LEAST, NEAR_MOST = 50, 5_000
PACE_SECONDS = 180
MARKS = 20
KEYS = (
    *("gen", "seq", "serving", "wait", "called", "stale", "stale_number", "seen", "at", "gone", "log", "bucket"),
    *("pace", "near", "ticked", "fence", "leader", "lately", "marks"),
)
MARK_KEEP_MS = 7 * 86_400_000
MARK_AT_MOST = 500  # accounts that are told apart per device or network
RESTORE_AT_ONCE = 1_000  # Lua unpacks no more than some thousands of values


class LineUnavailable(Refusal):
    """The waiting line cannot be reached; places are kept."""

    code = "line_unavailable"

    def __init__(self) -> None:
        super().__init__(retry_after=5)


class LineEmptied(Exception):
    """Redis knows nothing of this line: it has to be restored first."""


class NumbersUsedUp(Exception):
    """The numbers leased so far are given out."""


# --- verbs ------------------------------------------------------------------------------------------------------------


def enter(
    queue: str,
    *,
    consumer: int,
    now: datetime,
    capacity: int | None = None,
    leased: int = 0,
    number: int | None = None,
    again: int | None = None,
    entered_at: datetime | None = None,
) -> Place:
    """Give the consumer a place and return it; who has one keeps it.

    number: his own (drawn before the opening, or from a signed ticket) instead of the next; again: the number with
    which he went through before, when he may come in a second time. Raises NumbersUsedUp beyond `leased`.
    """
    answer = _run(
        "enter",
        queue,
        consumer,
        _ms(now),
        -1 if capacity is None else capacity,
        "" if number is None else number,
        leased,
        "" if again is None else again,
        _ms(entered_at or now),
    )
    if answer[0] == "lease":
        raise NumbersUsedUp()
    return _place(answer)


def look(queue: str, *, consumer: int, now: datetime) -> Place:
    """Return the consumer's place, noting that he is there; who was skipped while away gets his number back."""
    return _place(_run("look", queue, consumer, _ms(now)))


def leave(queue: str, *, consumer: int, now: datetime) -> Place:
    """Take the consumer out (`out`: the place he had); PostgreSQL learns it from the log at the latest."""
    return _place(_run("leave", queue, consumer, _ms(now), "left"))


def remove(queue: str, *, consumer: int, now: datetime) -> Place:
    """Take the consumer out for good; the caller writes it down."""
    return _place(_run("leave", queue, consumer, _ms(now), "gone"))


def call_one(queue: str, *, consumer: int, now: datetime) -> Called | None:
    """Call one consumer out of turn; None when he does not wait."""
    state, *rest = _run("leave", queue, consumer, _ms(now), "called")
    return Called(consumer, int(rest[0]), _moment(rest[1])) if state in {"out", "called"} else None


def move_last(queue: str, *, consumer: int, now: datetime, leased: int) -> Place:
    """Put who waits behind everybody and return his new place. Raises NumbersUsedUp beyond `leased`."""
    answer = _run("move", queue, consumer, _ms(now), leased)
    if answer[0] == "lease":
        raise NumbersUsedUp()
    return _place(answer)


def mark(queue: str, *, consumer: int, marks: Sequence[tuple[str, int | None]]) -> list[Marked] | None:
    """Note that a consumer has these marks (a device, a network); each with how many accounts may have it.

    Returns them in order, or None where one of them would have too many: then none is noted.
    """
    told = [part for name, most in marks for part in (name, -1 if most is None else most)]
    answer = _run("mark", queue, consumer, MARK_AT_MOST, MARK_KEEP_MS, *told)
    if answer[0] == "capped":
        return None
    return [
        Marked(int(count), bool(new), [int(one) for one in known.decode().strip(",").split(",") if one])
        for count, new, known in answer
    ]


def begin(queue: str, *, now: datetime, least_ms: int = 0) -> Lead:
    """Ask to lead a tick; exactly one caller does until `finish`, or until it has been silent for ten seconds."""
    name = secrets.token_hex(8)
    state, waiting, called, logged, kept = _run("begin", queue, _ms(now), least_ms, LEADER_MS, name)
    return Lead(state, waiting, called, logged, name, kept)


def call(
    queue: str, *, now: datetime, fence: int, room: int, rate: int | None, grace_seconds: int, most: int = CALL_AT_MOST
) -> list[Called]:
    """Call the next: those called before and never written down, then the lowest numbers.

    At most `room`, what the rate (admissions a minute) has saved up, and `most`. Skips who was near the front and has
    been silent for the grace; his number is kept for a quarter of an hour. A fence older than one seen gets nobody.
    """
    answer = _run(
        "call",
        queue,
        _ms(now),
        fence,
        max(0, room),
        -1 if rate is None else rate,
        max(1, (rate or 0) * BUCKET_SECONDS // 60),
        most,
        grace_seconds * 1000,
        NUMBER_KEEP_MS,
        SKIP_AT_MOST,
        near(rate),
    )
    rest = answer[1:]
    return [Called(int(rest[at]), int(rest[at + 1]), _moment(rest[at + 2])) for at in range(0, len(rest) // 3 * 3, 3)]


def near(rate: int | None) -> int:
    """Return how many count as near the front: two minutes' worth."""
    return NEAR_MOST if rate is None else min(NEAR_MOST, max(NEAR_LEAST, 2 * rate))


def settle(queue: str, *, now: datetime, fence: int, written: Iterable[int], back: Iterable[int] = ()) -> None:
    """Say who has been written down; `back` keep their numbers and wait on."""
    done = list(written)
    _run("settle", queue, _ms(now), fence, len(done), *done, *back)


def finish(queue: str, *, lead: Lead, now: datetime) -> None:
    """Let the next caller lead."""
    _run("finish", queue, lead.name, _ms(now))


def read_log(queue: str, *, most: int = 1000) -> list[str]:
    """Return the oldest lines that PostgreSQL has not seen; they stay until `trim_log`."""
    return [line.decode() for line in _call(lambda: _client().lrange(f"{_prefix(queue)}:log", 0, most - 1))]


def trim_log(queue: str, *, lines: Sequence[str]) -> None:
    """Drop lines that have been copied; those another has dropped already are not dropped twice."""
    if lines:
        _run("trim", queue, lines[0], len(lines))


def read_event(line: str) -> Event:
    kind, consumer, number, at = line.split("|")
    return Event(kind, int(consumer), int(number), _moment(at))


def restore(
    queue: str, *, people: Iterable[tuple[int, int, datetime]], last_number: int, serving: int | None, now: datetime
) -> None:
    """Fill an emptied line with (consumer, number, entered_at); numbers go on after `last_number`.

    Safe to run several times and at the same time: the first to end closes it, the rest of the others does nothing.
    """
    part: list[Any] = []
    generation = _ms(now)
    for consumer, number, entered_at in people:
        part += [consumer, number, _ms(entered_at)]
        if len(part) >= 3 * RESTORE_AT_ONCE:
            _run("restore", queue, generation, "", "", *part)
            part = []
    _run("restore", queue, generation, last_number, "" if serving is None else serving, *part)


def overview(queue: str, *, now: datetime) -> Overview:
    """Return what is the same for all who wait."""
    _, serving, waiting, called, admitted, ticked, *marks = _run("overview", queue, _ms(now), MARKS)
    pairs = [(int(marks[at]), int(marks[at + 1])) for at in range(0, len(marks) // 2 * 2, 2)]
    return Overview(
        int(serving) if serving != "" else None, int(waiting), int(called), int(admitted), _moment(ticked), pairs
    )


def head(queue: str, *, most: int = 50) -> list[tuple[int, int]]:
    """Return (consumer, number) of those in front."""
    rows: Any = _call(lambda: _client().zrange(f"{_prefix(queue)}:wait", 0, most - 1, withscores=True))
    return [(int(consumer), int(number)) for consumer, number in rows]


def is_there(queue: str) -> bool:
    """Whether Redis knows the line."""
    return bool(_call(lambda: _client().exists(f"{_prefix(queue)}:gen")))


def forget(queue: str) -> None:
    """Drop everything Redis knows of a line that is over."""
    _call(lambda: _client().unlink(*(f"{_prefix(queue)}:{name}" for name in KEYS)))


def reset() -> None:
    """Forget this process's connection (tests)."""
    _client.cache_clear()
    _script.cache_clear()


# --- Redis ------------------------------------------------------------------------------------------------------------


def _prefix(queue: str) -> str:
    return f"q:{{{queue}}}"


@cache
def _client() -> "redis.Redis":
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1)
    )


@cache
def _script(name: str) -> Any:
    return _client().register_script((LUA / f"{name}.lua").read_text())


def _run(name: str, queue: str, *args: Any) -> list[Any]:
    answer = _call(lambda: _script(name)(keys=[_prefix(queue)], args=args))
    if not isinstance(answer, list):
        return [answer]
    found = [part.decode() if isinstance(part, bytes) else part for part in answer]
    if found and found[0] == "empty":
        raise LineEmptied()
    return found


def _call(work: Any) -> Any:
    try:
        return work()
    except (redis.RedisError, OSError) as error:
        raise LineUnavailable() from error


def _place(answer: list[Any]) -> Place:
    state, *rest = answer
    if state in {"new", "same", "waiting"}:
        number, ahead, entered, waiting, ticked, generation, admitted = rest
        return Place(
            "waiting",
            int(number),
            int(ahead),
            _moment(entered),
            int(waiting),
            _moment(ticked),
            int(generation),
            int(admitted),
            new=state == "new",
        )
    if state == "out":
        return Place(state, int(rest[0]), entered_at=_moment(rest[1]))
    return Place(state, int(rest[0]) if rest else 0, generation=int(rest[1]) if state == "none" and rest[1:] else 0)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(ms: Any) -> datetime:
    # Whole seconds first: no float may round a moment.
    seconds, rest = divmod(int(ms), 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
