"""The private servers start where nothing is installed, mend what a crash left, and say what they cannot mend."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from project import embedded, env, processes
from project.embedded import postgres, servers


@pytest.fixture
def place() -> Iterator[Path]:
    """A data directory that another user may enter, as PostgreSQL must when root runs the tests."""
    made = Path(f"/tmp/offerkeep-test-{os.getpid()}-embedded-{time.monotonic_ns()}")
    embedded.make_throw_away_dir(made)
    yield made
    embedded.remove_throw_away_dir(made)


@pytest.fixture
def bystander() -> Iterator[int]:
    """A living process that has nothing to do with us."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process.pid
    assert process.poll() is None, "a bystander was killed"
    process.kill()
    process.wait()


def ask(url: str, sql: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(sql).fetchone()
        return row[0] if row else None


def test_postgres_keeps_its_data_and_is_durable(place: Path) -> None:
    server = embedded.start_postgres(place)
    assert [ask(server.url, f"show {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")] == [
        "on"
    ] * 3
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("create table kept as select 7 as x")
    server.stop()
    again = embedded.start_postgres(place)
    assert ask(again.url, "select x from kept") == 7
    assert again.url == server.url == embedded.postgres_url(place)
    again.stop()


def test_postgres_listens_on_no_port_and_its_directory_is_closed(place: Path) -> None:
    server = embedded.start_postgres(place, durable=False)
    assert ask(server.url, "show listen_addresses") == ""
    assert (place / "postgres").stat().st_mode & 0o077 == 0
    server.stop()


def test_postgres_recovers_after_a_kill(place: Path) -> None:
    server = embedded.start_postgres(place)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("create table kept as select 7 as x")
    server.process.kill()
    server.process.wait()
    assert (place / "postgres" / "postmaster.pid").exists()
    again = embedded.start_postgres(place)
    assert ask(again.url, "select x from kept") == 7
    again.stop()


def test_a_postgres_that_outlived_its_runner_is_ended_first(place: Path) -> None:
    left_over = embedded.start_postgres(place)
    again = embedded.start_postgres(place)
    assert left_over.process.wait(60) == 0
    assert ask(again.url, "select 1") == 1
    again.stop()


@pytest.mark.parametrize("content", ["", "not a number\n", "{stranger}\n/elsewhere\n1\n5432\n\n\n"])
def test_a_stale_pid_file_is_mended_and_the_stranger_it_names_lives(place: Path, bystander: int, content: str) -> None:
    embedded.start_postgres(place, durable=False).stop()
    (place / "postgres" / "postmaster.pid").write_text(content.format(stranger=bystander))
    server = embedded.start_postgres(place, durable=False)
    assert ask(server.url, "select 1") == 1
    server.stop()


def test_an_interrupted_first_start_is_begun_again(place: Path) -> None:
    half = place / "postgres.unfinished"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    embedded.start_postgres(place, durable=False).stop()
    assert not half.exists()


@pytest.mark.parametrize("missing", ["global/pg_control", "PG_VERSION"])
def test_a_cluster_with_files_missing_is_left_alone_and_named(place: Path, missing: str) -> None:
    embedded.start_postgres(place, durable=False).stop()
    (place / "postgres" / missing).unlink()
    with pytest.raises(embedded.CannotStart, match=rf"{place}/postgres is not a whole PostgreSQL cluster.*mv "):
        embedded.start_postgres(place, durable=False)
    assert (place / "postgres" / "base").is_dir()


def test_another_version_s_cluster_is_refused(place: Path) -> None:
    embedded.start_postgres(place, durable=False).stop()
    (place / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(embedded.CannotStart, match="written by PostgreSQL 9"):
        embedded.start_postgres(place, durable=False)


def test_a_server_that_cannot_start_shows_its_own_words(place: Path) -> None:
    embedded.start_postgres(place, durable=False).stop()
    with (place / "postgres" / "postgresql.conf").open("a") as config:
        config.write("nonsense = on\n")
    with pytest.raises(embedded.CannotStart, match="nonsense"):
        embedded.start_postgres(place, durable=False)


def test_a_path_too_long_for_a_socket_works_all_the_same(place: Path) -> None:
    deep = place / ("d" * 100)
    server = embedded.start_postgres(deep, durable=False)
    assert ask(server.url, "select 1") == 1
    server.stop()
    assert "/d" not in server.url
    (Path("/tmp") / server.url.rpartition("%2F")[2]).rmdir()


def test_root_needs_no_open_door_above_its_data(place: Path) -> None:
    place.chmod(0o700)
    server = embedded.start_postgres(place, durable=False)
    assert ask(server.url, "select 1") == 1
    server.stop()


def test_postgres_does_not_run_as_root(place: Path) -> None:
    server = embedded.start_postgres(place, durable=False)
    status = subprocess.run(
        ["ps", "-o", "uid=", "-p", str(server.process.pid)], capture_output=True, text=True, check=True
    )
    assert int(status.stdout) != 0
    server.stop()


def test_valkey_keeps_its_port_password_and_data(place: Path) -> None:
    server = embedded.start_valkey(place)
    redis.Redis.from_url(server.url).set("a", "1")
    server.stop()
    again = embedded.start_valkey(place)
    assert (again.url, redis.Redis.from_url(again.url).get("a")) == (server.url, b"1")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(again.url.replace(":" + again.url.split(":")[2].split("@")[0], "")).ping()
    again.stop()


def test_a_taken_port_is_exchanged_and_the_new_one_remembered(place: Path) -> None:
    first = embedded.valkey_url(place)
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(first.rpartition(":")[2].split("/")[0])))
        other.listen()
        server = embedded.start_valkey(place)
    assert server.url != first
    assert embedded.valkey_url(place) == server.url
    server.stop()


