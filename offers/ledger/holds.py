"""Holds: pending claims on counters, all or nothing, ended once by settling, voiding or expiry.

Every verb is one call of a function kept in migrations (offers/ledger/sql), so that it is one round trip and atomic
without a transaction of its own. Make at most one such call per database transaction, as late as possible.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import orjson
from django.db import connection

from offers.ledger.models import Hold
from offers.lib.errors import Refusal
from offers.lib.retry import retrying

HOT_SHARDS = 64
HOT_LIMIT = 10_000

# One placeholder per argument of `take_arguments`.
TAKE = "ledger_take(%s, %s::jsonb, %s, %s::text[], %s, %s, %s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A claim on one counter for one item (redeemable) of a request.

    The counter is (kind, owner, subject, scope, period). `granted` is the limit it is opened with on first use, None is
    unlimited; `fixed` adjusts an open counter to it; `counted` counts although unlimited; `opening` is what was taken
    before the counter existed. `entry` is the journal reference when the claim is settled. `fresh` says that nobody had
    opened the counter when the caller looked: a guess that saves a look, no promise.
    """

    kind: str
    owner: int
    amount: int
    item: str = ""
    subject: int = 0
    scope: str = ""
    period: str = ""
    granted: int | None = None
    fixed: bool = False
    counted: bool = False
    shards: int = 1
    opening: int = 0
    entry: str = ""
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Shortage:
    """What ran out: the item and kind of the want, and what is left of it (never negative)."""

    item: str
    kind: str
    available: int


class Exceeded(Refusal):
    """There is not enough left."""

    code = "quantity_exceeded"

    def __init__(self, shortage: Shortage) -> None:
        super().__init__(item=shortage.item, kind=shortage.kind, available=shortage.available)
        self.shortage = shortage


class HoldNotFound(Refusal):
    """No such hold."""

    code = "hold_not_found"


class HoldAlreadySettled(Refusal):
    """The hold was used already."""

    code = "hold_already_settled"


class HoldAlreadyVoided(Refusal):
    """The hold was released already."""

    code = "hold_already_voided"


class HoldExpired(Refusal):
    """The hold's time has passed."""

    code = "hold_expired"


ENDED: dict[str, type[Refusal]] = {
    Hold.State.SETTLED: HoldAlreadySettled,
    Hold.State.VOIDED: HoldAlreadyVoided,
    Hold.State.EXPIRED: HoldExpired,
}


# Not a state of a hold: what ledger_end says when more is asked for than is held.
SHORT = "short"


@dataclass(frozen=True, slots=True)
class Ended:
    """One hold that a call ended: how, and how much was used (settled) or given back."""

    hold_id: int
    state: str
    amount: int

    columns: ClassVar[str] = "hold_id, state, amount"


def shards_for(limit: int | None, *, hot: bool) -> int:
    """Return over how many rows a counter of single uses is spread: popular ones over up to 64, never empty shards."""
    if limit is None or not (hot or limit > HOT_LIMIT):
        return 1
    return max(1, min(HOT_SHARDS, limit))


def encode(wants: Sequence[Want]) -> str:
    """Return the wants as the JSON array the SQL function reads. An item may want a counter once."""
    assert len({(w.item, w.kind, w.owner, w.subject, w.scope, w.period) for w in wants}) == len(wants), "wanted twice"
    return orjson.dumps([asdict(want) for want in wants]).decode()


def take_arguments(
    *,
    retailer_id: int,
    wants: Sequence[Want],
    reference: str,
    items: Sequence[str],
    settle: bool,
    expires_at: datetime | None,
    now: datetime,
) -> list[Any]:
    """Return the arguments of `TAKE`."""
    return [retailer_id, encode(wants), reference, list(items), settle, expires_at, now]


def take(
    *,
    retailer_id: int,
    wants: Sequence[Want],
    reference: str,
    settle: bool,
    now: datetime,
    ttl_seconds: float | None = None,
    items: Sequence[str] | None = None,
) -> None:
    """Hold or settle everything wanted, or nothing and refuse with `quantity_exceeded`."""
    expires_at = None if ttl_seconds is None else now + timedelta(seconds=ttl_seconds)
    arguments = take_arguments(
        retailer_id=retailer_id,
        wants=wants,
        reference=reference,
        items=sorted({want.item for want in wants}) if items is None else items,
        settle=settle,
        expires_at=expires_at,
        now=now,
    )

    def write() -> tuple[bool, str, str, int]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT ok, item, kind, available FROM {TAKE}", arguments)
            ok, item, kind, available = cursor.fetchone()
            return ok, item, kind, available

    # Holding twice under one reference replaces; using twice would meet its own journal entry.
    ok, item, kind, available = retrying(write, again_after_loss=not settle)
    if not ok:
        raise Exceeded(Shortage(item, kind, available))


