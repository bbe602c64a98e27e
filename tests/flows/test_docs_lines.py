"""The lines of docs/loyalty.md run as they are pasted: the six steps against a live server, and the document."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer

from checkout import transaction_queue
from checkout.management.commands.configure import answer_to
from offers.lib import clock
from project.local import ROOT

PAGE = (ROOT / "docs" / "loyalty.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live_server: LiveServer) -> Iterator[Path]:
    (tmp_path / ".data").mkdir()
    monkeypatch.setenv("DATA_DIR", str(tmp_path / ".data"))
    monkeypatch.setenv("BASE_URL", live_server.url)
    call_command("load_demo")
    yield tmp_path


@pytest.mark.django_db(transaction=True)
def test_o1_the_six_steps_run_when_they_are_pasted(demo: Path) -> None:
    steps, looking = BLOCKS[0].split("# What came of it")
    after = looking.partition("sleep 2\n")[2]
    shell = f"set -eu\n{steps}\ntouch sent; while [ ! -e worked ]; do sleep 0.1; done\n{after}"
    with subprocess.Popen(
        ["sh", "-c", shell], cwd=demo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pasted:
        try:
            work_once_sent(demo, pasted)
            told, _ = pasted.communicate(timeout=30)
        finally:
            pasted.kill()
    assert pasted.returncode == 0, told
    answers = [json.loads(line) for line in told.splitlines() if line]
    assert [answer["status"] for answer in answers] == [
        *("ok", "ok", "ok"),  # made, looked at, issued
        *("ok", "success"),  # the wallet twice
        *("OK", "OK"),  # locked, sent
        *("ok", "ok"),  # where it stands, the history
    ], told
    made, shown, issued, wallet, lookup, locked, _, standing, history = answers
    assert shown["payload"]["offer"]["id"] == made["payload"]["offer_id"]
    entry = issued["payload"]["status_list"][0]["user_offer_id"]
    assert entry in {each["user_offer_id"] for each in wallet["payload"]["user_offers"]}
    assert entry in {each["reference_id"] for each in lookup["payload"][0]["offers"]}
    assert (locked["payload"]["status"], locked["payload"]["amount"]) == ("LOCKED", 5)
    assert standing["payload"]["state"] == "processed"
    assert [each["status"] for each in history["payload"]["results"] if each["user_offer_id"] == entry] == [2]


def work_once_sent(place: Path, pasted: "subprocess.Popen[str]") -> None:
    """Do what the worker does between the last step and looking at what came of it."""
    while not (place / "sent").exists() and pasted.poll() is None:
        try:
            pasted.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    transaction_queue.drain(now=clock.now())
    (place / "worked").touch()


@pytest.mark.django_db
def test_the_document_of_the_page_is_carried_out() -> None:
    document = re.search(r"<<'JSON'\n(.*?)^JSON", PAGE, re.MULTILINE | re.DOTALL)
    assert document is not None
    answer = answer_to(document[1].encode())
    assert answer["errors"] == []
    assert set(answer["rules"]) == {"dollar"}
