"""Every number of the checklist that the issues name, and every scenario of session offers, has its test.

A test is named after what it shows, the numbers first: `test_s20_s21_the_same_code_works_...`.
"""

import re

import pytest

from project.local import ROOT

NAMES = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
HEADS = re.findall(r"^def test_((?:[a-z]\d+_)+)", NAMES, re.MULTILINE)


@pytest.mark.parametrize(("letter", "last"), [("s", 28), ("v", 63), ("o", 99), ("t", 76), ("a", 43)])
def test_every_number_has_its_test(letter: str, last: int) -> None:
    named = {int(number) for head in HEADS for number in re.findall(rf"{letter}(\d+)_", head)}
    assert set(range(1, last + 1)) - named == set()


def test_every_scenario_of_session_offers_has_its_test() -> None:
    told = re.findall(r"^def test_(?:[a-z]\d+_)*scenarios?_((?:\d+_)+)", NAMES, re.MULTILINE)
    named = {int(number) for numbers in told for number in numbers.strip("_").split("_")}
    assert set(range(1, 31)) - named == set()
