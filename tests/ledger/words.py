"""Small words for ledger tests."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, connections

from offers.ledger import counters, holds
from offers.ledger.counters import Name
from offers.ledger.holds import Want
from offers.lib.errors import Refusal

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
RETAILER = 1
CODE = Name(kind="voucher.uses", owner=7)


def want(amount: int = 1, granted: int | None = None, name: Name = CODE, item: str = "a", **rest: Any) -> Want:
    return Want(
        kind=name.kind,
        owner=name.owner,
        subject=name.subject,
        scope=name.scope,
        period=name.period,
        amount=amount,
        granted=granted,
        item=item,
        **rest,
    )


def hold(reference: str, *wants: Want, ttl_seconds: int = 600, now: datetime = NOW) -> None:
    holds.hold(retailer_id=RETAILER, wants=wants, reference=reference, ttl_seconds=ttl_seconds, now=now)


def use(reference: str, *wants: Want, now: datetime = NOW) -> None:
    holds.use(retailer_id=RETAILER, wants=wants, reference=reference, now=now)


def open_counter(granted: int | None, name: Name = CODE, **rest: Any) -> None:
    counters.open_counter(name, retailer_id=RETAILER, granted=granted, now=NOW, **rest)


def figures(name: Name = CODE, now: datetime = NOW) -> tuple[int, int]:
    """(held, settled) of a counter, (0, 0) when it is not open."""
    state = counters.state(name, now=now)
    return (state.held, state.settled) if state else (0, 0)


def left(name: Name = CODE, now: datetime = NOW) -> int | None:
    state = counters.state(name, now=now)
    assert state is not None
    return state.available


def sql(statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchall() if cursor.description else []


def taken(name: Name = CODE) -> int:
    """What the rows of a counter say, due holds and all."""
    return int(
        sql(
            "select coalesce(sum(taken), 0) from ledger_counter"
            " where owner = %s and kind = %s and subject = %s and scope = %s and period = %s",
            *(name.owner, name.kind, name.subject, name.scope, name.period),
        )[0][0]
    )


def at_once(*jobs: Callable[[], Any], threads: int = 16) -> list[Any]:
    """Run all jobs in real threads with connections of their own; a refusal is a result, anything else is raised."""

    def run(job: Callable[[], Any]) -> Any:
        try:
            return job()
        except Refusal as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, jobs))


def refused(results: list[Any]) -> list[Refusal]:
    return [result for result in results if isinstance(result, Refusal)]
