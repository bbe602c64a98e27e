"""`make run`, for real: starts, answers, mends, restarts, stops, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from project import embedded, env, local, processes

pytestmark = pytest.mark.xdist_group("run")


class Run:
    """One `make run` with a data directory and a port of its own."""

    def __init__(self, place: Path) -> None:
        self.place, self.port = place, embedded.free_port()
        self.output = place.with_suffix(".out")
        self.process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "PYTHONPATH"}}
        return {**kept, "PORT": str(self.port), "DATA_DIR": str(self.place)}

    def start(self) -> None:
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "project.run"],
                env=self.environment(),
                cwd=local.ROOT,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def wait_ready(self) -> float:
        began = time.monotonic()
        wait(lambda: "is ready" in self.said() or self.ended(), "ready")
        assert not self.ended(), self.said()
        return time.monotonic() - began

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def end(self, which: signal.Signals = signal.SIGINT) -> int:
        assert self.process
        self.process.send_signal(which)
        return self.process.wait(120)

    def pids(self) -> dict[str, int]:
        found = {name: int(pid) for name, pid in env.read_file(self.place / "run.env").items()}
        found["postgres"] = int((self.place / "postgres" / "postmaster.pid").read_text().split()[0])
        found["valkey"] = int((self.place / "valkey" / "valkey.pid").read_text())
        return found

    def leftovers(self) -> list[str]:
        return [line for line in all_commands() if str(self.place) in line or f"--port {self.port}" in line]

    def get(self, path: str) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return int(answer.status)

    def answers(self) -> bool:
        try:
            return self.get("/readyz") == 200
        except OSError:
            return False


def all_commands() -> list[str]:
    shown = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in shown.splitlines() if line.split()[0] != str(os.getpid())]


def wait(until: Callable[[], bool], what: str, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, f"not {what} after {seconds} s"
        time.sleep(0.05)


@pytest.fixture
def run() -> Iterator[Run]:
    place = Path(f"/tmp/offerkeep-test-{os.getpid()}-run-{time.monotonic_ns()}")
    run = Run(place)
    yield run
    if not run.ended():
        run.end(signal.SIGTERM)
    embedded.remove_throw_away_dir(place)
    run.output.unlink(missing_ok=True)


def test_it_starts_answers_restarts_what_dies_and_stops_leaving_the_data(run: Run) -> None:
    run.start()
    run.wait_ready()
    assert (run.get("/readyz"), run.get("/admin/login/"), run.get("/docs")) == (200, 200, 200)
    secret = env.read_file(run.place / "secrets.env")["SECRET_KEY"]
    assert len(secret) >= 50

    before = run.pids()
    for name in ("web", "worker", "postgres", "valkey"):
        os.kill(before[name], signal.SIGKILL)
    wait(lambda: all(f"{name} ended" in run.said() for name in ("web", "worker", "postgres", "valkey")), "noticed")
    wait(run.answers, "up again")

    assert run.end(signal.SIGINT) == 0
    assert run.said().rstrip().endswith("Stopped.")
    assert run.leftovers() == []

    run.start()
    # Ten seconds on a machine that has time for it; the tests run beside it here.
    assert run.wait_ready() < 10 * max(1, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert env.read_file(run.place / "secrets.env")["SECRET_KEY"] == secret
    assert run.process
    run.process.send_signal(signal.SIGTERM)
    run.process.send_signal(signal.SIGINT)  # impatience changes nothing
    assert run.process.wait(120) == 0
    assert run.leftovers() == []


def test_after_a_kill_the_next_start_cleans_up_and_a_second_one_is_refused(run: Run) -> None:
    run.start()
    run.wait_ready()
    assert run.process
    run.process.kill()
    run.process.wait()
    run.start()
    run.wait_ready()

    twin = subprocess.run(
        [sys.executable, "-m", "project.run"], env=run.environment(), cwd=local.ROOT, capture_output=True, text=True
    )
    assert twin.returncode == 1
    assert f"process {run.process.pid}) already works in {run.place}" in twin.stdout
    assert "make run DATA_DIR=" in twin.stdout

    beside = subprocess.run(
        [sys.executable, "manage.py", "showmigrations", "admin"],
        env={**run.environment(), "PORT": ""},
        cwd=local.ROOT,
        capture_output=True,
        text=True,
    )
    assert "[X] 0001_initial" in beside.stdout

    assert run.end(signal.SIGTERM) == 0
    wait(lambda: run.leftovers() == [], "gone", 60)


def test_a_taken_port_is_named_before_anything_starts(run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", run.port))
        other.listen()
        run.start()
        assert run.process
        assert run.process.wait(120) == 1
    assert f"port {run.port}" in run.said()
    assert f"make run PORT={run.port + 1}" in run.said()
    assert "Traceback" not in run.said()
    assert not (run.place / "postgres").exists()


def test_a_stop_during_the_start_leaves_nothing_running(run: Run) -> None:
    run.start()
    wait(lambda: (run.place / "postgres" / "postmaster.pid").exists(), "starting")
    assert run.end(signal.SIGINT) == 0
    assert run.leftovers() == []


def test_it_ends_when_the_make_above_it_is_killed(run: Run) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'project.run'])"
    with run.output.open("wb") as out:
        run.process = subprocess.Popen(
            [sys.executable, "-c", code], env=run.environment(), cwd=local.ROOT, stdout=out, start_new_session=True
        )
    run.wait_ready()
    run.process.kill()
    run.process.wait()
    wait(lambda: run.leftovers() == [], "gone", 60)


@pytest.mark.parametrize("port", ["eighty", "0", "70000"])
def test_a_wrong_port_is_named(run: Run, port: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "project.run"],
        env={**run.environment(), "PORT": port},
        cwd=local.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert port in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("in_the_way", ["file", "half"])
def test_a_data_directory_that_cannot_be_used_is_named(run: Run, in_the_way: str) -> None:
    if in_the_way == "file":
        run.place.write_text("")
    else:
        (run.place / "postgres").mkdir(parents=True)
        (run.place / "postgres" / "PG_VERSION").write_text("18\n")
    run.start()
    assert run.process
    assert run.process.wait(120) == 1
    assert str(run.place) in run.said()
    assert "Traceback" not in run.said()
    if in_the_way == "file":
        run.place.unlink()


DEMO = {
    "BASE_URL": "http://127.0.0.1:8000",
    "APP_ID": "a",
    "APP_TOKEN": "t",
    "EXAMPLE_CODE": "SPRING-1",
    "ADMIN_LOGIN": "ada",
    "ADMIN_PASSWORD": "pw",
}


def test_the_demo_is_described_with_logins_keys_and_three_lines_to_paste() -> None:
    told = local.describe(DEMO)
    assert "admin      ada  /  pw" in told
    assert "APP_ID=a" in told
    lines = [line for line in told.splitlines() if line.startswith("curl ")]
    assert len(lines) == 3
    for line in lines:
        assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0


def test_the_demo_s_address_follows_the_port(tmp_path: Path) -> None:
    env.write_file(tmp_path / "demo.env", DEMO)
    shown = local.refresh_demo(tmp_path, base_url="http://127.0.0.1:9")
    assert shown == env.read_file(tmp_path / "demo.env") == {**DEMO, "BASE_URL": "http://127.0.0.1:9"}
    assert local.refresh_demo(tmp_path / "none", base_url="http://127.0.0.1:9") == {}


def test_processes_of_others_are_not_ours(tmp_path: Path) -> None:
    assert list(processes.session_of(os.getsid(0), "no such command")) == []
