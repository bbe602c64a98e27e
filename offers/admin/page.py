"""The vocabulary of a page in the back office: figures, facts, tables, checklists, timelines, progress bars."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class Button:
    """Leads to another page; what it does is asked for there."""

    text: str
    url: str
    tone: str = ""  # "", main, danger


@dataclass(frozen=True, kw_only=True)
class Figure:
    label: str
    value: str
    note: str = ""
    tone: str = ""
    percent: int | None = None
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Block:
    template: ClassVar[str]
    title: str = ""
    text: str = ""
    wide: bool = True


@dataclass(frozen=True, kw_only=True)
class Figures(Block):
    template = "admin/office/block_figures.html"
    figures: Sequence[Figure] = ()


@dataclass(frozen=True, kw_only=True)
class Facts(Block):
    template = "admin/office/block_facts.html"
    facts: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Table(Block):
    template = "admin/office/block_table.html"
    headers: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    empty: str = "Nothing here yet."
    more: Button | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """A line of a checklist."""

    ok: bool
    name: str
    needed: str = ""
    actual: str = ""
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Checklist(Block):
    template = "admin/office/block_checklist.html"
    steps: Sequence[Step] = ()
    empty: str = "No checks were kept for this."


@dataclass(frozen=True, kw_only=True)
class Happening:
    """A line of a timeline."""

    at: datetime
    when: str
    text: str
    by: str = ""
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Timeline(Block):
    template = "admin/office/block_timeline.html"
    happenings: Sequence[Happening] = ()
    empty: str = "Nothing has happened yet."
    more: Button | None = None


@dataclass(frozen=True, kw_only=True)
class Progress(Block):
    """A job's bar; the page asks `url` until it is done and then loads itself anew."""

    template = "admin/office/block_progress.html"
    url: str = ""
    percent: int = 0
    status: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    title: str
    subtitle: str = ""
    chips: Sequence[str] = ()
    buttons: Sequence[Button] = ()
    blocks: Sequence[Block] = field(default_factory=list)
    notice: str = ""
