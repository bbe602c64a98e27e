"""Turns samples into rows, judges the goals, and prints both."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench.rounds import Sample

LOCK, REDEEM, INTAKE = "floor lock", "floor redeem", "floor intake"
BASES = {"intake": INTAKE, INTAKE: INTAKE, "redeem, spread": REDEEM, "redeem, hot": REDEEM, "redeem, unlimited": REDEEM}


@dataclass(frozen=True, slots=True)
class Row:
    """Medians of all rounds; ratios (of requests/s and of CPU per request) to the floor of the same round."""

    name: str
    rate: float
    python: float
    postgres: float
    p50: float
    p99: float
    load: float
    ratio: float
    cpu_ratio: float


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal of the project: what was measured, what must hold, what is aimed at."""

    name: str
    measured: str
    must: str
    target: str
    verdict: str


def rows(samples: Mapping[str, list[Sample]]) -> list[Row]:
    """Return one row per name, in the order of the first round."""
    names = [LOCK, REDEEM, *(name for name in samples if name not in (LOCK, REDEEM))]
    found = []
    for name in names:
        mine, base = samples[name], samples[BASES.get(name, REDEEM if name == REDEEM else LOCK)]
        found.append(
            Row(
                name=name,
                rate=_median(mine, "rate"),
                python=_median(mine, "python"),
                postgres=_median(mine, "postgres"),
                p50=_median(mine, "p50"),
                p99=_median(mine, "p99"),
                load=_median(mine, "load"),
                ratio=statistics.median(one.rate / two.rate for one, two in zip(mine, base, strict=True)),
                cpu_ratio=statistics.median(two.cpu / one.cpu for one, two in zip(mine, base, strict=True)),
            )
        )
    return found


def _median(samples: list[Sample], part: str) -> float:
    values: list[float] = [getattr(sample, part) for sample in samples]
    return statistics.median(values)


def goals(samples: Mapping[str, list[Sample]], rest: Mapping[str, Any]) -> list[Goal]:
    """Judge G1-G4 and G8, and that the books are right."""
    by_name = {row.name: row for row in rows(samples)}
    lock, redeem = by_name["lock, spread"], by_name["redeem, spread"]
    tail = max(lock.p99 / by_name[LOCK].p99, redeem.p99 / by_name[REDEEM].p99)
    own = max(lock.p99 / lock.p50, redeem.p99 / redeem.p50)
    hot = min(
        statistics.median(one.rate / two.rate for one, two in zip(samples[mine], samples[spread], strict=True))
        for mine, spread in (("lock, hot", "lock, spread"), ("redeem, hot", "redeem, spread"))
    )
    sql, trips, proof = rest["ledger"]["ratio"], rest["round_trips"], rest["proof"]
    made = [
        _ratio("G1 validate + lock", lock),
        _ratio("G2 redeem with session", redeem),
        _goal(
            "G3 tail",
            f"p99 {tail:.2f} x F's, {own:.1f} x own p50",
            "<= 1.5 x F's",
            "<= F's, <= 4 x own p50",
            must=tail <= 1.5,
            target=tail <= 1 and own <= 4,
        ),
        _goal(
            "G4 hot code",
            f"HTTP {hot:.2f}, SQL {sql:.2f} of spread",
            "0.75, 0.5",
            "0.9, 0.8",
            must=hot >= 0.75 and sql >= 0.5,
            target=hot >= 0.9 and sql >= 0.8,
        ),
    ]
    for name, most in (("lock", 2), ("redeem", 3), ("release", 1)):
        trip = trips[name]
        made.append(
            _goal(
                f"G8 round trips, {name}",
                str(trip),
                f"<= {most + 1}",
                f"<= {most}",
                must=trip <= most + 1,
                target=trip <= most,
            )
        )
    made += _tills(by_name, rest)
    made += _line(rest)
    right = not proof["differences"] and not proof["above_limit"]
    wrong = f"{proof['differences']} differences, {proof['above_limit']} codes above their limit"
    made.append(_goal("the ledger adds up", wrong, "0, 0", "0, 0", must=right, target=right))
    return made


def _tills(by_name: Mapping[str, Row], rest: Mapping[str, Any]) -> list[Goal]:
    """Judge G5 and G6, where they were measured."""
    made = []
    if (intake := by_name.get("intake")) is not None:
        made.append(
            _goal(
                "G5 intake",
                f"{intake.ratio:.2f} x req/s, {intake.cpu_ratio:.2f} x CPU",
                ">= 1.0 x",
                ">= 1.6 x DRF + INSERT",
                must=intake.ratio >= 1,
                target=intake.ratio * 10 >= 16,
            )
        )
    if (drain := rest.get("drain")) is not None:
        once = drain["awarded"] == drain["expected"]
        made.append(
            _goal(
                "G6 drain per worker",
                f"{drain['ratio']:.2f} x a row at a time, {drain['drain']:.0f}/s",
                ">= 1 x",
                ">= 3 x",
                must=once and drain["ratio"] >= 1,
                target=drain["ratio"] >= 3,
            )
        )
    return made