def hold(*, retailer_id: int, wants: Sequence[Want], reference: str, ttl_seconds: float, now: datetime) -> None:
    """Hold everything wanted under `reference` for `ttl_seconds`.

    Live holds of the same reference on the same items are replaced and never count against the request.
    Refuses `quantity_exceeded`, and then holds nothing new and keeps what was held before.
    """
    take(retailer_id=retailer_id, wants=wants, reference=reference, settle=False, now=now, ttl_seconds=ttl_seconds)


def use(*, retailer_id: int, wants: Sequence[Want], reference: str, now: datetime) -> None:
    """Settle everything wanted at once, using up what `reference` holds first. Refuses `quantity_exceeded`.

    Every want names its journal `entry`; one entry reference settles a counter once.
    """
    assert all(want.entry for want in wants), "no entry"
    take(retailer_id=retailer_id, wants=wants, reference=reference, settle=True, now=now)


def settle(
    *, reference: str, entry: str, now: datetime, item: str | None = None, amount: int | None = None
) -> list[Ended]:
    """Use the live holds of `reference`, or `amount` of them: the rest goes free.

    `amount` is of what is held on one counter. Refuses by name when no hold is live: `hold_expired`,
    `hold_already_settled`, `hold_already_voided`, `hold_not_found`; and `quantity_exceeded` when `amount` is more than
    is held, which then stays held.
    """
    return _end(reference, item, True, amount, entry, now)


def void(*, reference: str, now: datetime, item: str | None = None) -> list[Ended]:
    """Give back the live holds of `reference`. Refuses like `settle`."""
    return _end(reference, item, False, None, "", now)


def finish(*, reference: str, used: Sequence[str], given: Sequence[str] = (), entry: str = "", now: datetime) -> int:
    """Use what is held for the items `used` and give back what is held for `given`, in one call; return how many holds.

    Items nobody holds anything for are fine. Refuses `hold_expired` when a part of what is to be used has expired, and
    then ends nothing.
    """
    return _on_items("ledger_finish(%s, %s, %s, %s, %s)", [reference, list(used), list(given), entry, now])


def keep(*, reference: str, items: Sequence[str], until: datetime, now: datetime) -> int:
    """Let what is held for these items expire at another moment; return how many holds.

    Items nobody holds anything for are fine. Refuses `hold_expired` when one has expired, and then keeps none longer.
    """
    return _on_items("ledger_keep_items(%s, %s, %s, %s)", [reference, list(items), until, now])


def pin(*, reference: str, now: datetime, item: str | None = None) -> int:
    """Stop the clock of the live holds of `reference`: they no longer expire. Refuses like `settle`."""
    return _keep(reference, item, None, now)


def extend(*, reference: str, ttl_seconds: float, now: datetime, item: str | None = None) -> int:
    """Let the live holds of `reference` expire `ttl_seconds` from now. Refuses like `settle`."""
    return _keep(reference, item, now + timedelta(seconds=ttl_seconds), now)


def _end(reference: str, item: str | None, use_it: bool, amount: int | None, entry: str, now: datetime) -> list[Ended]:
    def write() -> list[Ended]:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {Ended.columns} FROM ledger_end(%s, %s, %s, %s, %s, %s)",
                [reference, item, use_it, amount, entry, now],
            )
            return [Ended(*row) for row in cursor.fetchall()]

    ended = retrying(write)
    if not ended:
        raise _why_not(reference, item)
    if ended[0].state == SHORT:
        raise Exceeded(Shortage(item or "", "", ended[0].amount))
    if all(one.state == Hold.State.EXPIRED for one in ended):
        raise HoldExpired
    return ended


def _keep(reference: str, item: str | None, expires_at: datetime | None, now: datetime) -> int:
    def write() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_keep(%s, %s, %s, %s)", [reference, item, expires_at, now])
            return int(cursor.fetchone()[0])

    if kept := retrying(write, again_after_loss=True):
        return kept
    raise _why_not(reference, item)


def _on_items(call: str, arguments: list[Any]) -> int:
    def write() -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {call}", arguments)
            return int(cursor.fetchone()[0])

    number = retrying(write)
    if number < 0:
        raise HoldExpired()
    return number


def _why_not(reference: str, item: str | None) -> Refusal:
    holds = Hold.objects.filter(reference=reference)
    if item is not None:
        holds = holds.filter(item=item)
    last = holds.order_by("-id").first()
    if last is None:
        return HoldNotFound()
    return ENDED.get(last.state, HoldExpired)()
