"""Settings from the environment are understood or refused, never guessed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from project import env


@pytest.mark.parametrize(("raw", "truth"), [("1", True), ("Yes", True), (" on ", True), ("0", False), ("", False)])
def test_a_bool_is_a_known_word(monkeypatch: pytest.MonkeyPatch, raw: str, truth: bool) -> None:
    monkeypatch.setenv("X", raw)
    assert env.env_bool("X", not truth) is truth


@pytest.mark.parametrize(
    ("read", "raw"),
    [
        (lambda: env.env_bool("X", False), "ture"),
        (lambda: env.env_int("X", 1), "ten"),
        (lambda: env.env_int("X", 1), "-1"),
        (lambda: env.env_int("X", 1), "1.5"),
        (lambda: env.env_int("X", 1), "9" * 5000),
        (lambda: env.env_int("X", 1, least=1), "0"),
        (lambda: env.env_choice("X", "json", {"json", "text"}), "xml"),
    ],
)
def test_what_is_not_understood_stops_the_start_and_is_named(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[], Any], raw: str
) -> None:
    monkeypatch.setenv("X", raw)
    with pytest.raises(SystemExit, match="X="):
        read()


def test_an_unset_variable_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("X", raising=False)
    assert (env.env_bool("X", True), env.env_int("X", 7), env.env_list("X", "a, b,")) == (True, 7, ["a", "b"])
    assert env.env_path("X", Path("/d")) == Path("/d")


def test_a_missing_secret_stops_the_start_and_names_both_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "  ")
    with pytest.raises(SystemExit, match=r"X is missing.*make run"):
        env.env_secret("X", dev=None)
    assert env.env_secret("X", dev="stand-in") == "stand-in"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        (
            "postgres://al%40ice:s%2Fe@db.example:6432/shop?sslmode=require",
            {
                "NAME": "shop",
                "USER": "al@ice",
                "PASSWORD": "s/e",
                "HOST": "db.example",
                "PORT": "6432",
                "?sslmode": "require",
            },
        ),
        (
            "postgresql://me@/shop?host=%2Fvar%2Frun",
            {"NAME": "shop", "USER": "me", "PASSWORD": "", "HOST": "/var/run", "PORT": ""},
        ),
    ],
)
def test_a_database_url_is_taken_apart(url: str, parts: dict[str, str]) -> None:
    assert env.database_from_url("DATABASE_URL", url) == parts


@pytest.mark.parametrize(
    "url", ["mysql://u:hunter2@h/db", "postgres://u:hunter2@h:port/db", "postgres://u:hunter2@h", "hunter2"]
)
def test_a_wrong_database_url_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(SystemExit, match="only PostgreSQL") as refused:
        env.database_from_url("DATABASE_URL", url)
    assert "hunter2" not in str(refused.value)


def test_a_file_of_lines_is_written_for_its_owner_only_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.env"
    env.write_file(path, {"A": "1=2", "B": "x y"})
    assert path.stat().st_mode & 0o777 == 0o600
    assert env.read_file(path) == {"A": "1=2", "B": "x y"}
    assert env.read_file(tmp_path / "none") == {}


def test_a_file_does_not_override_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "mine")
    monkeypatch.setenv("B", "")
    monkeypatch.delenv("B")
    env.write_file(tmp_path / "x.env", {"A": "theirs", "B": "theirs"})
    env.load_file(tmp_path / "x.env")
    assert (os.environ["A"], os.environ["B"]) == ("mine", "theirs")