def _line(rest: Mapping[str, Any]) -> list[Goal]:
    """Judge the waiting line, where it was measured."""
    found = rest.get("line")
    if found is None:
        return []
    small, tick, longest = found["memory_mb"], found["tick_ms"], max(found["slowest_call_ms"], found["silent_call_ms"])
    fair = not found["twice"] and not found["lost"] and found["in_order"]
    told = f"{found['twice']} twice, {found['lost']} lost, order {'kept' if found['in_order'] else 'broken'}"
    return [
        _goal(
            "waiting: Redis memory", f"{small:.1f} MB", "<= 100 MB", "<= 50 MB", must=small <= 100, target=small <= 50
        ),
        _goal("waiting: a tick of 500", f"{tick:.0f} ms", "< 200 ms", "< 100 ms", must=tick < 200, target=tick < 100),
        _goal(
            "waiting: Redis held",
            f"{longest:.0f} ms",
            "<= 100 ms",
            "<= 50 ms",
            must=longest <= 100,
            target=longest <= 50,
        ),
        _goal("waiting: Redis flushed", told, "0, 0, kept", "0, 0, kept", must=fair, target=fair),
    ]


def _ratio(name: str, row: Row) -> Goal:
    least = min(row.ratio, row.cpu_ratio)
    measured = f"{row.ratio:.2f} x req/s, {row.cpu_ratio:.2f} x CPU"
    return _goal(name, measured, ">= 1.25 x F", ">= 2.0 x F", must=least >= 1.25, target=least >= 2)


def _goal(name: str, measured: str, wanted: str, aimed: str, *, must: bool, target: bool) -> Goal:
    return Goal(name, measured, wanted, aimed, "target" if target and must else "must hold" if must else "MISSED")


def table(found: list[Row], say: Callable[[str], None]) -> None:
    """Print what the rounds gave, before anything else is measured."""
    head = ("row", "req/s", "x F", "CPU x F", "Python ms", "PG ms", "p50 ms", "p99 ms", "load ms")
    say("{:<18} {:>7} {:>6} {:>8} {:>10} {:>7} {:>7} {:>7} {:>8}".format(*head))
    for row in found:
        say(
            f"{row.name:<18} {row.rate:>7.0f} {row.ratio:>6.2f} {row.cpu_ratio:>8.2f} {row.python:>10.2f} "
            f"{row.postgres:>7.2f} {row.p50:>7.1f} {row.p99:>7.1f} {row.load:>8.3f}"
        )


def show(judged: list[Goal], rest: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Print what was measured beside the rounds, and what the goals say of all."""
    ledger, made = rest["ledger"], rest["generation"]
    say(
        f"\nledger alone, 32 connections: hot in 64 shards {ledger['hot']:.0f}/s, spread {ledger['spread']:.0f}/s, "
        f"first use of a code {ledger['first use']:.0f}/s"
    )
    say(f"code generation: {made['rate']:.0f} codes/s ({made['codes']} in {made['seconds']:.1f} s)")
    if (drain := rest.get("drain")) is not None:
        say(f"drain of mixed sales (levels, a limited rule, an offer in every tenth): {drain['mixed']:.0f}/s")
    if (line := rest.get("line")) is not None:
        say(
            f"waiting line of {line['waiting']}: entries {line['enter_verb']:.0f}/s by the verb, "
            f"{line['enter_line']:.0f}/s in Redis, copied {line['copy']:.0f}/s; one process makes the serving document "
            f"{line['serving_made']:.0f}/s, personal status {line['personal']:.0f}/s "
            f"(p95 {line['personal_p95_ms']:.1f} ms); worst tick {line['tick_worst_ms']:.0f} ms, refilled in "
            f"{line['refill_s']:.1f} s"
        )
        for name, words in (("serving", "the serving document"), ("personal", "personal status")):
            rate, tail = line[f"http_{name}"], line[f"http_{name}_p95_ms"]
            say(f"polls over HTTP, {words}: {rate:.0f}/s, p95 {tail:.1f} ms")
    for page in rest["admin_lists"]:
        say(f"admin list with 1,000,000 codes: {page}")
    say("")
    for goal in judged:
        say(f"{goal.name:<24} {goal.measured:<36} must {goal.must:<13} target {goal.target:<24} {goal.verdict}")


def as_json(samples: Mapping[str, list[Sample]], judged: list[Goal], rest: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything measured, round by round."""
    return {
        "rows": [asdict(row) for row in rows(samples)],
        "goals": [asdict(goal) for goal in judged],
        "samples": {name: [asdict(sample) for sample in found] for name, found in samples.items()},
        **rest,
    }
