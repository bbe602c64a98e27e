"""docs/session-offers.md is true: its signing example makes grants that work, its set-up is taken as written."""

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from checkout import code_refusals
from checkout.demo.people import ACME
from offers.models import Channel, Retailer
from project.local import ROOT
from tests import factories
from tests.api.session_offers.visits import CODE, Shopper, lay_out, ops

PAGE = (ROOT / "docs" / "session-offers.md").read_text()

pytestmark = pytest.mark.django_db


def example() -> Callable[..., str]:
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found
    lines = [line for line in found[1].splitlines() if line.strip()]
    assert len(lines) <= 15
    names: dict[str, Any] = {}
    exec(found[1], names)
    return names["grant"]  # type: ignore[no-any-return]


def test_s2_the_page_is_linked_and_its_signing_example_makes_grants_that_work() -> None:
    assert "](docs/session-offers.md)" in (ROOT / "README.md").read_text()
    shop, _ = lay_out()
    row, _ = factories.credential(shop, "publishable", origins=["http://testserver"])
    channel = Channel.objects.get(retailer=shop)
    one = Shopper(shop, row.key)
    made = example()(channel.kid, channel.secret, channel.prefix, CODE, one.open())
    assert one.authorize(CODE, made).status_code == 204
    assert one.held() == [CODE]
    wrong = example()(channel.kid, "another", channel.prefix, CODE, one.open())
    assert one.authorize(CODE, wrong).status_code == 403


def test_the_set_up_is_taken_as_written() -> None:
    Retailer.objects.create(name=ACME)
    found = re.search(r"<<'JSON'\n(.*?)JSON", PAGE, re.DOTALL)
    assert found
    done = ops(*orjson.loads(found[1])["ops"])
    assert not [one for one in done if "error" in one], done


def test_the_page_tells_the_numbers_that_the_code_has() -> None:
    assert f"more than {code_refusals.REFUSALS_MOST} refusals" in PAGE
    assert f"More than {code_refusals.LEAK_SESSIONS} sessions" in PAGE
