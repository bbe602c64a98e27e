"""A draw follows from its seed and its list alone, and verify_draw finds whatever was changed afterwards."""

import hashlib
import hmac
import io
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from checkout.admission import drawing

SEED = bytes(range(32))
SEEDS = st.binary(min_size=32, max_size=32)
LISTS = st.lists(st.uuids().map(str), min_size=1, max_size=30, unique=True)


def published(*, seed: bytes = SEED, entries: list[str] | None = None, count: int = 2) -> dict[str, Any]:
    entries = ["d", "a", "c", "b", "e"] if entries is None else entries
    return {
        "commit": drawing.commitment(seed),
        "seed": seed.hex(),
        "frozen_hash": drawing.freeze(entries),
        "entries": entries,
        "winners": drawing.ranking(seed=seed, entries=entries)[:count],
        "winner_count": count,
    }


def test_the_ranking_is_the_one_of_the_reference() -> None:
    entries = [f"{number:02}" for number in range(40)]  # many: a wrong key must not give the right order by chance
    frozen = hashlib.sha256("\n".join(entries).encode()).hexdigest()
    keys = {entry: hmac.new(SEED, (frozen + entry).encode(), hashlib.sha256).hexdigest() for entry in entries}
    assert drawing.freeze(entries[::-1]) == frozen
    assert drawing.ranking(seed=SEED, entries=entries[::-1]) == sorted(entries, key=keys.__getitem__)


@given(SEEDS, LISTS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(seed: bytes, entries: list[str], chance: Any) -> None:
    mixed = chance.sample(entries, len(entries))
    assert drawing.ranking(seed=seed, entries=mixed) == drawing.ranking(seed=seed, entries=entries)
    assert sorted(drawing.ranking(seed=seed, entries=mixed)) == sorted(entries)


@given(SEEDS, LISTS, st.integers(0, 40))
def test_an_honest_draw_is_proven(seed: bytes, entries: list[str], count: int) -> None:
    assert drawing.faults(published(seed=seed, entries=entries, count=count)) == []


@given(SEEDS, LISTS, st.uuids().map(str))
def test_an_entrant_added_or_a_seed_changed_breaks_the_proof(seed: bytes, entries: list[str], more: str) -> None:
    honest = published(seed=seed, entries=entries)
    assert drawing.faults({**honest, "entries": [*entries, more]})
    assert drawing.faults({**honest, "entries": entries[:-1]})
    assert "the seed is not the one committed to" in drawing.faults({**honest, "seed": drawing.commitment(seed)})


@pytest.mark.parametrize(
    "change",
    [
        {"winners": ["a", "zz"]},
        {"winners": []},
        {"winner_count": 3},
        {"winner_count": True},
        {"winner_count": "2"},
        {"entries": "abcde"},
        {"entries": [1, 2]},
        {"winners": None},
        {"commit": 7},
        {"seed": SEED.hex().upper()},
        {"seed": "é" * 64},
        {"seed": None},
        {"frozen_hash": "0" * 64},
    ],
)
def test_every_false_field_is_found(change: dict[str, Any]) -> None:
    assert drawing.faults(published()) == []
    assert drawing.faults({**published(), **change})


def test_winners_in_another_order_and_doubled_entries_are_found() -> None:
    honest = published()
    assert drawing.faults({**honest, "winners": honest["winners"][::-1]})
    twice = [*honest["entries"], "a"]
    assert "an entry is listed twice" in drawing.faults(published(entries=twice))


@pytest.mark.parametrize("text", [[], None, 7, "x"])
def test_what_is_no_object_is_no_proof(text: Any) -> None:
    assert drawing.faults(text) == ["this is no JSON object"]


def test_the_command_proves_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "draw.json"
    file.write_bytes(orjson.dumps(published()))
    call_command("verify_draw", str(file))
    assert capsys.readouterr().out == "proven: 2 winners of 5 entries\n"


def test_the_command_refuses_a_false_one_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "draw.json"
    file.write_bytes(orjson.dumps({**published(), "winners": ["zz"]}))
    with pytest.raises(SystemExit) as ended:
        call_command("verify_draw", str(file))
    assert ended.value.code == 1
    assert "NOT PROVEN: the winners are not the first drawn" in capsys.readouterr().out


def test_the_command_says_what_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>no")
    for source in ("page.html", "absent.json"):
        with pytest.raises(CommandError):
            call_command("verify_draw", str(tmp_path / source))


def test_the_command_reads_standard_input_and_an_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = orjson.dumps(published())
    (tmp_path / "draw.json").write_bytes(text)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    call_command("verify_draw", "-")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        call_command("verify_draw", f"http://127.0.0.1:{server.server_port}/draw.json", "--key", "pk_1")
        with pytest.raises(CommandError):
            call_command("verify_draw", f"http://127.0.0.1:{server.server_port}/absent.json")
    finally:
        server.shutdown()
        server.server_close()
    assert capsys.readouterr().out == "proven: 2 winners of 5 entries\n" * 2
