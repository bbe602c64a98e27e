"""Validation rules: a definition is compiled once, then tested against the facts of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class InvalidRule(ValueError):
    """A rule definition that can't be understood; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class CountNeed:
    """A count a rule reads; `limit` (this redemption included) when the rule bounds it whatever else holds."""

    name: str
    limit: int | None


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A validation rule ready to be tested."""

    id: str
    counts: tuple[CountNeed, ...] = ()


def compile(definition: Mapping[str, Any]) -> CompiledRule:
    """Turn a rule as the API stores it (`id`, `rules`, `error`, `applicable_to`) into its tested form.

    Refuses with InvalidRule: unknown condition or operator, a missing `property`, bad logic.
    """
    raise NotImplementedError
