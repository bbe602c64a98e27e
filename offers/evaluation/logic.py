"""The `logic` of a rule: and, or, not and parentheses over the keys of its conditions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

_TOKEN = re.compile(r"\s*(\(|\)|[^\s()]+)")
_WORDS = {"and": "and", "&&": "and", "or": "or", "||": "or", "not": "not", "!": "not"}
MAX_DEPTH = 50


class BadLogic(ValueError):
    """The expression can't be read, or names a condition that isn't there."""


@dataclass(frozen=True, slots=True)
class Node:
    """`key` is a leaf's condition; the others combine `parts`."""

    kind: Literal["key", "and", "or", "not"]
    key: str = ""
    parts: tuple[Node, ...] = ()


def parse(text: str, keys: Collection[str]) -> Node | None:
    """The expression's tree, case-insensitive; None when it is empty, which is always true."""
    tokens = [match.group(1) for match in _TOKEN.finditer(text)]
    if not tokens:
        return None
    reader = _Reader(tokens, keys)
    node = reader.any_of(0)
    if reader.position < len(tokens):
        raise BadLogic(f"unexpected '{tokens[reader.position]}' in logic '{text}'")
    return node


class _Reader:
    def __init__(self, tokens: list[str], keys: Collection[str]) -> None:
        self.tokens, self.keys, self.position = tokens, keys, 0

    def _next(self) -> str | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def _next_is(self, word: str) -> bool:
        token = self._next()
        return token is not None and _WORDS.get(token.lower()) == word

    def _chain(self, word: Literal["and", "or"], operand: Callable[[int], Node], depth: int) -> Node:
        parts = [operand(depth)]
        while self._next_is(word):
            self.position += 1
            parts.append(operand(depth))
        return parts[0] if len(parts) == 1 else Node(word, parts=tuple(parts))

    def any_of(self, depth: int) -> Node:
        return self._chain("or", self.all_of, depth)

    def all_of(self, depth: int) -> Node:
        return self._chain("and", self.single, depth)

    def single(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise BadLogic("logic is nested too deeply")
        token = self._next()
        if token is None:
            raise BadLogic("logic ends too early")
        self.position += 1
        if token == "(":
            node = self.any_of(depth + 1)
            if self._next() != ")":
                raise BadLogic("logic lacks a closing parenthesis")
            self.position += 1
            return node
        if _WORDS.get(token.lower()) == "not":
            return Node("not", parts=(self.single(depth + 1),))
        if token not in self.keys:
            raise BadLogic(f"logic names '{token}', which is not one of the rules")
        return Node("key", key=token)


def certain(node: Node) -> Iterator[str]:
    """Keys that must hold whenever the expression holds: reached through `and` alone."""
    if node.kind == "key":
        yield node.key
    elif node.kind == "and":
        for part in node.parts:
            yield from certain(part)


def holds(node: Node, truth: Callable[[str], bool]) -> bool:
    if node.kind == "key":
        return truth(node.key)
    if node.kind == "and":
        return all(holds(part, truth) for part in node.parts)
    if node.kind == "or":
        return any(holds(part, truth) for part in node.parts)
    return not holds(node.parts[0], truth)


def blame(node: Node, truth: Callable[[str], bool], wanted: bool = True) -> tuple[str, bool]:
    """For an expression that is not as wanted: the first condition at fault, and whether it was wanted to hold."""
    if node.kind == "key":
        return node.key, wanted
    if node.kind == "not":
        return blame(node.parts[0], truth, not wanted)
    return blame(next(part for part in node.parts if holds(part, truth) is not wanted), truth, wanted)
