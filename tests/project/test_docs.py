"""The documents are true to the code: settings, packages, links, commands."""

import re
from math import prod
from pathlib import Path

import pytest

from project.local import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_setting_that_is_read_stands_in_the_readme() -> None:
    sources = [*(ROOT / "project").glob("*.py"), ROOT / "gunicorn.conf.py"]
    read = {
        name
        for path in sources
        for name in re.findall(
            r"""(?:env_\w+|environ\.get|setdefault)\(\s*["']([A-Z][A-Z0-9_]+)["']""", path.read_text()
        )
    }
    table = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "README.md").read_text()))
    assert len(read) > 20
    assert read - table - {"DJANGO_SETTINGS_MODULE"} == set()


def test_the_readme_tells_the_defaults_that_the_code_has() -> None:
    code = re.findall(r'env_int\(\s*"(\w+)", ([\d_ *]+)', (ROOT / "project" / "settings.py").read_text())
    rows: dict[str, str] = {}
    for names, defaults in re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|", (ROOT / "README.md").read_text(), re.MULTILINE):
        rows.update(zip(re.findall(r"`(\w+)`", names), re.findall(r"`(\d+)`", defaults), strict=False))
    assert len(code) > 8
    for name, default in code:
        value = prod(int(factor) for factor in default.replace("_", "").split("*"))
        assert rows[name] == str(value), name


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-embedded.txt", "requirements-dev.txt"])
def test_every_package_is_pinned_and_has_its_reason(file: str) -> None:
    reasons = set(re.findall(r"^\| ([\w-]+) \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE))
    lines = [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith(("#", "-"))]
    for line in lines:
        assert re.fullmatch(r"[\w-]+(\[[\w,]+\])?==[\w.]+", line), f"{line} is not pinned"
        assert re.match(r"[\w-]+", line)[0] in reasons, f"{line} has no reason"  # type: ignore[index]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_make_target_is_explained() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = set(re.findall(r"`make (\w+)", (ROOT / "README.md").read_text())) | {"install"}
    assert targets - told == set()


def test_a43_the_flow_the_token_the_handoff_and_the_completion_are_explained() -> None:
    parts = (ROOT / "docs" / "admission.md").read_text().split("\n## ")
    told = {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}
    for heading, names in {
        "The flow": ("/status", "admitted"),
        "The token": ("adm1.", "/admissions/validate"),
        "The handoff": ("?admission=", "handoff.js", "return_url"),
        "Completion": ("complete {admission_token", "admission_already_completed"),
    }.items():
        assert not [name for name in names if name not in told[heading]], heading
