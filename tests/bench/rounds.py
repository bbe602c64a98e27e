"""Runs the rows in turn, round after round, so that whatever disturbs the machine disturbs all of them."""

import base64
import multiprocessing
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from tests.bench import carts, load, meter
from tests.bench.ground import Ground, Server

CLIENTS = 16
MOST_PER_SECOND = 2500  # requests made beforehand; no row comes near
REDEEMED = 0.6  # of the spread locks; the rest is released
Locked = list[tuple[str, str, int]]  # code, session key, number of the cart


class Failed(Exception):
    """An answer was not what it had to be: the run is worth nothing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One row in one round. CPU in milliseconds a request, of the server's processes and of its sessions."""

    done: int
    rate: float
    python: float
    postgres: float
    p50: float
    p99: float
    load: float

    @property
    def cpu(self) -> float:
        return self.python + self.postgres


@dataclass(slots=True)
class Rounds:
    """The rows so far, and how far the codes are used up."""

    ground: Ground
    pipe: Connection
    seconds: float
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=lambda: {"product": 0, "floor": 0})
    carts: int = 0
    sales: int = 0
    locked: int = 0

    def run(self, rounds: int) -> None:
        """Warm everything up, then run so many rounds, each beginning with another group."""
        groups: list[Callable[[], None]] = [self.floor, self.spread, self.hot, self.unlimited, self.tills]
        for group in groups:
            group()
        self.samples.clear()
        for number in range(rounds):
            for step in range(len(groups)):
                groups[(number + step) % len(groups)]()

    def floor(self) -> None:
        locked = self._lock("floor lock", self.ground.floor, "", self._fresh("floor"))
        self._redeem("floor redeem", self.ground.floor, "", locked)

    def spread(self) -> None:
        locked = self._lock("lock, spread", self.ground.product, self.ground.headers, self._fresh("product"))
        middle = int(len(locked) * REDEEMED)
        left = self._redeem("redeem, spread", self.ground.product, self.ground.headers, locked[:middle])
        self._release("release", self.ground.product, self.ground.headers, locked[middle:] + left)

    def hot(self) -> None:
        self._one_code("hot", "HOT")

    def unlimited(self) -> None:
        self._one_code("unlimited", "UNLIMITED")

    def tills(self) -> None:
        """Sales sent, to the floor and to us, and offers locked at tills."""
        till = self.ground.shop["till"]
        pair = base64.b64encode(f"{till['client']}:{till['secret']}".encode()).decode()
        headers = f"Authorization: Basic {pair}\r\n"
        for row, server in (("floor intake", self.ground.floor), ("intake", self.ground.product)):
            sent = [
                carts.post(carts.SEND, carts.envelope(till, number, self._sale(number)), headers)
                for number in range(self.sales, self.sales + self._most())
            ]
            self._measure(row, server, sent, status=b"200", needle=b'"OK"')
        self.sales += self._most()
        free = till["offers"][self.locked :][: self._most()]
        if not free:
            raise Failed("The offers are used up: fewer rounds or seconds")
        locks = [
            {"offer_lookup_code": offer, "offer_lookup_type": "userofferid", "transaction": self._sale(number)}
            for number, offer in enumerate(free, self.locked)
        ]
        sent = [
            carts.post(carts.LOCK_OFFER, carts.envelope(till, 10**9 + self.locked + at, one), headers)
            for at, one in enumerate(locks)
        ]
        self.locked += self._measure("lock, POS", self.ground.product, sent, status=b"200", needle=b'"LOCKED"')

    def _sale(self, number: int) -> dict[str, Any]:
        users = self.ground.shop["till"]["users"]
        return carts.sale(f"sale-{number}", users[number % len(users)])

    def _one_code(self, name: str, code: str) -> None:
        server, headers = self.ground.product, self.ground.headers
        locked = self._lock(f"lock, {name}", server, headers, [code] * self._most())
        self._redeem(f"redeem, {name}", server, headers, locked)

    def _fresh(self, whose: str) -> list[str]:
        found: list[str] = self.ground.shop["codes"][self.used[whose] :][: self._most()]
        if len(found) < self._most():
            raise Failed("The codes are used up: fewer rounds or seconds, or more codes")
        return found

    def _most(self) -> int:
        return int(MOST_PER_SECOND * self.seconds)

    def _lock(self, row: str, server: Server, headers: str, codes: list[str]) -> Locked:
        wanted = [(code, f"cart-{self.carts + number}", number) for number, code in enumerate(codes)]
        sent = [carts.post(carts.LOCK, carts.body(*one), headers) for one in wanted]
        done = self._measure(row, server, sent, status=b"200", needle=b'"valid":true')
        self.carts += done
        if server is self.ground.floor or row.endswith("spread"):
            self.used["floor" if server is self.ground.floor else "product"] += done
        return wanted[:done]

    def _redeem(self, row: str, server: Server, headers: str, locked: Locked) -> Locked:
        """Redeem what is locked, and return what there was no time for."""
        needle = b'"valid":true' if server is self.ground.floor else b'"result":"SUCCESS"'
        sent = [carts.post(carts.REDEEM, carts.body(*one), headers) for one in locked]
        return locked[self._measure(row, server, sent, status=b"200", needle=needle) :]

    def _release(self, row: str, server: Server, headers: str, locked: Locked) -> None:
        sent = [carts.delete(carts.release_path(code, key), headers) for code, key, _ in locked]
        self._measure(row, server, sent, status=b"204", needle=b"")

    def _measure(self, row: str, server: Server, sent: list[bytes], *, status: bytes, needle: bytes) -> int:
        programs = meter.processes_below(server.pid)
        sessions = meter.sessions(self.ground.postgres, server.database)
        before = meter.cpu(programs), meter.cpu(sessions)
        self.pipe.send(load.Job(server.port, sent, status, needle, self.seconds, CLIENTS))
        result: load.Result = self.pipe.recv()
        sessions = meter.sessions(self.ground.postgres, server.database)
        python, postgres = meter.cpu(programs) - before[0], meter.cpu(sessions) - before[1]
        if result.errors or not result.done:
            raise Failed(f"{row}: {len(result.errors)} wrong answers, the first:\n{(result.errors or ['none'])[0]}")
        per = 1000 / result.done
        latencies = sorted(result.latencies)
        sample = Sample(
            done=result.done,
            rate=result.done / result.seconds,
            python=python * per,
            postgres=postgres * per,
            p50=statistics.median(latencies) * 1000,
            p99=latencies[int(len(latencies) * 0.99)] * 1000,
            load=result.own_cpu * per,
        )
        self.samples.setdefault(row, []).append(sample)
        return result.done


@contextmanager
def loader() -> Iterator[Connection]:
    """Keep the load's process while the block runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=load.serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()  # so that its death ends our waiting
    try:
        yield ours
    except EOFError:
        raise Failed("The load's process died") from None
    finally:
        with suppress(OSError):
            ours.send(None)
        process.join(10)
