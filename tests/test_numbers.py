"""Every number of the offer workflow (O) and of finalize-and-send (T) has a test that carries it first in its name."""

import re

import pytest

from project.local import ROOT

NAMES = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize(("letter", "last"), [("o", 99), ("t", 76)])
def test_every_number_has_its_test(letter: str, last: int) -> None:
    named = {int(number) for number in re.findall(rf"^def test_{letter}(\d+)_", NAMES, re.MULTILINE)}
    assert set(range(1, last + 1)) - named == set()
