"""What the parts of one document share: the retailer, the refs made so far, and careful reading of its entries."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from offers.lib.actors import Actor
from offers.lib.errors import Refusal
from offers.models import Retailer

ACTOR = Actor(kind="SYSTEM", ident="configure", label="configure")


class BadDocument(Refusal):
    """The document does not have the required shape."""

    code = "bad_document"


class UnknownRef(Refusal):
    """Nothing in the document has this ref."""

    code = "unknown_ref"


@dataclass(slots=True)
class Scene:
    """One document being carried out: rows by kind and ref, and what its answer maps refs to."""

    retailer: Retailer
    now: datetime
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def keep(self, kind: str, entry: dict[str, Any], row: Any, answer: Any) -> None:
        """Remember what an entry became, under its ref if it has one."""
        ref = text(entry, "ref", default="")
        if not ref:
            return
        if ref in self.rows.setdefault(kind, {}):
            raise BadDocument(f"ref {ref} stands twice in {kind}", field="ref")
        self.rows[kind][ref] = row
        self.answers.setdefault(kind, {})[ref] = answer

    def row(self, kind: str, ref: object) -> Any:
        """Return what the entry of this ref became. Refuses `unknown_ref`."""
        found = self.rows.get(kind, {}).get(ref) if isinstance(ref, str) else None
        if found is None:
            raise UnknownRef(f"There is no {ref!r} in {kind}", field=kind)
        return found


def need(entry: dict[str, Any], name: str, kind: type, *, default: Any = ...) -> Any:
    """Return a value of the entry, of this kind. Refuses `bad_document`; null counts as absent."""
    value = entry.get(name)
    if value is None:
        if default is ...:
            raise BadDocument(f"{name} is missing", field=name)
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadDocument(f"{name} should be {kind.__name__}", field=name)
    return value


def text(entry: dict[str, Any], name: str, *, default: Any = ..., most: int = 255) -> Any:
    """Return a text of at most so many characters. Refuses `bad_document`."""
    found = need(entry, name, str, default=default)
    if isinstance(found, str) and (len(found) > most or "\0" in found):
        raise BadDocument(f"{name} has at most {most} characters, and no U+0000", field=name)
    return found


def entries(entry: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of objects. Refuses `bad_document`."""
    found: list[dict[str, Any]] = need(entry, name, list, default=[])
    if not all(isinstance(each, dict) for each in found):
        raise BadDocument(f"{name} should be a list of objects", field=name)
    return found


def moment(entry: dict[str, Any], name: str) -> datetime | None:
    """Return an ISO 8601 moment, in UTC where it names no zone. Refuses `bad_document`."""
    written = text(entry, name, default=None)
    if written is None:
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise BadDocument(f"{name} should be a moment such as 2026-11-01T00:00:00Z", field=name) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
