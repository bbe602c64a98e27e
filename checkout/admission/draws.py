"""Draws: entering, withdrawing, the one run that anybody can recompute, and backfill in the order drawn.

The seed is made, and its commitment published, before anybody enters; the list of entries is frozen at the run and goes
into every key. Entering and running own the draw's row, so that nobody slips in while it is drawn.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from checkout.admission import admissions, claims, distributions, drawing, entering, standings, told, upkeep
from checkout.admission.models import Consumer, Distribution, DrawRun, Entry
from offers import audit
from offers.lib.actors import Actor
from offers.lib.errors import Refusal

# Sorted as Python sorts texts, by code points.
_PARTS = """
SELECT ARRAY(SELECT id FROM jsonb_array_elements_text(ranking) AS e (id) ORDER BY id COLLATE "C"
             OFFSET %(first)s LIMIT %(most)s),
       ARRAY(SELECT id FROM jsonb_array_elements_text(winners) WITH ORDINALITY AS e (id, place) ORDER BY place
             OFFSET %(first)s LIMIT %(most)s),
       ARRAY(SELECT id FROM jsonb_array_elements_text(alternates) WITH ORDINALITY AS e (id, place) ORDER BY place
             OFFSET %(first)s LIMIT %(most)s),
       jsonb_array_length(ranking), jsonb_array_length(winners), jsonb_array_length(alternates)
