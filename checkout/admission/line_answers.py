"""What the waiting line of a queue answers: a place, whose turn it is, who leads, what everybody may know."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A consumer as the line knows him.

    state: waiting; called (being admitted this moment); gone (went through before, or was denied); none; full;
    out (taken out by this call); over (nobody waits here any more).
    """

    state: str
    number: int = 0
    ahead: int = 0
    entered_at: datetime | None = None
    waiting: int = 0
    ticked_at: datetime | None = None
    generation: int = 0  # changes when the line was refilled
    admitted_lately: int = 0  # in the last three minutes
    new: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """Somebody whose turn it is."""

    consumer: int
    number: int
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class Marked:
    """Who entered with one mark: how many accounts, whether this consumer is a new one of them."""

    accounts: int
    new: bool
    consumers: list[int]


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the log that PostgreSQL has not seen yet."""

    kind: str  # E entered, L left
    consumer: int
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Lead:
    """Whether this caller may tick, and what there is to do."""

    state: str  # lead | busy | early
    waiting: int
    called: int
    logged: int
    name: str = ""
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Overview:
    """What is the same for all who wait; `marks` are (number, people ahead of it), ascending."""

    serving: int | None
    waiting: int
    called: int
    admitted_lately: int
    ticked_at: datetime | None
    marks: list[tuple[int, int]] = field(default_factory=list)
