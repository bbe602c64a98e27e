"""Before serving: migrations, static files when they changed, the demo when there is one."""

from pathlib import Path
from typing import Any

import pytest

from project import prepare


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []

    def note(name: str, **options: Any) -> None:
        names.append(name)

    monkeypatch.setattr(prepare, "call_command", note)
    return names


@pytest.mark.parametrize(("there", "runs"), [({}, False), ({"load_demo": "checkout"}, True)])
def test_the_demo_is_loaded_as_soon_as_there_is_one(
    called: list[str], monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path, there: dict[str, str], runs: bool
) -> None:
    settings.STATIC_ROOT = tmp_path
    monkeypatch.setattr(prepare, "get_commands", lambda: there)
    prepare.main()
    assert called[0] == "migrate"
    assert ("load_demo" in called) is runs


def test_static_files_are_collected_once_until_one_changes(
    called: list[str], monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.STATIC_ROOT = tmp_path
    prepare.collect_static()
    prepare.collect_static()
    assert called == ["collectstatic"]
    monkeypatch.setattr(prepare, "fingerprint", lambda: "other")
    prepare.collect_static()
    assert called == ["collectstatic"] * 2
    assert len(prepare.fingerprint()) > 0
