"""Starts what is measured: a durable PostgreSQL and Valkey of its own, the product's server, and the floor's."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psycopg

from project import embedded, local, processes, serve

FLOOR = Path(__file__).parent / "floor"
FLOOR_DATABASE = "floor"


@dataclass(slots=True)
class Server:
    """One of the two servers: where it listens, its process, and whose sessions are its."""

    port: int
    pid: int
    database: str


@dataclass(slots=True)
class Ground:
    """Everything that runs."""

    place: Path
    environment: dict[str, str]
    postgres: int
    product: Server
    floor: Server
    shop: dict[str, Any]

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def headers(self) -> str:
        return f"X-App-Id: {self.shop['key']}\r\nX-App-Token: {self.shop['secret']}\r\n"

    def inside(self, step: str, *arguments: str, module: str = "tests.bench.inside") -> Any:
        """Run a step that needs the product's code, in its environment."""
        return _inside(self.environment, step, *arguments, module=module)


def start(place: Path, stack: ExitStack, *, codes: int, ports: tuple[int, int]) -> Ground:
    """Start and fill everything; the stack stops it and removes what it kept."""
    remove(place)
    place.mkdir(parents=True)
    stack.callback(remove, place)
    postgres = embedded.start_postgres(place)
    stack.callback(postgres.stop)
    valkey = embedded.start_valkey(place)
    stack.callback(valkey.stop)
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "ALLOWED_HOSTS": "127.0.0.1,testserver",
        "SECURE": "0",  # no TLS in front of us here
        "METRICS_TOKEN": secrets.token_urlsafe(8),
        "DATABASE_URL": postgres.url,
        "REDIS_URL": valkey.url,
        "STATIC_ROOT": str(place / "static"),
        "DATA_DIR": str(place),
        "PROMETHEUS_MULTIPROC_DIR": str(place / "metrics"),
        "PYTHONPATH": str(local.ROOT),
    }
    environment.pop("OFFERKEEP_DEV", None)
    serve.empty_metrics_dir(place / "metrics")
    # Pages are timed as production serves them: with the names of collected files.
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(collect, env=environment, cwd=local.ROOT, check=True)
    shop = _inside(environment, "fill", str(codes))
    floor_url = fill_floor(postgres.url, shop["codes"])
    product = _serve(
        stack,
        place,
        "product",
        serve.command(host="127.0.0.1", port=ports[0]),
        environment,
        embedded.DATABASE,
        ports[0],
    )
    command = [sys.executable, "-m", "gunicorn", "--config", str(FLOOR / "serve.py"), "tests.bench.floor.serve"]
    command += ["--bind", f"127.0.0.1:{ports[1]}"]
    floor = _serve(stack, place, "floor", command, {**environment, "DATABASE_URL": floor_url}, FLOOR_DATABASE, ports[1])
    return Ground(place, environment, postgres.process.pid, product, floor, shop)


def fill_floor(url: str, codes: list[str]) -> str:
    """Make the floor's database in the same PostgreSQL, with the same codes; return its address."""
    floor_url = url.replace(f"/{embedded.DATABASE}?", f"/{FLOOR_DATABASE}?", 1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'create database "{FLOOR_DATABASE}"')
    with psycopg.connect(floor_url, autocommit=True) as connection:
        connection.execute((FLOOR / "schema.sql").read_text())
        with connection.cursor().copy("COPY voucher (code, discount, max_uses) FROM STDIN") as copy:
            for code in codes:
                copy.write_row((code, '{"type": "PERCENT", "percent_off": 10}', 1))
        connection.execute("VACUUM (ANALYZE) voucher")
        connection.execute("CHECKPOINT")
    return floor_url


def remove(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)


def _inside(environment: dict[str, str], step: str, *arguments: str, module: str = "tests.bench.inside") -> Any:
    command = [sys.executable, "-m", module, step, *arguments]
    quiet = {**environment, "ACCESS_LOG": "0"}
    done = subprocess.run(command, env=quiet, cwd=local.ROOT, stdout=subprocess.PIPE, check=True)
    return orjson.loads(done.stdout)


def _serve(
    stack: ExitStack,
    place: Path,
    name: str,
    command: list[str],
    environment: dict[str, str],
    database: str,
    port: int,
) -> Server:
    log = place / "log" / f"{name}.log"
    process = processes.spawn(command, log=log, ending=signal.SIGTERM, environment=environment, directory=local.ROOT)
    stack.callback(processes.end, process, signal.SIGTERM)
    deadline = time.monotonic() + 60
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise embedded.CannotStart(f"The {name} did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.1)
    return Server(port, process.pid, database)


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
    except urllib.error.HTTPError:
        return True  # the floor has no such address
    except OSError:
        return False
    return True
