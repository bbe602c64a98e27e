"""`make run`: starts everything Offerkeep needs on this machine, watches over it, and stops it all again."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FrameType

from project import embedded, env, local, processes, serve

READY_SECONDS = 180.0
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CRASHES, CRASH_SECONDS = 5, 60.0
LOG_BYTES = 20_000_000


class Stopped(Exception):
    """A person or the system asked us to end."""


def say(text: str) -> None:
    print(text, flush=True)


class Kept:
    """Something that is started again when it ends by itself, but not for ever."""

    def __init__(self, name: str, log: Path, begin: Callable[[], embedded.Server]) -> None:
        self.name, self.log, self.begin = name, log, begin
        self.ended_at: list[float] = []
        trim(log)
        self.server = begin()

    @property
    def pid(self) -> int:
        return self.server.process.pid

    def stop(self) -> None:
        """End it, and what it may have left of its session."""
        self.server.stop()
        processes.end_session(self.pid, sys.executable, seconds=1.0)

    def look_after(self) -> bool:
        """Start it again if it ended, and say so; refuse when it keeps ending."""
        if self.server.process.poll() is None:
            return False
        say(f"{self.name} ended (exit code {self.server.process.returncode}); starting it again")
        now = time.monotonic()
        self.ended_at = [moment for moment in self.ended_at if now - moment < CRASH_SECONDS] + [now]
        if len(self.ended_at) >= CRASHES:
            raise embedded.CannotStart(f"{self.name} keeps ending. The end of {self.log}:\n{tail(self.log)}")
        self.stop()
        self.server = self.begin()
        return True


def main(arguments: list[str]) -> int:
    """Run the server, or with arguments one manage.py command beside (or instead of) it."""
    parent = os.getppid()
    for which in ENDINGS:
        if which != signal.SIGHUP or signal.getsignal(which) != signal.SIG_IGN:  # nohup means it
            signal.signal(which, _stop)
    try:
        if arguments == ["--clean"]:
            clean(local.data_dir())
        elif arguments:
            return run_command(local.data_dir(), arguments)
        else:
            serve_here(local.data_dir(), parent=parent)
    except embedded.CannotStart as problem:
        say(f"\n{problem}")
        return 1
    except OSError as problem:  # a disk that is full, a directory that may not be written
        say(f"\nCannot go on: {problem}")
        return 1
    except Stopped:
        say("Stopped.")
    return 0


def _stop(which: int, frame: FrameType | None) -> None:
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)  # an impatient second Ctrl-C must not interrupt the stopping
    raise Stopped


def serve_here(place: Path, *, parent: int) -> None:
    """Start, tell, watch; whatever ends this, everything started is stopped first."""
    began = time.monotonic()
    host, port = os.environ.get("HOST") or "127.0.0.1", env.env_int("PORT", 8000, least=1)
    base_url = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"
    with ExitStack() as stack:
        own(place, stack)
        end_leftovers(place)
        refuse_taken_port(host, port)
        servers, settings = start_servers(place, stack, base_url=base_url)
        environment = {**os.environ, **settings}
        prepare(environment)
        serve.empty_metrics_dir(Path(settings["PROMETHEUS_MULTIPROC_DIR"]))
        programs = start_programs(place, stack, environment, host=host, port=port)
        wait_until_ready(base_url, programs[0])
        say(f"\nOfferkeep is ready at {base_url} after {time.monotonic() - began:.1f} s. Ctrl-C stops it.")
        say(f"Back office {base_url}/admin/   API {base_url}/docs   data and logs {place}\n")
        demo = local.refresh_demo(place, base_url=base_url)
        start_external(place, stack, environment, demo)
        if demo:
            say(f"{local.describe(demo)}\n\nThe same as KEY=value lines: {place / 'demo.env'}")
        watch(place, servers, programs, parent=parent)


def own(place: Path, stack: ExitStack) -> None:
    """Take the data directory for this process, or say who has it."""
    lock = embedded.Lock(place)
    if not lock.take():
        raise embedded.CannotStart(
            f"Another `make run` (process {lock.owner()}) already works in {place}. "
            "Stop that one, or give this one its own: make run DATA_DIR=/another/directory PORT=8001"
        )
    stack.callback(lock.release)


def refuse_taken_port(host: str, port: int) -> None:
    """Refuse before anything is started when something else listens where we shall."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        raise embedded.CannotStart(
            f"Cannot listen on {host} port {port}: {error}. "
            f"Stop what uses it, or choose another: make run PORT={port + 1}"
        ) from error


def start_servers(place: Path, stack: ExitStack, *, base_url: str) -> tuple[list[Kept], dict[str, str]]:
    """Start the servers no URL was given for; return them and the settings that reach all."""
    urls = {"DATABASE_URL": os.environ.get("DATABASE_URL", ""), "REDIS_URL": os.environ.get("REDIS_URL", "")}
    ours: dict[str, Callable[[Path], embedded.Server]] = {
        "DATABASE_URL": embedded.start_postgres,
        "REDIS_URL": embedded.start_valkey,
    }
    started = []
    for name, start in ours.items():
        if not urls[name]:
            short = start.__name__.removeprefix("start_")
            kept = Kept(short, place / "log" / f"{short}.log", partial(start, place))
            stack.callback(kept.stop)
            started.append(kept)
            urls[name] = kept.server.url
    settings = local.settings_for(
        place, database_url=urls["DATABASE_URL"], redis_url=urls["REDIS_URL"], base_url=base_url
    )
    return started, settings


