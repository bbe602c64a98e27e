"""Finds modules that nothing reaches: not imported, not named in a setting or a task, not an entry of their own."""

import ast
import re

from tests.test_house import LEVELS, all_modules, imports, within

ENTRIES = {"apps", "admin", "tasks", "models", "settings", "wsgi", "asgi", "celery", "urls", "run"}


def test_every_module_is_used() -> None:
    used = {name for module in all_modules(*LEVELS) for name in imports(module)}
    texts = " ".join(
        node.value
        for module in all_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    used |= set(re.findall(r"[a-z_]+(?:\.\w+)+", texts))  # named in settings, in a task's name, in a command line
    dead = [
        module.name
        for module in all_modules()
        if module.path.name != "__init__.py"
        and module.parts[-1] not in ENTRIES
        and not {"management", "admin"} & set(module.parts)
        and not any(within(name, module.name) for name in used)
    ]
    assert dead == []
