"""Every method of the Python client whose address is served is called by a test here, with each of its parameters."""

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import voucherify
from django.urls import URLPattern, URLResolver, get_resolver

HERE = Path(__file__).parent


def served(patterns: list[Any] | None = None, before: str = "/") -> Iterator[tuple[str, str]]:
    """Yield method and address of everything that is answered, its parameters as stars."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = f"{before}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from served(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "view_class"):
            view = pattern.callback.view_class
            for method in ("get", "post", "put", "delete"):
                if getattr(view, method, None):
                    yield method.upper(), re.sub(r"<[^>]+>", "*", path)


@cache
def methods() -> dict[str, list[str]]:
    """Return the methods whose address is served, with their parameters."""
    addresses = set(served())
    found = {}
    for name, api in inspect.getmembers(voucherify, inspect.isclass):
        for method, function in inspect.getmembers(api, inspect.isfunction) if name.endswith("Api") else []:
            source = getattr(api, f"_{method}_serialize", None)
            if source is None:
                continue
            text = inspect.getsource(source)
            verb = re.search(r"method='(\w+)'", text)
            path = re.search(r"resource_path='([^']+)'", text)
            assert verb, method
            assert path, method
            if (verb[1], re.sub(r"\{[^}]+\}", "*", path[1])) in addresses:
                parameters = list(inspect.signature(function).parameters)[1:]
                found[method] = [one for one in parameters if not one.startswith("_")]
    return found


@cache
def calls() -> dict[str, set[str]]:
    """Return by method which parameters the tests of this folder give."""
    given: dict[str, set[str]] = defaultdict(set)
    for path in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods():
                parameters = methods()[node.func.attr]
                given[node.func.attr] |= {"", *parameters[: len(node.args)], *(one.arg or "" for one in node.keywords)}
    return given


def test_the_methods_of_the_issue_are_served() -> None:
    assert len(methods()) == 74


@pytest.mark.parametrize("method", sorted(methods()))
def test_every_method_is_called_with_every_parameter(method: str) -> None:
    assert method in calls()
    assert set(methods()[method]) <= calls()[method]
