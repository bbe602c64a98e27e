"""A server of ours: how it is found, waited for, told from a leftover and ended."""

import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from project import processes

START_SECONDS = 60.0
STOP_SECONDS = 20.0


class CannotStart(Exception):
    """Something about this machine or the data directory has to be put right by a person."""


@dataclass
class Server:
    """A running server of ours: where it answers and how it ends."""

    url: str
    process: processes.Popen
    ending: signal.Signals
    on_stop: list[Callable[[], None]] = field(default_factory=list)

    def stop(self) -> None:
        """End the server in good order; a server that does not listen is killed."""
        processes.end(self.process, self.ending, seconds=STOP_SECONDS)
        while self.on_stop:
            self.on_stop.pop()()


def end_leftover(pid_file: Path, mark: str, ending: signal.Signals) -> None:
    """End a server that outlived its runner; forget a pid file whose number now belongs to a stranger."""
    try:
        pid = int(pid_file.read_text().split()[0])
    except FileNotFoundError:
        return
    except (ValueError, IndexError):
        pid_file.unlink()  # half-written
        return
    if pid <= 1 or not processes.command_of(pid):
        return  # PostgreSQL needs the file of a dead one, to see whether its sessions still run
    if mark not in processes.command_of(pid):
        pid_file.unlink()
        return
    os.kill(pid, ending)
    deadline = time.monotonic() + STOP_SECONDS
    while mark in processes.command_of(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def wait_until(ready: Callable[[], bool], process: processes.Popen, log: Path, name: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            processes.end(process, signal.SIGTERM)
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise CannotStart(f"{name} did not start. The end of {log}:\n{tail}")
        time.sleep(0.03)


def in_package(package: str, inside: str) -> Path | None:
    spec = find_spec(package)
    found = Path(spec.origin).parent / inside if spec and spec.origin else None
    return found if found and found.exists() else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
