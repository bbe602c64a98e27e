"""Reads the source and checks that the house stands as DESIGN says: directions, purity, clock, floats."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEVELS = ["offers", "loyalty", "checkout", "project"]  # each may import itself and what stands before it
EDGES = {"api", "admin", "tasks", "management", "apps"}
# Where the house's words bend, each with its reason.
FLOATS_ALLOWED: dict[str, str] = {}
LAZY_IMPORTS_ALLOWED: dict[str, str] = {}


@dataclass(frozen=True)
class Module:
    path: Path
    name: str
    tree: ast.Module

    @property
    def parts(self) -> list[str]:
        return self.name.split(".")

    def is_edge(self) -> bool:
        return self.parts[0] == "project" or bool(EDGES & set(self.parts))


@cache
def modules(top: str) -> tuple[Module, ...]:
    found = []
    for path in sorted((ROOT / top).rglob("*.py")):
        inside = path.relative_to(ROOT).with_suffix("")
        parts = inside.parts[:-1] if inside.name == "__init__" else inside.parts
        if "migrations" not in parts:
            found.append(Module(path, ".".join(parts), ast.parse(path.read_text(), str(path))))
    return tuple(found)


def all_modules(*tops: str) -> Iterator[Module]:
    for top in tops or LEVELS:
        yield from modules(top)


def imports(module: Module) -> Iterator[str]:
    """Every dotted name a module imports; `from a import b` gives a.b, because b may be a module."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.parts if module.path.name == "__init__.py" else module.parts[:-1]
                base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def within(name: str, *tops: str) -> bool:
    return any(name == top or name.startswith(top + ".") for top in tops)


def offenders(*tops: str, where: str = "", banned: tuple[str, ...], but: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{module.name} imports {name}"
        for module in all_modules(*tops)
        if within(module.name, where) or not where
        for name in imports(module)
        if within(name, *banned) and not within(name, *but)
    ]


@pytest.mark.parametrize("level", LEVELS)
def test_imports_only_point_down(level: str) -> None:
    above = tuple(LEVELS[LEVELS.index(level) + 1 :])
    assert offenders(level, banned=(*above, "tests")) == []


@pytest.mark.parametrize(
    ("where", "allowed"),
    [
        ("offers.lib", ("offers.lib",)),
        ("offers.ledger", ("offers.lib", "offers.ledger")),
        ("offers.outbox", ("offers.lib", "offers.models", "offers.audit", "offers.outbox")),
        ("offers.evaluation", ("offers.evaluation", "offers.lib.money")),
        ("loyalty.earning", ("loyalty.earning", "offers.evaluation", "offers.lib.money")),
    ],
)
def test_low_rooms_know_nothing_above_them(where: str, allowed: tuple[str, ...]) -> None:
    assert offenders(where.split(".")[0], where=where, banned=tuple(LEVELS), but=allowed) == []


def test_evaluation_and_earning_are_pure() -> None:
    impure = (
        "django",
        "rest_framework",
        "celery",
        "psycopg",
        "redis",
        "asyncio",
        "socket",
        "random",
        "offers.lib.clock",
    )
    assert offenders("offers", where="offers.evaluation", banned=impure) == []
    assert offenders("loyalty", where="loyalty.earning", banned=impure) == []


def test_nothing_below_an_edge_knows_http_tasks_or_admin() -> None:
    http = ("rest_framework", "django.http", "django.shortcuts", "django.contrib.admin", "unfold")
    found = [
        f"{module.name} imports {name}"
        for module in all_modules()
        if not module.is_edge()
        for name in imports(module)
        if within(name, *http) or (within(name, *LEVELS) and {"tasks", "admin", "api"} & set(name.split(".")))
    ]
    assert found == []


def test_dialects_do_not_import_one_another() -> None:
    found = [
        f"{module.name} imports {name}"
        for module in all_modules("checkout")
        if module.name.startswith("checkout.api.")
        for name in imports(module)
        if name.startswith("checkout.api.") and name.split(".")[2] not in {module.parts[2], "common"}
    ]
    assert found == []


def test_only_the_clock_reads_the_clock() -> None:
    readers = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "timezone.now", "timezone.localtime"}
    readers |= {"timezone.localdate", "time.time", "time.time_ns", "time.localtime", "time.gmtime"}
    found = [
        f"{module.name}:{node.lineno} reads {ast.unparse(node)}"
        for module in all_modules()
        if module.name != "offers.lib.clock"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and f"{getattr(node.value, 'attr', getattr(node.value, 'id', ''))}.{node.attr}" in readers
    ]
    assert found == []


def test_money_is_never_a_float() -> None:
    found = [
        f"{module.name}:{node.lineno}"
        for module in all_modules("offers", "loyalty", "checkout")
        if module.name not in FLOATS_ALLOWED
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
    ]
    assert found == []


def test_apps_call_one_another_without_signals() -> None:
    assert offenders(*LEVELS, banned=("django.dispatch", "django.db.models.signals", "django.core.signals")) == []


def test_imports_stand_at_the_top() -> None:
    found = [
        f"{module.name}:{inner.lineno} in {node.name}()"
        for module in all_modules()
        if module.name not in LAZY_IMPORTS_ALLOWED
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "ready"
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert found == []


def test_every_refusal_has_a_status() -> None:
    """A new `code` needs a line in STATUS of checkout/api/common/errors.py."""
    table = next(module for module in modules("checkout") if module.name == "checkout.api.common.errors")
    status = next(
        node.value
        for node in table.tree.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "STATUS" and isinstance(node.value, ast.Dict)
    )
    known = {ast.literal_eval(key) for key in status.keys if key is not None}
    missing = {
        f"{module.name}.{node.name}: {line.value.value!r}"
        for module in all_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and node.bases
        for line in node.body
        if isinstance(line, ast.Assign | ast.AnnAssign) and isinstance(line.value, ast.Constant)
        for target in (line.targets if isinstance(line, ast.Assign) else [line.target])
        if ast.unparse(target) == "code" and line.value.value not in known
    }
    assert missing == set()


def test_every_module_says_what_it_answers_for() -> None:
    assert [m.name for m in all_modules() if m.tree.body and ast.get_docstring(m.tree) is None] == []


def test_migrations_stand_in_one_line() -> None:
    for folder in sorted(ROOT.glob("*/migrations")) + sorted(ROOT.glob("*/*/migrations")):
        names = {path.stem for path in folder.glob("0*.py")}
        followed = {
            name
            for name in names
            for path in folder.glob("0*.py")
            if path.stem != name
            if re.search(rf"['\"]{name}['\"]", path.read_text())
        }
        assert len(names - followed) <= 1, f"{folder}: two migrations have no follower: {sorted(names - followed)}"
