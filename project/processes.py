"""Starts, finds and ends the processes of this machine that are ours."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

Popen = subprocess.Popen[bytes]


def spawn(
    command: list[str],
    *,
    log: Path,
    ending: signal.Signals,
    become: Callable[[], None] | None = None,
    environment: dict[str, str] | None = None,
    directory: Path | None = None,
) -> Popen:
    """Start a program whose output goes to a log.

    It has a session of its own, so that a Ctrl-C reaches the parent only, and gets `ending` when the parent dies.
    """

    def before_exec() -> None:
        if become is not None:
            become()
        die_with_parent(ending)  # after the change of user, which would undo it

    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=before_exec,
            env=environment,
            cwd=directory,
        )


def end(process: Popen, ending: signal.Signals, *, seconds: float = 10.0) -> None:
    """Ask a child to end and wait for it; after `seconds` it is killed."""
    if process.poll() is None:
        process.send_signal(ending)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def die_with_parent(ending: signal.Signals) -> None:
    """Called in a child before exec: where the kernel can, have it end the child when the parent is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(ending), 0, 0, 0)  # PR_SET_PDEATHSIG


def command_of(pid: int) -> str:
    """Return the command line of a living process, empty when there is none."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    done = subprocess.run(["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def session_of(leader: int, mark: str) -> Iterator[int]:
    """Yield the living processes of a session that `spawn` began, its leader or not, whose command holds `mark`."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            session = int(entry.read_text().rpartition(")")[2].split()[3])
        except (OSError, ValueError, IndexError):
            continue  # gone in the meantime
        if session == leader and mark in command_of(int(entry.parent.name)):
            yield int(entry.parent.name)
    if not Path("/proc/self").exists() and mark in command_of(leader):
        yield leader


def end_session(leader: int, mark: str, *, seconds: float = 10.0) -> int:
    """End what is left of a session and return how many processes that were."""
    found = list(session_of(leader, mark))
    _signal(found, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while (left := list(session_of(leader, mark))) and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal(left, signal.SIGKILL)
    return len(found)


def _signal(pids: list[int], which: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, which)
        except ProcessLookupError:
            continue
