"""`make bench`: the product's hot calls beside the floor F in one interleaved run; a table, verdicts and JSON.

CPU is that of the server's processes and of its database sessions; the checkpointer and the like serve both sides.
"""

import argparse
import os
import signal
import sys
import time
from contextlib import ExitStack
from importlib.util import find_spec
from types import FrameType
from typing import Any

import orjson

from project import embedded, env, local
from tests.bench import ground, load, report, rounds

ADMIN_LISTS = "tests.bench.admin_lists"  # run with the number of codes, it answers a JSON array of lines
TRIED = 6  # codes kept aside for counting round trips


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each row in each round")
    parser.add_argument("--codes", type=int, default=100_000)
    parser.add_argument("--sales", type=int, default=1000, help="drained in each round")
    parser.add_argument("--waiting", type=int, default=100_000, help="in the line of a queue")
    parser.add_argument("--many", type=int, default=1_000_000, help="codes behind the admin lists, 0 for none")
    parser.add_argument("--quick", action="store_true", help="a smoke test: figures mean nothing")
    found = parser.parse_args(arguments)
    if found.quick:
        found.rounds, found.seconds, found.codes, found.many, found.sales = 1, 0.3, 3000, 0, 100
        found.waiting = 2000
    return found


def main(arguments: list[str]) -> int:
    """Run it all; exit code 1 when an answer was wrong or something that must hold does not."""
    wanted = options(arguments)
    signal.signal(signal.SIGTERM, _stop)
    began = time.monotonic()
    try:
        with ExitStack() as stack:
            found = measure(wanted, stack)
    except (embedded.CannotStart, rounds.Failed) as problem:
        say(f"\n{problem}")
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
        return 1
    path = local.data_dir() / "bench.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    say(f"\n{time.monotonic() - began:.0f} s; all of it as JSON: {path}")
    return int(any(goal["verdict"] == "MISSED" for goal in found["goals"]) and not wanted.quick)


def measure(wanted: argparse.Namespace, stack: ExitStack) -> dict[str, Any]:
    """Start everything, run the rounds and what stands alone, prove the ledger, and judge."""
    say(f"Filling {wanted.codes} codes ...")
    port = env.env_int("BENCH_PORT", 0)
    ports = (port, port + 1) if port else (embedded.free_port(), embedded.free_port())
    # Beside other runs, and below a directory that PostgreSQL's own user may enter.
    place = local.data_dir() / f"bench-{os.getpid()}"
    here = ground.start(place, stack, codes=wanted.codes, ports=ports)
    kept = [here.shop["codes"].pop() for _ in range(TRIED)]
    say(f"{wanted.rounds} rounds of {wanted.seconds} s for each row, {rounds.CLIENTS} clients ...")
    with rounds.loader() as pipe:
        turn = rounds.Rounds(here, pipe, wanted.seconds)
        turn.run(wanted.rounds)
    report.table(report.rows(turn.samples), say)
    say("The ledger alone, code generation, lists ...")
    rest: dict[str, Any] = {
        "round_trips": here.inside("round_trips", here.shop["key"], here.shop["secret"], *kept),
        "ledger": here.inside(str(wanted.rounds), str(wanted.seconds / 2), module="tests.bench.ledger_rate"),
        "drain": here.inside(str(wanted.rounds), str(wanted.sales), here.database_url, module="tests.bench.drain_rate"),
        "generation": here.inside("generate", str(wanted.codes)),
        "admin_lists": admin_lists(here, wanted.many),
        "proof": here.inside("prove"),
    }
    # After the proof, which reads every live hold: a hundred thousand on one counter are not what it is about.
    line = here.inside(str(wanted.waiting), module="tests.bench.waiting_line")
    rest["line"] = line | poll_rates(here, wanted.seconds)
    judged = report.goals(turn.samples, rest)
    say("")
    report.show(judged, rest, say)
    settings = {"rounds": wanted.rounds, "seconds": wanted.seconds, "codes": wanted.codes, "clients": rounds.CLIENTS}
    return {"settings": settings, **report.as_json(turn.samples, judged, rest)}


def poll_rates(here: ground.Ground, seconds: float) -> dict[str, float]:
    """Return polls a second over HTTP: of the document everybody shares, and of one's own status."""
    asked = here.inside("1000", "polled", module="tests.bench.waiting_line")
    found = {}
    for name, heads in asked.items():
        requests = [head.encode() for head in heads] * (200_000 // len(heads))
        done = load.drive(load.Job(here.product.port, requests, b"200", b'"server_time"', seconds, rounds.CLIENTS))
        if done.errors:
            raise rounds.Failed(f"polling {name}: {done.errors[0][:300]}")
        found[f"http_{name}"] = done.done / done.seconds
        found[f"http_{name}_p95_ms"] = sorted(done.latencies)[len(done.latencies) * 95 // 100] * 1000
    return found


def admin_lists(here: ground.Ground, many: int) -> list[str]:
    """Return what the lists of the back office take with so many codes."""
    if not many or find_spec(ADMIN_LISTS) is None:
        return []
    here.inside("many", str(many))
    found: list[str] = here.inside(str(many), module=ADMIN_LISTS)
    return found


def say(text: str) -> None:
    print(text, flush=True)


def _stop(which: int, frame: FrameType | None) -> None:
    sys.exit(1)
