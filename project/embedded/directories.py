"""The data directory: whose it is, and those of tests, which are thrown away."""

import fcntl
import os
import shutil
from pathlib import Path
from typing import IO

from project import processes
from project.embedded.servers import CannotStart

OTHER_DIR = "Run as its owner, or set DATA_DIR to a directory of your own."


class Lock:
    """Owns a data directory; the kernel gives it back when its owner dies, however that happens."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "lock"
        self.file: IO[str] | None = None

    def take(self) -> bool:
        """Try to own the directory; False when a living process owns it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.file = self.path.open("a+")
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        except PermissionError as error:
            raise CannotStart(f"{self.path.parent} belongs to somebody else ({error.strerror}). {OTHER_DIR}") from error
        self.file.truncate(0)
        self.file.write(f"{os.getpid()}\n")
        self.file.flush()
        return True

    def owner(self) -> str:
        """Return the process id of whoever wrote the lock last."""
        return self.path.read_text().strip() or "unknown"

    def release(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


def make_throw_away_dir(place: Path) -> None:
    """Make a data directory for tests, after removing those whose processes are gone."""
    for old in place.parent.glob("offerkeep-test-*"):
        owner = old.name.split("-")[2]
        if owner.isdigit() and not processes.command_of(int(owner)):
            remove_throw_away_dir(old)
    place.mkdir(mode=0o755, exist_ok=True)  # PostgreSQL may have to run as another user below it


def remove_throw_away_dir(place: Path) -> None:
    """Remove what a test run kept."""
    shutil.rmtree(place, ignore_errors=True)
