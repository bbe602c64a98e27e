"""A real Celery worker beside the tests: on their database, on a broker of choice, to be killed at will."""

import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from project import local
from project.celery import app


class Worker:
    """Starts, is killed with everything it began, starts again; what it says goes to a file."""

    def __init__(self, place: Path, broker: str, *options: str) -> None:
        self.log, self.broker, self.options = place / "worker.log", broker, options
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it takes messages."""
        seen = self.said().count(" ready.")
        command = [sys.executable, "-m", "celery", "-A", "project", "worker", "--loglevel", "INFO", "-c", "1"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat", *self.options]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                command, cwd=local.ROOT, env=self._environment(), stdout=out, stderr=out, start_new_session=True
            )
        until(lambda: self.said().count(" ready.") > seen, self.said)

    def kill(self) -> None:
        """kill -9 of the worker and all its processes, in the middle of whatever they do."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def nudge(self, task: str, queue: str) -> None:
        """Send a task through the broker, which the tests' own eager mode would not do."""
        with app.connection_for_write(self.broker) as line, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says what we want: that eager mode is ignored
            app.send_task(task, queue=queue, connection=line)

    def _environment(self) -> dict[str, str]:
        database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
        changed = {"CELERY_EAGER": "0", "REDIS_URL": self.broker, "DATABASE_URL": database.geturl()}
        return {**os.environ, **changed, "DJANGO_SETTINGS_MODULE": "project.settings", "LOG_FORMAT": "text"}


def until(holds: Callable[[], bool], said: Callable[[], str] = str, seconds: int = 90) -> None:
    """Wait until something holds; fail with what was said when it does not come to that."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, said()
        time.sleep(0.05)