FROM admission_drawrun WHERE id = %(run)s
"""


class NotClosedYet(Refusal):
    """A draw is run after it has closed."""

    code = "draw_not_closed"


def enter(*, draw: Distribution, consumer: Consumer, now: datetime) -> standings.Standing:
    """Put the consumer into the draw, once however often he asks.

    Refuses not_open_yet, closed, queue_full (`capacity`), guest_too_young.
    """
    with transaction.atomic():
        run = _own(draw)
        entry = Entry.objects.filter(distribution=draw, consumer=consumer).first()
        if entry is not None and entry.state != Entry.State.LEFT:
            return standings.rows(draw, consumer.pk)
        entering.check_open(draw, consumer, over=run.ran_at is not None, now=now)
        inside = Entry.objects.filter(distribution=draw, state=Entry.State.ENTERED)
        if draw.capacity is not None and inside.count() >= draw.capacity:
            raise entering.Full(retry_after=60)
        if entry is None:
            entry = Entry(distribution=draw, consumer=consumer)
        entry.state, entry.entered_at, entry.ended_at = Entry.State.ENTERED, now, None
        entry.save()
        told.of_entries(draw, "consumer.entered", {entry.pk: {"entered_at": now.isoformat()}}, now=now)
    return standings.rows(draw, consumer.pk)


def leave(*, draw: Distribution, consumer_id: int, now: datetime) -> standings.Standing:
    """Withdraw from a draw that has not been run, or give up what was won; without either nothing happens.

    Refuses closed, payment_under_way.
    """
    with transaction.atomic():
        run = _own(draw)
        entry = Entry.objects.filter(distribution=draw, consumer_id=consumer_id, state=Entry.State.ENTERED).first()
        if entry is not None:
            if run.ran_at is not None or distributions.state_of(draw, now) != "OPEN":
                raise entering.Closed()
            entry.state, entry.ended_at = Entry.State.LEFT, now
            entry.save(update_fields=["state", "ended_at"])
            told.of_entries(draw, "consumer.left", {entry.pk: {}}, now=now)
    claims.give_up(distribution=draw, consumer_id=consumer_id, now=now)
    return standings.rows(draw, consumer_id)


def stand(*, draw: Distribution, consumer_id: int, now: datetime) -> standings.Standing:
    """Return where a consumer stands, after running a draw whose time has come."""
    if draw.decided_at is None and is_due(draw, now):
        with suppress(admissions.NoRoom):  # somebody took of the stock since it was counted; the next look counts again
            run(draw=draw, now=now)
    return standings.rows(draw, consumer_id)


def is_due(draw: Distribution, now: datetime) -> bool:
    """Whether a draw has closed and its moment has come; run or not. Without either it is run by hand, paused too."""
    if draw.paused:
        return False
    moments = (draw.draw_at, draw.close_at)
    return all(moment is not None and now >= moment for moment in moments)


def run(*, draw: Distribution, now: datetime, actor: Actor | None = None, reason: str = "") -> DrawRun:
    """Draw: freeze the entries, admit the first `winner_count`, tell the others that they lost. Once; again it is the
    first result. By hand it is audited. Refuses draw_not_closed.
    """
    with transaction.atomic():
        found = _own(draw)
        if found.ran_at is not None:
            return found
        if distributions.state_of(draw, now) in {"DRAFT", "SCHEDULED", "OPEN"}:
            raise NotClosedYet()
        rows = {str(row.uuid): row for row in Entry.objects.filter(distribution=draw, state=Entry.State.ENTERED)}
        found.frozen_hash = drawing.freeze(rows)
        found.ranking = drawing.ranking(seed=bytes(found.seed), entries=rows)
        found.winner_count = _room(draw, draw.winner_count)
        found.winners = found.ranking[: found.winner_count]
        _admit(draw, [rows[ident] for ident in found.winners], now)
        won = set(found.winners)
        lost = [row for ident, row in rows.items() if ident not in won]
        # Not by their keys: a statement has at most 65,535 of them. The winners are admitted by now.
        Entry.objects.filter(distribution=draw, state=Entry.State.ENTERED).update(state=Entry.State.LOST, ended_at=now)
        told.of_entries(draw, "consumer.lost", {row.pk: {} for row in lost}, now=now)
        found.ran_at = now
        found.save()
        upkeep.decide(draw, now=now)
        told.of(draw, "completed", {"winners": len(found.winners), "entries": len(rows)}, now=now)
        if actor is not None:
            audit.record(
                retailer_id=draw.retailer_id,
                actor=actor,
                action="draw.run",
                object_type="distribution",
                object_id=str(draw.uuid),
                now=now,
                after={"entries": len(rows), "winners": len(found.winners), "frozen_hash": found.frozen_hash},
                reason=reason,
            )
    return found


def backfill(*, draw: Distribution, now: datetime) -> int:
    """Admit the next in the order drawn for winners who let their time pass; returns how many. Expired ones stay so.

    Once nobody holds an admission and nobody can follow, the draw is finished.
    """
    admissions.expire_due(distribution=draw, now=now)
    with transaction.atomic():
        found = _own(draw)
        if found.ran_at is None:
            return 0
        used, follow = upkeep.used([draw], now=now)[draw.pk], _followers(draw, found)
        free = 0 if draw.paused else max(0, draw.winner_count - used.kept)
        chosen = follow[: _room(draw, min(free, len(follow)))] if free and follow else []
        if chosen:
            rows = {str(row.uuid): row for row in Entry.objects.filter(distribution=draw, uuid__in=chosen)}
            _admit(draw, [rows[ident] for ident in chosen], now)
            found.alternates = [*found.alternates, *chosen]
            found.save(update_fields=["alternates"])
        elif not used.open and (used.completed >= draw.winner_count or not follow or upkeep.is_stale(draw, now=now)):
            upkeep.finish(draw, now=now)
    return len(chosen)


def work(*, now: datetime) -> int:
    """Run every draw whose moment has come, and fill up those that were run; returns how many were run."""
    rows = upkeep.unfinished(Distribution.Mechanism.DRAW, now=now)
    due = [row for row in rows if row.decided_at is None and is_due(row, now)]
    upkeep.each(due, lambda draw: run(draw=draw, now=now), what="run")
    decided = [row for row in rows if row.decided_at is not None]
    used = upkeep.used(decided, now=now)
    short = [row for row in decided if not used[row.pk].open or (row.backfill and used[row.pk].kept < row.winner_count)]
    upkeep.each(short, lambda draw: backfill(draw=draw, now=now), what="backfill")
    return len(due)


def published(draw: Distribution, *, first: int = 0, most: int | None = None) -> dict[str, Any]:
    """Return what everybody may know: the commitment always, the seed and the result after the run.

    `winners` are those of the run, `alternates_admitted` who came later in their stead, each in the order drawn;
    `entries` are sorted. With `most` of each list only that many from `first` on, and how long the lists are.
    """
    found = _row(draw) if most is None else _row(draw, without=("ranking", "winners", "alternates"))
    shown: dict[str, Any] = {"commit": drawing.commitment(bytes(found.seed)), "winner_count": draw.winner_count}
    if found.ran_at is not None:
        shown |= {
            "seed": bytes(found.seed).hex(),
            "frozen_hash": found.frozen_hash,
            **(_lists(found) if most is None else _parts(found, first, most)),
            "winner_count": found.winner_count,
            "ran_at": found.ran_at,
        }
    return shown


def _lists(found: DrawRun) -> dict[str, Any]:
    return {"entries": sorted(found.ranking), "winners": found.winners, "alternates_admitted": found.alternates}


def _parts(found: DrawRun, first: int, most: int) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, {"run": found.pk, "first": first, "most": most})
        entries, winners, later, *totals = cursor.fetchone()
    names = ("entries_total", "winners_total", "alternates_admitted_total")
    return {
        "entries": entries,
        "winners": winners,
        "alternates_admitted": later,
        **dict(zip(names, totals, strict=True)),
    }


def _followers(draw: Distribution, found: DrawRun) -> list[str]:
    """Return who may still be admitted in a winner's stead, in the order drawn."""
    if not draw.backfill:
        return []
    most = len(found.winners) + draw.alternates if draw.alternates else len(found.ranking)
    return list(found.ranking[len(found.winners) + len(found.alternates) : most])


def _row(draw: Distribution, *, without: tuple[str, ...] = ()) -> DrawRun:
    return DrawRun.objects.defer(*without).get_or_create(distribution=draw)[0]


def _own(draw: Distribution) -> DrawRun:
    """Own the run, and read anew what may have been changed since the draw was read."""
    owned = DrawRun.objects.select_for_update().filter(distribution=draw)
    found = owned.first()
    if found is None:
        _row(draw)
        found = owned.get()
    changed = ["open_at", "close_at", "paused", "winner_count", "capacity", "backfill", "alternates", "decided_at"]
    draw.refresh_from_db(fields=changed)
    return found


def _room(draw: Distribution, wanted: int) -> int:
    free = admissions.room(distribution=draw)
    return wanted if free is None else min(wanted, free)


def _admit(draw: Distribution, entries: list[Entry], now: datetime) -> None:
    admissions.issue(distribution=draw, entries=entries, now=now)