def prepare(environment: dict[str, str]) -> None:
    """Migrate, collect static files, load the demo, in a process of its own."""
    command = [sys.executable, "-m", "project.prepare"]
    if subprocess.run(command, env=environment, cwd=local.ROOT, start_new_session=True, check=False).returncode:
        raise embedded.CannotStart("The database could not be prepared; the reason stands above.")


def start_programs(place: Path, stack: ExitStack, environment: dict[str, str], *, host: str, port: int) -> list[Kept]:
    """Start web server, worker and beat; the first one is the web server."""
    celery = [sys.executable, "-m", "celery", "-A", "project"]
    for old in place.glob("beat-schedule*"):
        old.unlink()  # half-written by a kill it would stop the beat; everything in it is known again at start
    beat = ["beat", "--loglevel", "WARNING", "--schedule", str(place / "beat-schedule"), "--pidfile="]
    commands = {
        "web": serve.command(host=host, port=port),
        "worker": [*celery, "worker", *("--loglevel", "INFO", "--without-gossip", "--without-mingle", "-c", "2")],
        "beat": [*celery, *beat],
    }
    programs: list[Kept] = []
    for name, command in commands.items():
        log = place / "log" / f"{name}.log"
        kept = Kept(name, log, partial(_start_program, command, log, environment))
        stack.callback(kept.stop)
        programs.append(kept)
        remember(place, programs)
    return programs


def start_external(place: Path, stack: ExitStack, environment: dict[str, str], demo: dict[str, str]) -> bool:
    """Start the demo's shop on another origin, where the demo put it on the retailer's list and its port is free.

    It is a guest here: when it ends, nothing else does.
    """
    where = urllib.parse.urlsplit(demo.get("EXTERNAL_URL", ""))
    if not where.port or not where.hostname or not {"SK", "LAUNCH_URL"} <= demo.keys():
        return False
    try:
        refuse_taken_port(where.hostname, where.port)
    except embedded.CannotStart:
        say(f"Port {where.port} is taken: the external checkout is not started.")
        return False
    settings = {"SK": demo["SK"], "LAUNCH_URL": demo["LAUNCH_URL"], "HOST": where.hostname, "PORT": str(where.port)}
    settings |= {"ITEM": "Midnight mug", "PRICE": "19.00"}
    command = [sys.executable, "-m", "examples.external_checkout"]
    begin = partial(_start_program, command, place / "log" / "external.log", {**environment, **settings})
    stack.callback(Kept("external", place / "log" / "external.log", begin).stop)
    return True


def _start_program(command: list[str], log: Path, environment: dict[str, str]) -> embedded.Server:
    process = processes.spawn(command, log=log, ending=signal.SIGTERM, environment=environment, directory=local.ROOT)
    return embedded.Server("", process, signal.SIGTERM)


def remember(place: Path, programs: list[Kept]) -> None:
    """Note who runs, for the next start to find what a kill -9 of this process left behind."""
    env.write_file(place / "run.env", {kept.name: str(kept.pid) for kept in programs})


def end_leftovers(place: Path) -> None:
    """End what a killed runner left running."""
    for name, pid in env.read_file(place / "run.env").items():
        if pid.isdigit() and processes.end_session(int(pid), sys.executable):
            say(f"ended a {name} process left over from a run that was killed")
    (place / "run.env").unlink(missing_ok=True)


def wait_until_ready(base_url: str, web: Kept) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(f"{base_url}/readyz"):
        if time.monotonic() > deadline or web.server.process.poll() is not None:
            raise embedded.CannotStart(f"The web server did not get ready. The end of {web.log}:\n{tail(web.log)}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def watch(place: Path, servers: list[Kept], programs: list[Kept], *, parent: int) -> None:
    """Keep everything running until somebody stops us or the make above us is gone."""
    while os.getppid() == parent:
        changed = [kept for kept in [*servers, *programs] if kept.look_after()]
        if changed:
            remember(place, programs)
        time.sleep(0.3)


def run_command(place: Path, arguments: list[str]) -> int:
    """Run one manage.py command with the private server's data, started for it if need be."""
    command = [sys.executable, "manage.py", *arguments]
    with ExitStack() as stack:
        lock = embedded.Lock(place)
        if lock.take():
            stack.callback(lock.release)
            _, settings = start_servers(place, stack, base_url="http://127.0.0.1:8000")
            prepare({**os.environ, **settings})
        else:
            settings = env.read_file(place / "dev.env")
        signal.signal(signal.SIGINT, lambda *_: None)  # in a shell Ctrl-C is for the line being typed
        return subprocess.run(command, env={**os.environ, **settings}, cwd=local.ROOT, check=False).returncode


def clean(place: Path) -> None:
    """Remove the data directory, unless a server works in it."""
    with ExitStack() as stack:
        if place.exists():
            own(place, stack)
            end_leftovers(place)
            shutil.rmtree(place)
            say(f"removed {place}")


def trim(log: Path) -> None:
    """Put a log that has grown large aside, replacing the one before it."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