def test_a_valkey_left_over_is_ended_first_and_a_stranger_is_not(place: Path, bystander: int) -> None:
    left_over = embedded.start_valkey(place)
    again = embedded.start_valkey(place)
    assert left_over.process.wait(60) == 0
    assert again.url == left_over.url
    again.stop()
    (place / "valkey" / "valkey.pid").write_text(f"{bystander}\n")
    embedded.start_valkey(place).stop()


def test_a_spoiled_data_set_is_put_aside(place: Path) -> None:
    server = embedded.start_valkey(place)
    redis.Redis.from_url(server.url).set("a", "1")
    server.stop()
    for part in (place / "valkey" / "appendonlydir").glob("*.manifest"):
        part.write_text("nonsense\n")
    again = embedded.start_valkey(place)
    assert redis.Redis.from_url(again.url).get("a") is None
    assert list((place / "valkey").glob("spoiled-*"))
    again.stop()


def test_without_wheel_and_path_both_ways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "in_package", lambda package, inside: None)
    monkeypatch.setattr(postgres, "DEBIAN", Path("/nowhere"))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(embedded.CannotStart, match=r"requirements-embedded.*PATH.*DATABASE_URL"):
        embedded.find_postgres()
    with pytest.raises(embedded.CannotStart, match=r"requirements-embedded.*PATH.*REDIS_URL"):
        embedded.find_valkey()


def test_programs_on_the_path_serve_where_the_wheels_are_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(servers, "in_package", lambda package, inside: None)
    for name in ("initdb", "postgres", "redis-server"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (embedded.find_postgres(), embedded.find_valkey()) == (tmp_path, tmp_path / "redis-server")


def test_a_data_directory_has_one_owner_at_a_time(place: Path) -> None:
    first, second = embedded.Lock(place), embedded.Lock(place)
    assert first.take()
    assert not second.take()
    assert second.owner() == str(os.getpid())
    first.release()
    assert second.take()
    second.release()


def test_servers_die_with_a_killed_parent(place: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from project import embedded;"
        "p = Path(sys.argv[1]); a = embedded.start_postgres(p); b = embedded.start_valkey(p);"
        "print(a.process.pid, b.process.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(place)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    children = [int(word) for word in parent.stdout.readline().split()]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 60
    while any(processes.command_of(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [processes.command_of(pid) for pid in children] == ["", ""]
    assert env.read_file(place / "valkey.env").keys() == {"PORT", "PASSWORD"}
